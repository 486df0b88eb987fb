"""Exports of the store of CT knowledge: NDJSON, one answer a line, as `tlsight ct --json` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from detector.ct.issuance import IssuanceLookup
from detector.errors import ConfigError, TargetError
from detector.model.no_json import NO_JSON
from detector.model.targets import normal_host

MAX_LINE = 4 << 20


def read_export(path: Path) -> Iterator[IssuanceLookup]:
    """Trusted answers, line by line; "-" reads stdin. Raises ConfigError with the line."""
    if str(path) == "-":
        yield from _lines(path, sys.stdin.buffer)
        return
    try:
        with path.open("rb") as file:
            yield from _lines(path, file)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None


def _lines(path: Path, file: BinaryIO) -> Iterator[IssuanceLookup]:
    decode = msgspec.json.Decoder(IssuanceLookup).decode
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise ConfigError(str(path), f"longer than {MAX_LINE >> 20} MiB", line=number)
        try:
            lookup = decode(line)
            if normal_host(lookup.host) != lookup.host:
                raise ConfigError(str(path), f"{lookup.host!r} is no plain host", line=number)
        except NO_JSON as error:
            remedy = "give a file of `tlsight ct export`"
            raise ConfigError(
                str(path), f"no answer: {error}", line=number, remedy=remedy
            ) from None
        except TargetError as error:
            raise ConfigError(str(path), error.message, line=number) from None
        _check(path, lookup, number)
        if lookup.trusted:
            yield lookup


def _check(path: Path, lookup: IssuanceLookup, line: int) -> None:
    keys = [issuer.spki_sha256 for issuer in lookup.issuers if issuer.spki_sha256 is not None]
    for key in (*keys, *lookup.leaf_keys):
        if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
            raise ConfigError(str(path), f"{key!r} is no key digest", line=line)
    times = [t for i in lookup.issuers for t in (i.first, i.last)]
    if any(time.tzinfo is None for time in (lookup.fetched, *times)):
        raise ConfigError(str(path), "time without zone", line=line)
    counts = [issuer.certificates for issuer in lookup.issuers]
    if not all(0 <= n < 1 << 40 for n in (lookup.ttl, *counts)):
        raise ConfigError(str(path), "a number out of range", line=line)
