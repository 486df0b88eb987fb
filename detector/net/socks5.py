"""SOCKS5 (RFC 1928) with user and password (RFC 1929). Names are resolved by the proxy."""

from __future__ import annotations

import ipaddress

from detector.causes.through_proxy import ACTS
from detector.errors import ProxyError, ProxyFault
from detector.net.dialogue import Dialogue, Inbox
from detector.wire.greeting import printable
from detector.wire.proxy_answer import socks_meaning

_GSSAPI = "GSSAPI"
_PLAIN = "user and password"


def connect(host: str, port: int, user: str | None = None, password: str | None = None) -> Dialogue:
    """Ask a proxy for a connection to `host` (name or address literal). Raises ProxyError."""
    inbox = _SocksInbox()
    methods = b"\x00\x02" if user is not None else b"\x00"
    answer = yield from inbox.exactly(2, b"\x05" + bytes((len(methods),)) + methods)
    if answer[0] != 5:
        raise _no_socks(answer)
    if answer[1] == 2 and user is not None:
        yield from _log_in(inbox, user, password or "")
    elif answer[1] != 0:
        raise _wants_login(with_credentials=user is not None)
    request = b"\x05\x01\x00" + _address(host) + port.to_bytes(2, "big")
    head = yield from inbox.exactly(4, request)
    if head[1] != 0:
        found = socks_meaning(head[1], host, port)
        raise _error(found.fault, found.text, status=head[1])
    size = {1: 4, 4: 16}.get(head[3])
    if size is None:
        size = (yield from inbox.exactly(1))[0]
    yield from inbox.exactly(size + 2)
    return inbox.rest()


class _SocksInbox(Inbox):
    def __init__(self) -> None:
        super().__init__("proxy", "proxy-refused")

    def ended(self, _seen: str, /) -> ProxyError:
        if self.buffer:
            return _no_socks(bytes(self.buffer))
        text = "the SOCKS proxy closed the connection in mid-conversation"
        return ProxyError("cut", "proxy-refused", text, how="fin")


def _log_in(inbox: Inbox, user: str, password: str) -> Dialogue:
    name, secret = user.encode()[:255], password.encode()[:255]
    message = b"\x01" + bytes((len(name),)) + name + bytes((len(secret),)) + secret
    answer = yield from inbox.exactly(2, message)
    if answer[1] != 0:
        text = "the SOCKS proxy did not accept the user or password"
        raise _error("wrong-login", text, schemes=(_PLAIN,))
    return b""


def _wants_login(*, with_credentials: bool) -> ProxyError:
    """None of the methods that were offered will do: with a password among them, it is GSSAPI or a refusal."""
    if with_credentials:
        text = "the SOCKS proxy takes no user and password; it wants another login, such as GSSAPI"
        return _error("other-login", text, schemes=(_GSSAPI,))
    return _error("login", "the SOCKS proxy wants authentication", schemes=(_PLAIN,))


def _no_socks(answer: bytes) -> ProxyError:
    said = printable(answer)
    if answer.startswith(b"HT"):
        return _error("scheme", "the proxy does not speak SOCKS5 but HTTP: name it as http://")
    if answer[:1] in (b"\x15", b"\x16"):
        return _error("scheme", "the proxy does not speak SOCKS5 but TLS: name it as https://")
    if answer[:1] == b"\x00":
        return _error("scheme", "the proxy speaks SOCKS4 alone, which is not spoken here")
    return _error("scheme", f"the proxy does not speak SOCKS5; it said {said!r}")


def _error(
    fault: ProxyFault, text: str, status: int | None = None, schemes: tuple[str, ...] = ()
) -> ProxyError:
    return ProxyError(fault, ACTS[fault].cause, text, status=status, schemes=schemes)


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return b"\x03" + bytes((len(name),)) + name
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed
