"""A list as it comes from its source: bytes into an edition and its rules, or one reason why it is none.

    [feed]                       # of our own TOML: optional, and then the list says itself which one it is
    serial = 12                  # a whole number that grows

    [[rule]]
    host = "api.partner.example"
    reason = "pinned app"

A plain list is one pattern a line, as `bypass add` takes them (host, .suffix, *.one-label, CIDR, with or without a
port); comments begin with #.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec

from addons.bypass import feed
from addons.bypass.feed import Edition, Feed, Left, Numbering
from addons.bypass.feed_signature import Signed, read_key, verify
from addons.bypass.guarded import guarded
from addons.bypass.pattern import row_of
from addons.bypass.rule import RuleRow, rule_of, rule_rows
from addons.bypass.seeds import microsoft365
from addons.formats import registry
from addons.formats.domain_list import words
from detector.errors import ConfigError, TargetError
from detector.knowledge.rows import parse_toml

# Numbers beyond these are no dates and no counters of anybody's, and SQLite's own end there.
_MOST = 1 << 62


class Answer(msgspec.Struct, frozen=True):
    """What a source gave.

    Attributes:
        data: the list.
        signature: detached, None where none was asked for.
        version: what the publisher's version service says.

    """

    data: bytes
    signature: bytes | None = None
    etag: str | None = None
    modified: str | None = None
    version: int | None = None


def forms() -> tuple[str, ...]:
    """How a feed may be written."""
    return ("list", "m365", *(name for name, form in registry.FORMATS.items() if form.reads))


def arrived(
    name: str, known: Feed, answer: Answer, now: datetime, *, older: bool = False
) -> tuple[Edition, tuple[RuleRow, ...]]:
    """The edition and its rules. Raises ConfigError for one that is refused: what is in force stays.

    Args:
        name: the feed's.
        known: what is in force, and what waits.
        answer: what came.
        now: the moment of that.
        older: take also what is older than the last good one.

    """
    data, settings = answer.data, known.settings
    if len(data) > feed.MAX_BYTES:
        raise ConfigError(name, f"larger than {feed.MAX_BYTES >> 20} MiB")
    signed: Signed | None = None
    if settings.key is not None:
        if answer.signature is None:
            raise ConfigError(name, "has no signature")
        signed = verify(data, answer.signature, read_key(settings.key))
    rows, left, serial = _read(name, settings.form, data)
    kept, refused = feed.admitted(rows, now, guarded(), shared=settings.shared)
    left += refused
    number, numbering = _number(serial, signed, answer)
    if settings.key is not None and numbering not in ("list", "signature"):
        remedy = "give [feed] a serial, or sign it with minisign, whose comment says the time"
        raise ConfigError(name, "is signed, and does not say which edition it is", remedy=remedy)
    edition = Edition(
        digest=hashlib.sha256(data).hexdigest(),
        fetched=now.replace(microsecond=0),
        count=len(kept),
        number=number,
        numbering=numbering,
        etag=_short(answer.etag),
        modified=_short(answer.modified),
        signed=signed.text if signed is not None else None,
        left=tuple(left[: feed.MOST_REFUSED]),
        more_left=max(0, len(left) - feed.MOST_REFUSED),
    )
    why = None if older else feed.why_refused(edition, known.accepted)
    if why is not None:
        raise ConfigError(name, f"is refused: {why}", remedy="--older where that is meant")
    if not kept:
        told = f": {left[0].entry}: {left[0].why}" if left else ""
        raise ConfigError(name, f"holds no rule that a feed may have{told}")
    return edition, kept


def _read(name: str, form: str, data: bytes) -> tuple[list[RuleRow], list[Left], int | None]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(name, f"no UTF-8 text (byte {error.start})") from None
    if form == "m365":
        return microsoft365(text), [], None
    if form == "list":
        return *_plain(words(text)), None
    if form == "toml":
        return _toml(name, data)
    found = registry.read(form, text, name)
    unread = [Left(f"line {one.line}: {one.text}", one.why) for one in found.unread]
    return list(found.rows), unread, None


def _plain(entries: Iterable[tuple[int, str]]) -> tuple[list[RuleRow], list[Left]]:
    rows: list[RuleRow] = []
    left: list[Left] = []
    for line, entry in entries:
        try:
            row = row_of(entry)
            rule_of(row)
        except (ValueError, TargetError, ConfigError) as error:
            left.append(Left(f"line {line}: {entry[:100]}", str(error)[:200]))
            continue
        rows.append(row)
        if len(rows) > feed.MAX_ROWS:
            raise ConfigError("feed", f"more than {feed.MAX_ROWS:,} rules")
    return rows, left


def _toml(name: str, data: bytes) -> tuple[list[RuleRow], list[Left], int | None]:
    found, _ = parse_toml(Path(name), data)
    about: Any = found.pop("feed", {})
    rules: Any = found.get("rule")
    if isinstance(rules, list) and len(rules) > feed.MAX_ROWS:
        raise ConfigError(name, f"more than {feed.MAX_ROWS:,} rules")
    rows = rule_rows(found, name)
    for number, row in enumerate(rows, 1):
        try:
            rule_of(row)
        except (ValueError, TargetError) as error:
            raise ConfigError(name, f"rule {number}: {error}") from None
    if not isinstance(about, dict) or not {*about} <= {"serial", "title"}:
        raise ConfigError(name, "[feed] may say serial and title")
    serial = about.get("serial")
    if serial is not None and (type(serial) is not int or not 0 <= serial < _MOST):
        raise ConfigError(name, "serial of [feed] is no whole number")
    return rows, [], serial


def _number(
    serial: int | None, signed: Signed | None, answer: Answer
) -> tuple[int | None, Numbering | None]:
    if serial is not None:
        return serial, "list"
    if answer.version is not None:
        return answer.version, "version"
    if signed is not None:
        return (signed.time, "signature") if signed.time is not None else (None, None)
    try:
        moment = parsedate_to_datetime(answer.modified) if answer.modified else None
        return (int(moment.timestamp()), "http") if moment is not None else (None, None)
    except (ValueError, TypeError, OverflowError):
        return None, None


def _short(text: str | None) -> str | None:
    """A header that is sent back as it came, where it is one."""
    return text if text is not None and len(text) <= 200 and text.isprintable() else None
