"""What a proxy's answer to CONNECT, or to SOCKS5, says: by what the way to the server failed, and whose words show it.

Theory of operation
-------------------
A status alone says little: 503 is what squid says of a closed port, of a name and of a time-out. What tells them
apart is looked for in this order, the most exact first:

1. statuses that mean one thing: 407, 511, a redirect;
2. squid's X-Squid-Error, with the errno of the proxy's machine;
3. Proxy-Status (RFC 9209), whose details go before its error: Envoy calls every failed connection refused;
4. words in the status line and in the page, as proxies put them that have neither (mitmproxy, Apache, privoxy);
5. what the status means by itself.

Words of the page are looked for with the host's own name taken out, which may be made of such words. Everything
here is bounded by what the reader lets in: MAX_FIELDS fields, MAX_PAGE bytes of page.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from detector.errors import ProxyFault
from detector.wire.greeting import printable

MAX_FIELDS = 100
MAX_PAGE = 16 << 10
MAX_INTERIM = 4
_MAX_SCHEMES = 8


class ProxyReply(msgspec.Struct, frozen=True):
    """The head of an answer, and as much of its page as was read.

    Attributes:
        fields: names in lower case, and values, in order.

    """

    status: int
    reason: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    page: bytes = b""

    def values(self, name: str) -> list[str]:
        """All values of a field, in order."""
        return [value for one, value in self.fields if one == name]

    @property
    def said(self) -> str:
        """The status line without its version, for a sentence."""
        return f"{self.status} {self.reason}".strip()


def read_reply(data: bytes) -> ProxyReply | None:
    """The answer at the start of what a proxy said, interim ones passed over; None where there is none."""
    for _ in range(MAX_INTERIM + 1):
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n", MAX_FIELDS + 1)
        found = _STATUS_LINE.match(first)
        if found is None:
            return None
        if not found[1].startswith(b"1"):
            parts = (line.partition(b":") for line in lines[:MAX_FIELDS])
            fields = ((name.strip().lower(), value.strip()) for name, _, value in parts)
            named = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in fields)
            return ProxyReply(int(found[1]), printable(found[2] or b""), named, data[:MAX_PAGE])
    return None


class Meaning(msgspec.Struct, frozen=True):
    """What a reply amounts to.

    Attributes:
        text: one line for a person.
        schemes: what the proxy takes for a login.

    """

    fault: ProxyFault
    text: str
    schemes: tuple[str, ...] = ()


# errno of the proxy's machine: Linux, the BSDs and macOS, Windows.
_ERRNOS: dict[int, ProxyFault] = {
    **dict.fromkeys((111, 61, 10061), "refused"),
    **dict.fromkeys((110, 60, 10060), "silence"),
    **dict.fromkeys((101, 113, 51, 65, 10051, 10065), "unreachable"),
}
_SQUID: tuple[tuple[str, ProxyFault], ...] = (
    ("ERR_DNS_FAIL", "name"),
    ("ERR_CONNECT_FAIL", "failed"),  # where its errno says nothing
    ("ERR_READ_TIMEOUT", "silence"),
    ("ERR_LIFETIME_EXP", "silence"),
    ("ERR_CANNOT_FORWARD", "failed"),
    ("ERR_SECURE_CONNECT_FAIL", "failed"),
    ("ERR_ZERO_SIZE_OBJECT", "failed"),
    ("ERR_SHUTTING_DOWN", "overloaded"),
    ("ERR_TOO_MANY", "overloaded"),
    ("ERR_UNSUP_REQ", "no-proxy"),
    ("ERR_ACCESS_DENIED", "policy"),
    ("ERR_FORWARDING_DENIED", "policy"),
    ("ERR_CACHE_ACCESS_DENIED", "policy"),
)
# RFC 9209 section 2.3.
_PROXY_STATUS: dict[str, ProxyFault] = {
    "dns_timeout": "name",
    "dns_error": "name",
    "destination_not_found": "name",
    "destination_unavailable": "failed",
    "destination_ip_prohibited": "policy",
    "destination_ip_unroutable": "unreachable",
    "connection_refused": "refused",
    "connection_terminated": "failed",
    "connection_timeout": "silence",
    "connection_read_timeout": "silence",
    "connection_write_timeout": "silence",
    "connection_limit_reached": "overloaded",
    "http_response_timeout": "silence",
    "http_request_denied": "policy",
    "http_request_error": "no-proxy",
    "proxy_internal_error": "failed",
    "proxy_configuration_error": "failed",
    "proxy_loop_detected": "failed",
}
_REPLIES: dict[int, tuple[str, ProxyFault]] = {
    1: ("general failure", "failed"),
    2: ("not allowed by its rules", "policy"),
    3: ("network unreachable", "unreachable"),
    4: ("host unreachable", "unreachable"),
    5: ("connection refused", "refused"),
    6: ("time to live expired", "silence"),
    7: ("command not supported", "no-proxy"),
    8: ("address type not supported", "address-kind"),
}
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([^\r\n]{0,512}))?")
_ERROR = re.compile(r"\berror=([a-z_]{1,40})")
_NUMBER = re.compile(r"\(([0-9]{2,5})\)|errno:?[ =]*([0-9]{2,5})\b", re.IGNORECASE)
_WORDS: tuple[tuple[str, ProxyFault], ...] = (
    (
        r"not allowed with the port|forbidden connect port|connect to remote machine blocked",
        "port",
    ),
    (
        (
            r"no such domain|could not be resolved|cannot be resolved|unable to resolve|dns lookup failure"
            r"|dns.resolution.fail|name resolution|name or service not known|nodename nor servname"
            r"|no address associated|getaddrinfo|unknown host|host not found|nxdomain|dns error"
        ),
        "name",
    ),
    (r"no.route.to.host|(?:network|host).is.unreachable", "unreachable"),
    (r"connection.refused", "refused"),
    (r"\btimed?.?out\b|\btime-out\b", "silence"),
    (r"too many (?:connections|requests)", "overloaded"),
)
# Web servers say this to whoever speaks without TLS to their TLS port.
_WANTS_TLS = re.compile(
    r"plain http request was sent to https|speaking plain http to an ssl|client sent an http request to an https",
    re.IGNORECASE,
)
_STATUSES: dict[int, ProxyFault] = {
    400: "no-proxy",
    404: "no-proxy",
    405: "no-proxy",
    408: "silence",
    429: "overloaded",
    501: "no-proxy",
    504: "silence",
}
_MARKUP = re.compile(rb"<[^<>]{0,400}>")
_SPACES = re.compile(r"\s+")
# One that nobody closes goes to the end.
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,31})(?:\s+(?!\s*=)|$)")


def meaning(reply: ProxyReply, host: str, port: int) -> Meaning:
    """What a reply that opens no tunnel to `host` says. Never raises."""
    if reply.status == 407:
        schemes = login_schemes(reply.values("proxy-authenticate"))
        wanted = " or ".join(schemes) or reply.said
        return Meaning("login", f"the proxy wants a login ({wanted})", schemes)
    if reply.status == 511:
        return Meaning("portal", f"the proxy answers {reply.said}: a captive portal wants a log-in")
    if 300 <= reply.status < 400:
        return _redirected(reply, host)
    fault, shown = _fault(reply, host)
    return Meaning(fault, _sentence(fault, host, port, f"{reply.said}{shown}"))


def socks_meaning(reply: int, host: str, port: int) -> Meaning:
    """What a reply of SOCKS5 other than 0 says (RFC 1928 section 6)."""
    why, fault = _REPLIES.get(reply, (f"reply {reply}", "failed"))
    return Meaning(fault, f"the SOCKS proxy says of {host} port {port}: {why}")


def login_schemes(values: list[str]) -> tuple[str, ...]:
    """The schemes of Proxy-Authenticate fields (RFC 9110 section 11.6.1), in order, each once."""
    found: list[str] = []
    for value in values:
        for part in _QUOTED.sub('""', value[:2000]).split(","):
            scheme = _SCHEME.match(part.strip())
            if scheme and scheme[1].lower() not in map(str.lower, found):
                found.append(scheme[1])
    return tuple(found[:_MAX_SCHEMES])


def _redirected(reply: ProxyReply, host: str) -> Meaning:
    """A portal sends elsewhere; a web server to its own https:// address, or to the one that was asked for."""
    where = next(iter(reply.values("location")), "")
    try:
        there = urlsplit(where).hostname
    except ValueError:
        there = None
    if not where or there == host.lower():
        return Meaning("no-proxy", f"no proxy answers there: it says {reply.said} to CONNECT")
    shown = printable(where.partition("?")[0].partition("#")[0].encode("latin-1", "replace"), 100)
    text = f"the proxy answers {reply.said} and sends to {shown}: a captive portal wants a log-in first"
    return Meaning("portal", text)


