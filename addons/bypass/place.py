"""host:port as people write it: in names, ranges, and in the regexes of mitmproxy's ignore_hosts."""

from __future__ import annotations

import re

from addons.bypass.expression import asks_for_colon, has_alternatives, plain

# The port at the end of a regex: a number, several, or any.
_PORTS = re.compile(
    r"\\?:(?:(?P<one>\d{1,5})|\((?:\?:)?(?P<many>\d{1,5}(?:\|\d{1,5}){0,9})\)|(?:\\d|\[0-9\]|\.)[+*])\Z"
)
_MAYBE = re.compile(r"\((?:\?:)?:(?:\d{1,5}|(?:\\d|\[0-9\])\+)\)\?\Z")
# The beginning of a name, or a dot: what is searched for is a name and all below it.
_ABOVE = re.compile(r"\((?:\?:)?(?:\^\|(?:\\\.|\[\.\])|(?:\\\.|\[\.\])\|\^)\)")
_BRACKETS = re.compile(r"\[(?P<address>[^\[\]]*)\](?P<length>/\d{1,3})?(?::(?P<port>\d{1,5}))?")


def apart(text: str) -> tuple[str, int | None]:
    """A pattern and its port: "a.com:443", "*:443", "10.0.0.0/8:443", "[2001:db8::1]:443", "[2001:db8::]/32:443".

    An address of IPv6 without brackets has no port.
    """
    found = _BRACKETS.fullmatch(text)
    if found is not None:
        port = int(found["port"]) if found["port"] else None
        return found["address"] + (found["length"] or ""), port
    before, _, after = text.rpartition(":")
    plain = ":" not in before or "/" in before.rpartition(":")[2]
    if before and plain and after.isdecimal() and after.isascii() and len(after) <= 5:
        return before, int(after)
    return text, None


def regex_apart(regex: str) -> tuple[str, int | None]:
    """A regex and the port that stands at its end. Raises ValueError for one that asks for a colon elsewhere.

    mitmproxy asks its expressions of "host:port"; rules ask theirs of the name alone.
    """
    rest, ports = regex_and_ports(regex)
    if ports is not None and len(ports) > 1:
        raise ValueError(f"several ports: write a rule for each of {', '.join(map(str, ports))}")
    return rest, ports[0] if ports else None


def regex_and_ports(regex: str) -> tuple[str, tuple[int, ...] | None]:
    """A regex without anchors, and the ports at its end: () for any, None where it says none. Raises ValueError."""
    text = plain(regex)
    above = _ABOVE.match(text)
    if above is not None:
        text = f"(?:.*[.])?{text[above.end() :]}"
    ports: tuple[int, ...] | None = None
    found = _PORTS.search(text) or _MAYBE.search(text)
    if found is not None:
        if has_alternatives(text):
            raise ValueError(
                "the port belongs to one of several alternatives: write a rule for each"
            )
        text = text[: found.start()]
        numbers: dict[str, str | None] = found.groupdict()
        listed = numbers.get("one") or numbers.get("many")
        ports = tuple(int(one) for one in listed.split("|")) if listed else ()
        if any(not 1 <= port <= 65535 for port in ports):
            raise ValueError(f"port {max(ports)} is not between 1 and 65535")
    if asks_for_colon(text):
        raise ValueError("it asks for a colon, which no name holds: give the port apart")
    return text, ports
