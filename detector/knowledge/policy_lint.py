"""What is wrong, or soon will be, with a policy that can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec

from detector.chain.names import is_special_use, registrable_domain
from detector.known.hosts import HostPattern, any_matches
from detector.known.knowledge import Policy, PublishedKeys, Sanctioned

SOON = timedelta(days=30)


class Lint(msgspec.Struct, frozen=True):
    """One remark on one entry."""

    id: str
    level: Literal["error", "warning", "note"]
    text: str
    line: int | None = None


def lint(
    policy: Policy,
    published: PublishedKeys,
    today: date,
    lines: Mapping[tuple[str, int], int | None],
) -> list[Lint]:
    """Every remark, in the order of the file."""
    found: list[Lint] = []
    holders: dict[str, str] = {}
    for index, entry in enumerate(policy.private):
        line = lines.get(("private", index))
        name = entry.note or f"the private CA {entry.spki[:16]}…"
        found += _about_key(name, (entry.spki,), published, holders, line)
        found += _about_end(name, entry.expires, today, line)
        found += _about_patterns(name, entry.names, line)
    for index, sanctioned in enumerate(policy.sanctioned):
        line = lines.get(("sanctioned", index))
        found += _about_key(sanctioned.name, sanctioned.keys, published, holders, line)
        found += _about_end(sanctioned.name, sanctioned.expires, today, line)
        found += _about_scope(sanctioned, line)
    found += _about_patterns("internal", policy.internal, None)
    return found


def _about_key(
    name: str,
    keys: tuple[str, ...],
    published: PublishedKeys,
    holders: dict[str, str],
    line: int | None,
) -> Iterator[Lint]:
    for key in keys:
        leaked = published.find(key)
        if leaked is not None:
            text = f"{name}: its key is that of {leaked.name}, which everybody has"
            yield Lint("published-key", "error", text, line)
        if key in holders:
            text = f"{name}: the same key is already that of {holders[key]}"
            yield Lint("key-twice", "warning", text, line)
        holders[key] = name


def _about_end(name: str, expires: date | None, today: date, line: int | None) -> Iterator[Lint]:
    if expires is None:
        text = f"{name}: has no end; say expires, so that somebody looks at it again"
        yield Lint("no-expiry", "note", text, line)
    elif expires < today:
        text = f"{name}: ended on {expires.isoformat()} and no longer counts"
        yield Lint("expired", "error", text, line)
    elif expires - today <= SOON:
        text = f"{name}: ends on {expires.isoformat()}, in {(expires - today).days} days"
        yield Lint("ends-soon", "warning", text, line)


def _about_scope(entry: Sanctioned, line: int | None) -> Iterator[Lint]:
    name = entry.name
    if not entry.decrypt:
        yield Lint("decrypts-nothing", "warning", f"{name}: may decrypt nothing", line)
    for pattern in entry.decrypt:
        if any(_covers(other, pattern) for other in entry.never):
            text = f"{name}: {pattern.text} is in decrypt, but never covers it"
            yield Lint("dead-pattern", "warning", text, line)
    for pattern in entry.never:
        if not any(_overlap(pattern, other) for other in entry.decrypt):
            text = f"{name}: never {pattern.text} forbids what decrypt does not allow anyway"
            yield Lint("dead-pattern", "note", text, line)
    if any(pattern.text == "*" for pattern in entry.decrypt) and not entry.never:
        text = f"{name}: may decrypt everything; name what it never may, banks and health first"
        yield Lint("decrypts-everything", "warning", text, line)
    if not entry.owner:
        yield Lint("no-owner", "note", f"{name}: nobody answers for it; say owner", line)
    if not entry.ca_name:
        text = f"{name}: say ca_name, so that another key under that name is noticed"
        yield Lint("no-ca-name", "note", text, line)
    yield from _about_patterns(name, (*entry.decrypt, *entry.never), line)


def _about_patterns(
    name: str, patterns: tuple[HostPattern, ...], line: int | None
) -> Iterator[Lint]:
    for pattern in patterns:
        base = pattern.text.removeprefix("*").lstrip(".")
        below = f"x.{base}"
        if base in ("", pattern.text) or is_special_use(below):
            continue
        if registrable_domain(below) == below:
            text = f"{name}: {pattern.text} is everybody's, under the public suffix {base}"
            yield Lint("public-suffix", "warning", text, line)


def _covers(wide: HostPattern, narrow: HostPattern) -> bool:
    """Whether everything that `narrow` matches is matched by `wide`."""
    if wide.text in ("*", narrow.text):
        return True
    base = narrow.text.removeprefix("*").lstrip(".")
    if narrow.text == "*" or (wide.text.startswith("*.") and narrow.text != base):
        return False
    return any_matches((wide,), base)


def _overlap(one: HostPattern, other: HostPattern) -> bool:
    bases = [pattern.text.removeprefix("*").lstrip(".") for pattern in (one, other)]
    return "*" in (one.text, other.text) or one.matches(bases[1]) or other.matches(bases[0])
