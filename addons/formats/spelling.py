"""Names, addresses and URLs as entries of lists are spelt, and what a product's grammar makes of them.

A `Grammar` says, for each way to write a name, which pattern a product means by it. They differ a lot: "x" is that
name alone for one and all below it for another; so do ".x" and "*.x". What cannot be said is a reason, never a guess:
a path (before decryption only the name is seen), a star inside a label of a grammar that knows none, `*` alone.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import NamedTuple

from addons.bypass.place import apart
from addons.formats.gathered import Found, Kind, Pattern
from detector.model.targets import PLAIN_NAME

MAX_ENTRY = 300
MAX_RANGE = 64
PATH = "a path cannot be said: before decryption only the host is seen"
EVERYTHING = "that is every host: name the hosts, or a port"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}):(?:\\?/){2}")
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?")
_STARRED = re.compile(r"[\w.*?-]+")
_RANGE = re.compile(r"([0-9A-Fa-f.:]{2,45}) ?- ?([0-9A-Fa-f.:]{2,45})")
_ALL_PATHS = ("", "*")


class Grammar(NamedTuple):
    """What a name means, by what stands before it; a text of several words is why it cannot be said.

    Attributes:
        plain: of "x".
        dot: of ".x".
        star: of "*.x".
        label: what a star inside the name stands for, as a regex; "" where there is none.
        https: the port that an https:// before the name means.
        scheme: whether one may stand before the name.

    """

    plain: Kind | str
    dot: Kind | str
    star: Kind | str
    label: str = ""
    https: int | None = 443
    scheme: bool = True


def meaning(text: str, grammar: Grammar) -> Found:
    """The patterns of one entry, or why there is none."""
    text = text.strip()
    if PLAIN_NAME.fullmatch(text) and " " not in grammar.plain:
        return [Pattern(grammar.plain, text)]  # type: ignore[arg-type]
    if len(text) > MAX_ENTRY:
        return f"of {len(text)} characters, at most {MAX_ENTRY}"
    place, port = apart(text)
    addresses = network(text) or network(place)
    if addresses is not None:
        return [one._replace(port=port) for one in addresses]
    rest, default = text, None
    scheme = _SCHEME.match(text)
    if scheme is not None and scheme.group(1).lower() != "https" and grammar.scheme:
        return f"{scheme.group(1)}:// is not TLS: nothing of it is decrypted; write the name alone"
    if scheme is not None and grammar.scheme:
        rest, default = text[scheme.end() :], grammar.https
        if "@" in rest.partition("/")[0]:
            return "a user's name in a URL is no host"
    host, slash, path = rest.partition("/")
    if slash and path not in _ALL_PATHS:
        return PATH
    name, port = apart(host)
    addresses = network(name)
    if port is None:
        port = default
    if addresses is not None:
        return [one._replace(port=port) for one in addresses]
    return _named(name, port, grammar)


def network(text: str) -> list[Pattern] | None:
    """An address, a range with its length or its mask, or one from A to B; None for anything else."""
    if not (text[-1:].isalnum() or text[-1:] in ":]") or not (
        text[:1] in "0123456789[:" or ":" in text
    ):
        return None
    between = _RANGE.fullmatch(text)
    try:
        if between is not None:
            first, last = ip_address(between[1]), ip_address(between[2])
            ranges = list(summarize_address_range(first, last))
            return (
                [Pattern("cidr", str(one)) for one in ranges] if len(ranges) <= MAX_RANGE else None
            )
        return [Pattern("cidr", str(ip_network(text.strip("[]"), strict=False)))]
    except (ValueError, TypeError):
        return None


def _named(name: str, port: int | None, grammar: Grammar) -> Found:
    kind: Kind | str
    if name in ("*", "*.*", "", "."):
        return [Pattern("any", "*", port)] if name and port is not None else EVERYTHING
    if name.startswith("*."):
        kind, rest = grammar.star, name[2:]
    elif name.startswith("."):
        kind, rest = grammar.dot, name[1:]
    else:
        kind, rest = grammar.plain, name
    if "*" in rest or "?" in rest or (kind == "host" and name.startswith("*")):
        return _starred(name, port, grammar)
    if not _NAME.fullmatch(rest):
        return "is no name"
    if " " in kind:
        return kind
    return [Pattern(kind, rest, port)]  # type: ignore[arg-type]


def _starred(name: str, port: int | None, grammar: Grammar) -> Found:
    """A star in another place than before all."""
    if not _STARRED.fullmatch(name):
        return "is no name"
    if not grammar.label:
        return "a star inside a name is no pattern of this list's"
    parts = re.split(r"([*?])", name.removeprefix("."))
    said = "".join(
        grammar.label if part == "*" else "[^.]" if part == "?" else re.escape(part)
        for part in parts
    )
    return [Pattern("regex", said.replace("\\-", "-"), port)]
