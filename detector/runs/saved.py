"""Observations in files: NDJSON as `check --save` writes it, PEM chains (leaf first), one DER."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO

import msgspec

from detector import clock
from detector.chain.certificate import MAX_PEM, read_certificate, split_pem
from detector.errors import CertificateError, ConfigError, TargetError
from detector.knowledge.causes import cause_table
from detector.model.no_json import NO_JSON
from detector.model.observation import OBSERVATION_SCHEMA, Observation, Target
from detector.model.targets import normal_host, parse_target

MAX_LINE = 8 << 20
_FIRST_YEAR = 1990


@lru_cache(maxsize=1)
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder()


@lru_cache(maxsize=1)
def _decoder() -> msgspec.json.Decoder[Observation]:
    return msgspec.json.Decoder(Observation)


def encode_observation(observation: Observation) -> bytes:
    """One line of JSON without its end; bytes are base64."""
    return _encoder().encode(observation)


def load_observations(
    path: Path, host: str | None = None, at: datetime | None = None
) -> list[Observation]:
    """Every observation of a file.

    Args:
        path: the file.
        host: the name that was asked for; a PEM chain without it is judged for the leaf's own
            first name.
        at: the time to judge a PEM chain at; now when left out.

    Raises:
        ConfigError: unreadable, or neither observations nor certificates.
        TargetError: the name is none that could be asked for.

    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(1)
            if start == b"{":
                file.seek(0)
                return list(_lines(file, str(path)))
            data = start + file.read(MAX_PEM)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
    if size > MAX_PEM:
        raise ConfigError(str(path), f"larger than {MAX_PEM >> 20} MiB")
    return [_from_certificates(str(path), data, host, at)]


def read_observations(
    content: bytes, host: str | None = None, at: datetime | None = None
) -> list[Observation]:
    """Every observation of a file's content, as `load_observations`."""
    if content[:1] == b"{":
        return list(_lines(BytesIO(content), "observations"))
    return [_from_certificates("certificates", content[:MAX_PEM], host, at)]


def _lines(file: IO[bytes], name: str) -> Iterator[Observation]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise ConfigError(name, f"longer than {MAX_LINE >> 20} MiB", line=number)
        if not line.strip():
            continue
        try:
            observation = _decoder().decode(line)
        except NO_JSON as error:
            _check_schema(name, number, _schema_of(line))
            raise ConfigError(name, f"no observation: {error}", line=number) from None
        _check_schema(name, number, observation.schema)
        yield _checked(observation, name, number)


def _checked(observation: Observation, name: str, number: int) -> Observation:
    """The observation with its host as everybody writes it. Raises ConfigError for what no probe has written."""
    times = [observation.at, *([observation.browser.at] if observation.browser else [])]
    if any(time.tzinfo is None for time in times):
        raise ConfigError(name, "time without zone", line=number)
    if any(time.year < _FIRST_YEAR for time in times):
        raise ConfigError(name, f"time before {_FIRST_YEAR}", line=number)
    failure = observation.failure
    if failure is not None and failure.cause not in cause_table():
        why = f"no cause {failure.cause!r}"
        raise ConfigError(name, why, line=number, remedy="update tlsight")
    target = observation.target
    try:
        host = normal_host(target.host)
    except TargetError as error:
        raise ConfigError(name, f"target: {error}", line=number) from None
    if not 0 < target.port < 1 << 16:
        raise ConfigError(name, f"port {target.port}", line=number)
    if host == target.host:
        return observation
    return replace(observation, target=replace(target, host=host))


class _Schema(msgspec.Struct):
    schema: str = OBSERVATION_SCHEMA


def _schema_of(line: bytes) -> str:
    """What a line that cannot be decoded says of itself; a later schema may have other fields."""
    try:
        return msgspec.json.decode(line, type=_Schema).schema
    except NO_JSON:
        return OBSERVATION_SCHEMA


def _check_schema(name: str, number: int, schema: str) -> None:
    if schema == OBSERVATION_SCHEMA:
        return
    why = f"schema {schema!r}, expected {OBSERVATION_SCHEMA!r}"
    family = OBSERVATION_SCHEMA.partition("/")[0]
    later = schema.partition("/")[0] == family
    remedy = "update tlsight" if later else "save with check --save, not with --json"
    raise ConfigError(name, why, line=number, remedy=remedy)


def _from_certificates(
    name: str, data: bytes, host: str | None, at: datetime | None
) -> Observation:
    try:
        chain = split_pem(data)
        if not chain and data[:1] == b"\x30":
            chain = [data]
        if not chain:
            raise CertificateError("neither a saved observation nor a certificate")
        leaf = read_certificate(chain[0])
        if host is None:
            names = (*leaf.dns_names, *leaf.ip_addresses, *leaf.subject_fields.get("CN", ()))
            if not names:
                raise CertificateError("the leaf has no name", remedy="say which with --host")
            host = names[0].removeprefix("*.")
        target = parse_target(host)
    except CertificateError as error:
        remedy = error.remedy or "give a PEM chain, leaf first, or a file of check --save"
        raise ConfigError(name, error.message, remedy=remedy) from None
    return Observation(
        at=at or clock.now(),
        target=Target(target.host, target.port, sni=target.sni),
        chain=tuple(chain),
    )