def _fault(reply: ProxyReply, host: str) -> tuple[ProxyFault, str]:
    """By what it failed, and what shows it beyond the status."""
    for value in reply.values("x-squid-error")[:1]:
        name, _, number = value.partition(" ")
        for start, fault in _SQUID:
            if name.startswith(start):
                errno = int(number[:6]) if number.isascii() and number.isdigit() else 0
                by_errno = _ERRNOS.get(errno, fault) if start == "ERR_CONNECT_FAIL" else fault
                shown = f", {printable(value.encode('latin-1', 'replace'))}"
                if start == "ERR_CANNOT_FORWARD" and reply.status == 500:
                    # What squid 5 says of a name: it found nowhere to go, and no parent to ask.
                    return "name", f"{shown}: no address, and no parent proxy that is up"
                return by_errno, shown
    for value in reply.values("proxy-status")[:4]:
        error = _ERROR.search(value)
        if error and error[1] in _PROXY_STATUS:
            details = value.replace(error[0], "").replace("_", " ")
            better = _by_words(details) if error[1] == "connection_refused" else None
            return better or _PROXY_STATUS[error[1]], f", {error[1]}"
    words = f"{reply.reason} {_text_of(reply.page)}".replace(host, " ")
    if _WANTS_TLS.search(words):
        return "scheme", ", it speaks TLS"
    by_words = _by_words(words)
    if reply.status in (401, 403, 451):
        return ("port" if by_words == "port" else "policy"), ""
    if by_words is not None:
        return by_words, ""
    by_status = _STATUSES.get(reply.status)
    return by_status or ("failed" if reply.status >= 500 else "policy"), ""


