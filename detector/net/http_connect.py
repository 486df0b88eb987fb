"""HTTP CONNECT (RFC 9110 section 9.3.6), with Basic (RFC 7617) and Digest (RFC 7616).

What comes is bounded: MAX_FIELDS fields a head, four interim answers (RFC 9110 section 15.2), and a page of which
MAX_PAGE bytes are read for as long as `LENIENT` allows, only to see why a tunnel was refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Generator

from detector.causes.through_proxy import ACTS
from detector.errors import ProxyError, ProxyFault
from detector.net.dialogue import LENIENT, Dialogue, Inbox
from detector.wire.greeting import printable
from detector.wire.proxy_answer import (
    MAX_FIELDS,
    MAX_INTERIM,
    MAX_PAGE,
    ProxyReply,
    login_schemes,
    meaning,
)

_DIGEST = re.compile(r"(?:^|,)[ \t]*(digest[ \t].*)", re.IGNORECASE)
_SPOKEN = ("basic", "digest")


class DigestWanted(Exception):  # noqa: N818
    """The proxy takes a login by Digest, and a user is known; `challenge` is its field."""

    def __init__(self, challenge: str) -> None:
        super().__init__("the proxy wants a login by Digest")
        self.challenge = challenge


def connect(
    host: str,
    port: int,
    user: str | None = None,
    password: str | None = None,
    authorization: str | None = None,
) -> Dialogue:
    """Ask a proxy for a tunnel.

    `authorization` is the field's value where it is known; otherwise Basic is tried where there is a user.
    Raises ProxyError, and DigestWanted where asking again by Digest may help.
    """
    where = authority(host, port)
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if authorization is None and user is not None:
        secret = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {secret}")
    elif authorization is not None:
        lines.append(f"Proxy-Authorization: {authorization}")
    request = "\r\n".join([*lines, "", ""]).encode()
    inbox = ProxyInbox()
    reply = yield from _head(inbox, request)
    if 200 <= reply.status < 300:
        return inbox.rest()
    if reply.status == 407 and user is not None and authorization is None:
        challenge = _digest(reply)
        if challenge is not None:
            raise DigestWanted(challenge)
    page = yield from _page(inbox, reply)
    read = ProxyReply(reply.status, reply.reason, reply.fields, page)
    found = meaning(read, host, port)
    fault, text = found.fault, found.text
    if fault == "login":
        fault = _login(found.schemes, with_credentials=user is not None)
        if fault == "wrong-login":
            text = f"{text}; the user or password was not accepted"
    raise ProxyError(fault, ACTS[fault].cause, text, status=reply.status, schemes=found.schemes)


def authority(host: str, port: int) -> str:
    """host:port as CONNECT has it, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def digest(challenge: str, host: str, port: int, user: str, password: str | None) -> str:
    """The Proxy-Authorization that answers a challenge. Raises ProxyError for one that cannot be answered.

    httpx answers it: to its DigestAuth a proxy's challenge is a server's, for a request of another target.
    """
    from detector.net.bare_httpx import httpx

    class Tunnel(httpx.URL):
        @property
        def raw_path(self) -> bytes:
            return authority(host, port).encode()  # RFC 7616 section 3.4.6: the request's target

    request = httpx.Request("CONNECT", "http://proxy/")
    request.url = Tunnel("http://proxy/")
    field = challenge.encode("latin-1", "replace")
    flow = httpx.DigestAuth(user, password or "").auth_flow(request)
    next(flow)
    try:
        answer = flow.send(
            httpx.Response(401, headers=[(b"www-authenticate", field)], request=request)
        )
    except (httpx.ProtocolError, StopIteration, LookupError, NotImplementedError, ValueError):
        text = f"the proxy's Digest challenge cannot be answered: {printable(challenge.encode('latin-1', 'replace'))}"
        raise ProxyError(
            "other-login", ACTS["other-login"].cause, text, status=407, schemes=("Digest",)
        ) from None
    return str(answer.headers["authorization"])


class ProxyInbox(Inbox):
    """What a proxy says; it ends in a ProxyError where the connection ends."""

    def __init__(self) -> None:
        super().__init__("proxy", ACTS["cut"].cause)

    def ended(self, seen: str, /) -> ProxyError:
        text = "the proxy closed the connection in mid-conversation"
        if self.buffer and self.buffer[0] in (0, 4, 5):
            return proxy_error("scheme", f"{text}; what it said looks like SOCKS")
        return ProxyError(
            "cut", "proxy-refused", f"{text} after {seen!r}" if seen else text, how="fin"
        )

    def too_much(self, text: str) -> ProxyError:
        return proxy_error("no-proxy", text)


def proxy_error(fault: ProxyFault, text: str, status: int | None = None) -> ProxyError:
    """By its fault, with the cause that belongs to it."""
    return ProxyError(fault, ACTS[fault].cause, text, status=status)


def _head(inbox: Inbox, request: bytes) -> Generator[bytes, bytes, ProxyReply]:
    """The final answer's head; interim ones are read over."""
    send = request
    for _ in range(MAX_INTERIM + 1):
        line = yield from inbox.line(send)
        send = b""
        found = re.fullmatch(rb"HTTP/1\.[01] (\d{3})(?: (.*))?", line)
        if not found:
            raise _no_http(line)
        fields: list[tuple[str, str]] = []
        while line := (yield from inbox.line()):
            if len(fields) >= MAX_FIELDS:
                raise proxy_error("no-proxy", f"the proxy sends more than {MAX_FIELDS} fields")
            name, _, value = line.decode("latin-1").partition(":")
            fields.append((name.strip().lower(), value.strip()))
        status = int(found[1])
        if status >= 200 or status == 101:
            return ProxyReply(status, printable(found[2] or b""), tuple(fields))
    raise proxy_error("no-proxy", "the proxy sends interim answers without end")


def _no_http(line: bytes) -> ProxyError:
    if line[:1] in (b"\x15", b"\x16"):
        return proxy_error("scheme", "the proxy speaks TLS on that port: name it as https://")
    if line[:1] in (b"\x05", b"\x04"):
        return proxy_error("scheme", "the proxy speaks SOCKS, not HTTP: name it as socks5h://")
    return proxy_error("scheme", f"the proxy does not speak HTTP; it said {printable(line)!r}")


def _page(inbox: Inbox, reply: ProxyReply) -> Generator[bytes, bytes, bytes]:
    """What comes after the head, as far as it comes at once."""
    page = inbox.rest()
    length = next(iter(reply.values("content-length")), "")
    size = int(length) if re.fullmatch(r"[0-9]{1,6}", length) else MAX_PAGE
    while len(page) < min(size, MAX_PAGE) and not page.endswith(b"0\r\n\r\n"):
        more = yield LENIENT
        if not more:
            break
        page += more
    return page[:MAX_PAGE]


def _digest(reply: ProxyReply) -> str | None:
    """Its Digest challenge, where it is not Basic that was refused."""
    fields = reply.values("proxy-authenticate")
    if "basic" in (scheme.lower() for scheme in login_schemes(fields)):
        return None
    found = (_DIGEST.search(field[:2000]) for field in fields)
    return next((one[1] for one in found if one), None)


def _login(schemes: tuple[str, ...], *, with_credentials: bool) -> ProxyFault:
    spoken = not schemes or any(scheme.lower() in _SPOKEN for scheme in schemes)
    if not spoken:
        return "other-login"
    return "wrong-login" if with_credentials else "login"
