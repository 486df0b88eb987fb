"""What is said before TLS: HTTP CONNECT, SOCKS, PROXY headers, STARTTLS of eleven protocols.

A protocol is recognised by the whole of what the client said, and by an answer that fits: first bytes alone are
shared by many (a SOCKS greeting begins as DCE/RPC's and DNP3's packets do).

Sources: RFC 9110 section 9.3.6, RFC 1928, haproxy's proxy-protocol.txt, RFC 3207 (SMTP), 2595 (IMAP, POP3),
4217 (FTP), 4642 (NNTP), 5804 (ManageSieve), 6120 (XMPP), 4511 (LDAP), PostgreSQL's and MySQL's protocols.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from detector.capture.connection import Preamble
from detector.wire.proxy_answer import meaning, read_reply

# Behind other requests, too: one with a password follows one that was refused.
_CONNECT = re.compile(rb"(?:\A|\r\n\r\n)CONNECT ([^\s]{1,260}) HTTP/1\.[01]\r\n", re.IGNORECASE)
_FIELD = re.compile(rb"^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}):[ \t]*([^\r\n]{0,512})", re.MULTILINE)
# Protocol, what the client says, what the server says.
_STARTTLS: tuple[tuple[str, bytes, bytes], ...] = (
    ("smtp", rb"(?i)\A(?>.*?(?:ehlo|helo|lhlo)[ \t]).*starttls", rb"^220"),
    ("imap", rb"(?im)^\S{1,64} starttls\r?$", rb"^\* "),
    ("pop3", rb"(?im)^stls\r?$", rb"^\+OK"),
    ("ftp", rb"(?im)^auth (?:tls|ssl)", rb"^220"),
    ("nntp", rb"(?im)^starttls", rb"^20[01]"),
    ("sieve", rb"(?im)^starttls", rb"^\"IMPLEMENTATION\"|^\"SIEVE\""),
    ("xmpp", rb"\A\s{0,64}<.*urn:ietf:params:xml:ns:xmpp-tls", rb"\A\s{0,64}<|\A\Z"),
    ("ldap", rb"\A0.*1\.3\.6\.1\.4\.1\.1466\.20037", rb"\A0|\A\Z"),
    ("postgres", rb"\A\x00\x00\x00\x08\x04\xd2\x16\x2f\Z", rb"\A[SNE]|\A\Z"),
    ("irc", rb"(?im)^starttls\r?$", rb"^:?\S{1,255} (?:670|691|NOTICE) |\A\Z"),
    ("mysql", rb"^\x20\x00\x00\x01", rb"(?s)^.\x00\x00\x00\x0a"),
    ("smtp", rb"(?im)^starttls", rb"^220"),
)
_TABLE = tuple((name, re.compile(c, re.DOTALL), re.compile(s)) for name, c, s in _STARTTLS)


def read_preamble(client: bytes, server: bytes) -> Preamble | None:
    """What both sides said before TLS; None for nothing."""
    if not client and not server:
        return None
    found = _CONNECT.search(client)
    if found is not None and (not server or server[:5] == b"HTTP/"[: len(server)]):
        return _http(client, server, found)
    socks = _socks5(client, server) or _socks4(client, server)
    if socks is not None:
        return socks
    if client.startswith((b"PROXY TCP", b"\r\n\r\n\x00\r\nQUIT\n")):
        return Preamble("proxy-header")
    for name, asks, greets in _TABLE:
        if asks.search(client) and greets.search(server):
            return Preamble("starttls", protocol=name)
    return Preamble("other")


def _http(client: bytes, server: bytes, found: re.Match[bytes]) -> Preamble:
    fields = [
        (name.lower().decode(), value) for name, value in _FIELD.findall(client[found.end() :])
    ]
    agent = next((value.decode("latin-1") for name, value in fields if name == "user-agent"), None)
    target = found[1].decode("latin-1")
    reply = read_reply(server)
    failed = meaning(reply, *_host_and_port(target)) if reply and reply.status >= 400 else None
    return Preamble(
        "http-connect",
        target=target,
        status=reply.status if reply is not None else None,
        fault=failed.fault if failed is not None else None,
        told=failed.text if failed is not None else None,
        agent=agent,
        headers=tuple(dict.fromkeys(name for name, _ in fields)),
    )


def _host_and_port(target: str) -> tuple[str, int]:
    host, _, number = target.rpartition(":")
    return host or target, int(number[:5]) if number.isascii() and number.isdecimal() else 443


def asks_for_a_tunnel(client: bytes, server: bytes) -> bool:
    """The client asks a proxy for a way, TLS or not."""
    return _CONNECT.match(client) is not None or _socks5(client, server) is not None


def _socks5(client: bytes, server: bytes) -> Preamble | None:
    """The request follows the greeting, and the answer the method (RFC 1928 sections 3 to 6); None for others."""
    size = client[1] if client[:1] == b"\x05" and len(client) > 1 else 0
    methods, request = client[2 : 2 + size], client[2 + size :]
    if not size or len(methods) < size:
        return None
    nothing = Preamble("socks5")
    if server and (server[:1] != b"\x05" or server[1:2] not in (b"", b"\xff", *_each(methods))):
        return None
    answer = server[2:]
    if server[1:2] == b"\x02" and request:  # user name and password first (RFC 1929)
        name = request[1] if len(request) > 1 else 0
        secret = request[2 + name] if len(request) > 2 + name else 0
        if request[0] != 1 or answer[:1] not in (b"", b"\x01"):
            return None
        request, answer = request[3 + name + secret :], answer[2:]
    elif server[1:2] not in (b"\0", b"\x02", b""):
        return nothing  # refused, or a method whose messages are its own
    if not request:
        return nothing
    target = _socks5_target(request)
    if target is None or (answer and not _is_reply(answer)):
        return None
    return Preamble("socks5", target=target, status=answer[1] if len(answer) > 1 else None)


def _socks5_target(request: bytes) -> str | None:
    """host:port of a request (RFC 1928 section 4); None for what is none."""
    if len(request) < 5 or request[0] != 5 or request[1] not in (1, 2, 3) or request[2]:
        return None
    kind, rest = request[3], request[4:]
    if kind == 1:
        return _ipv4_target(rest[:4], rest[4:6])
    if kind == 3:
        name, port = rest[1 : 1 + rest[0]], rest[1 + rest[0] : 3 + rest[0]]
        return (
            f"{name.decode('latin-1')}:{int.from_bytes(port)}" if name and len(port) == 2 else None
        )
    if kind == 4 and len(rest) >= 18:
        return f"[{ip_address(rest[:16])}]:{int.from_bytes(rest[16:18])}"
    return None


def _is_reply(answer: bytes) -> bool:
    """A reply, or the beginning of one (RFC 1928 section 6)."""
    allowed = (b"\x05", bytes(range(9)), b"\0", b"\x01\x03\x04")
    return all(byte in values for byte, values in zip(answer, allowed, strict=False))


def _socks4(client: bytes, server: bytes) -> Preamble | None:
    """Version, command, port, address, user, and its end (SOCKS 4); a name may follow (4a)."""
    if client[:2] != b"\x04\x01" or b"\0" not in client[8:]:
        return None
    if server and (server[0] or server[1:2] not in (b"", *_each(b"\x5a\x5b\x5c\x5d"))):
        return None
    status = server[1] if len(server) > 1 else None
    target = _ipv4_target(client[4:8], client[2:4])
    name = client[8:].split(b"\0")[1]
    if client[4:7] == bytes(3) and name:
        target = f"{name.decode('latin-1')}:{int.from_bytes(client[2:4])}"
    return Preamble("socks4", target=target, status=status)


def _each(data: bytes) -> tuple[bytes, ...]:
    return tuple(bytes((byte,)) for byte in data)


def _ipv4_target(address: bytes, port: bytes) -> str | None:
    if len(address) != 4 or len(port) != 2:
        return None
    return f"{ip_address(address)}:{int.from_bytes(port)}"
