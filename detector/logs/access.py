"""Access logs, for the User-Agent of a client: the combined format, and JSON lines as Caddy has them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from detector.model.no_json import NO_JSON

_COMBINED = re.compile(
    rb"^(?:(?P<v4>[0-9.]+)|\[?(?P<v6>[0-9a-fA-F.:]+)\]?)(?::(?P<port>\d{1,5}))? "
    rb'\S+ \S+ \[[^\]]+\] "[^"]*" \d+ \S+ "[^"]*" "(?P<agent>[^"]*)"'
)
MAX_AGENTS = 200_000
_MAX_LINE = 1 << 16


def agents(lines: Iterable[bytes]) -> dict[tuple[str, int], str]:
    """User-Agent by client's address and port; under port 0 by address alone where it has only one."""
    found: dict[tuple[str, int], str] = {}
    several: set[str] = set()
    for line in lines:
        read = _of(line[:_MAX_LINE])
        if read is None:
            continue
        address, port, agent = read
        if len(found) >= MAX_AGENTS and (address, 0) not in found:
            continue  # of those that are in, it still counts that they are several
        if port and len(found) < MAX_AGENTS:
            found[address, port] = agent
        if found.setdefault((address, 0), agent) != agent:
            several.add(address)
    for address in several:
        del found[address, 0]
    return found


def _of(line: bytes) -> tuple[str, int, str] | None:
    if line[:1] == b"{":
        return _of_json(line)
    found = _COMBINED.match(line)
    if found is None or found["agent"] in (b"", b"-"):
        return None
    address: bytes = found["v4"] or found["v6"]
    return address.decode(), int(found["port"] or 0), found["agent"].decode("utf-8", "replace")


def _of_json(line: bytes) -> tuple[str, int, str] | None:
    try:
        entry = msgspec.json.decode(line)
        request = entry["request"]
        agent = request["headers"]["User-Agent"][0]
        address = request.get("client_ip") or request["remote_ip"]
        port = int(request.get("remote_port", 0))
    except (*NO_JSON, KeyError, IndexError, TypeError, ValueError):
        return None
    return (address, port, agent) if isinstance(address, str) and isinstance(agent, str) else None
