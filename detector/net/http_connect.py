"""HTTP CONNECT (RFC 9110 section 9.3.6), with Basic authentication (RFC 7617)."""

from __future__ import annotations

import base64
import re

from detector.errors import DialError
from detector.net.dialogue import Dialogue, Inbox
from detector.wire.greeting import printable


def connect(host: str, port: int, user: str | None = None, password: str | None = None) -> Dialogue:
    """Ask a proxy for a tunnel. Raises DialError with proxy-refused, proxy-auth-required or
    captive-portal.
    """
    name = f"[{host}]" if ":" in host else host
    lines = [f"CONNECT {name}:{port} HTTP/1.1", f"Host: {name}:{port}"]
    if user is not None:
        secret = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {secret}")
    request = "\r\n".join([*lines, "", ""]).encode()
    inbox = Inbox("proxy", "proxy-refused")
    status_line = yield from inbox.line(request)
    found = re.fullmatch(rb"HTTP/1\.[01] (\d{3})(?: (.*))?", status_line)
    if not found:
        text = f"the proxy does not speak HTTP; it said {printable(status_line)!r}"
        raise DialError("proxy", "proxy-refused", text, remedy="check the proxy's port and scheme")
    realm = ""
    while True:
        line = yield from inbox.line()
        if not line:
            break
        if line.lower().startswith(b"proxy-authenticate:"):
            realm = printable(line.partition(b":")[2])
    status = int(found[1])
    if 200 <= status < 300:
        return inbox.rest()
    reason = printable(found[2] or b"")
    raise _refusal(status, reason, realm, with_credentials=user is not None)


def _refusal(status: int, reason: str, realm: str, *, with_credentials: bool) -> DialError:
    said = f"{status} {reason}".strip()
    if status == 407:
        text = f"the proxy wants authentication ({realm or said})"
        remedy = (
            "the user or password was not accepted"
            if with_credentials
            else "put user:password@ into HTTPS_PROXY"
        )
        return DialError("proxy", "proxy-auth-required", text, remedy=remedy)
    if status == 511 or 300 <= status < 400:
        text = f"the proxy answers {said}: a captive portal wants a log-in first"
        return DialError("proxy", "captive-portal", text, remedy="log in with a browser")
    text = f"the proxy refuses the tunnel: {said}"
    return DialError("proxy", "proxy-refused", text, remedy="ask who runs the proxy")