def _by_words(text: str) -> ProxyFault | None:
    for found in _NUMBER.finditer(text):
        fault = _ERRNOS.get(int(found[1] or found[2]))
        if fault is not None:
            return fault
    return next((fault for words, fault in _WORDS if re.search(words, text, re.IGNORECASE)), None)


def _text_of(page: bytes) -> str:
    return _SPACES.sub(" ", _MARKUP.sub(b" ", page[:MAX_PAGE]).decode("latin-1"))


def _sentence(fault: ProxyFault, host: str, port: int, said: str) -> str:
    where = f"{host} port {port}"
    return {
        "refused": f"the proxy finds {where} closed ({said})",
        "name": f"the proxy cannot resolve {host} ({said})",
        "silence": f"the proxy gets no answer from {where} ({said})",
        "unreachable": f"the proxy has no way to {where} ({said})",
        "failed": f"the proxy could not reach {where} and does not say why ({said})",
        "overloaded": f"the proxy takes no more at present ({said})",
        "port": f"the proxy opens no tunnel to port {port} ({said})",
        "no-proxy": f"no proxy for TLS answers there: it says {said} to CONNECT",
        "scheme": f"the proxy wants to be spoken to in TLS ({said})",
    }.get(fault, f"the proxy refuses the tunnel: {said}")
