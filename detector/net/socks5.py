"""SOCKS5 (RFC 1928) with user and password (RFC 1929). Names are resolved by the proxy."""

from __future__ import annotations

import ipaddress

from detector.errors import DialError
from detector.net.dialogue import Dialogue, Inbox
from detector.wire.greeting import printable

_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}


def connect(host: str, port: int, user: str | None = None, password: str | None = None) -> Dialogue:
    """Ask a proxy for a connection to `host` (name or address literal). Raises DialError."""
    inbox = Inbox("proxy", "proxy-refused")
    methods = b"\x00\x02" if user is not None else b"\x00"
    answer = yield from inbox.exactly(2, b"\x05" + bytes((len(methods),)) + methods)
    if answer[0] != 5:
        text = f"the proxy does not speak SOCKS5; it said {printable(answer)!r}"
        raise DialError("proxy", "proxy-refused", text, remedy="check the proxy's port and scheme")
    if answer[1] == 2 and user is not None:
        yield from _log_in(inbox, user, password or "")
    elif answer[1] != 0:
        text = "the SOCKS proxy wants authentication"
        remedy = "put user:password@ into ALL_PROXY"
        raise DialError("proxy", "proxy-auth-required", text, remedy=remedy)
    request = b"\x05\x01\x00" + _address(host) + port.to_bytes(2, "big")
    head = yield from inbox.exactly(4, request)
    if head[1] != 0:
        why = _REPLIES.get(head[1], f"reply {head[1]}")
        raise DialError("proxy", "proxy-refused", f"the SOCKS proxy says: {why}")
    size = {1: 4, 4: 16}.get(head[3])
    if size is None:
        size = (yield from inbox.exactly(1))[0]
    yield from inbox.exactly(size + 2)
    return inbox.rest()


def _log_in(inbox: Inbox, user: str, password: str) -> Dialogue:
    name, secret = user.encode()[:255], password.encode()[:255]
    message = b"\x01" + bytes((len(name),)) + name + bytes((len(secret),)) + secret
    answer = yield from inbox.exactly(2, message)
    if answer[1] != 0:
        text = "the SOCKS proxy did not accept the user or password"
        raise DialError("proxy", "proxy-auth-required", text)
    return b""


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return b"\x03" + bytes((len(name),)) + name
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed
