"""What is said before TLS: HTTP CONNECT, SOCKS, PROXY headers, STARTTLS of eleven protocols.

Sources: RFC 9110 section 9.3.6, RFC 1928, haproxy's proxy-protocol.txt, RFC 3207 (SMTP), 2595 (IMAP, POP3),
4217 (FTP), 4642 (NNTP), 5804 (ManageSieve), 6120 (XMPP), 4511 (LDAP), PostgreSQL's and MySQL's protocols.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from detector.capture.connection import Preamble

_CONNECT = re.compile(rb"CONNECT ([^\s]{1,260}) HTTP/1\.[01]\r\n", re.IGNORECASE)
_FIELD = re.compile(rb"^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}):[ \t]*([^\r\n]{0,512})", re.MULTILINE)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
# Protocol, what the client says, what the server says.
_STARTTLS: tuple[tuple[str, bytes, bytes], ...] = (
    ("smtp", rb"(?i)(?:ehlo|helo|lhlo)[ \t].*starttls", rb"^220"),
    ("imap", rb"(?i)^\S+ starttls", rb"^\* "),
    ("pop3", rb"(?im)^stls\r?$", rb"^\+OK"),
    ("ftp", rb"(?im)^auth (?:tls|ssl)", rb"^220"),
    ("nntp", rb"(?im)^starttls", rb"^20[01]"),
    ("sieve", rb"(?im)^starttls", rb"^\"IMPLEMENTATION\"|^\"SIEVE\""),
    ("xmpp", rb"urn:ietf:params:xml:ns:xmpp-tls", rb""),
    ("ldap", rb"1\.3\.6\.1\.4\.1\.1466\.20037", rb""),
    ("postgres", rb"^\x00\x00\x00\x08\x04\xd2\x16\x2f", rb""),
    ("mysql", rb"^\x20\x00\x00\x01", rb"(?s)^.\x00\x00\x00\x0a"),
    ("smtp", rb"(?im)^starttls", rb"^220"),
)
_TABLE = tuple((name, re.compile(c, re.DOTALL), re.compile(s)) for name, c, s in _STARTTLS)


def read_preamble(client: bytes, server: bytes) -> Preamble | None:
    """What both sides said before TLS; None for nothing."""
    if not client and not server:
        return None
    found = _CONNECT.search(client)
    if found is not None:
        return _http(client, server, found)
    if client[:1] == b"\x05":
        return _socks5(client, server)
    if client[:2] == b"\x04\x01":
        return Preamble("socks4", target=_ipv4_target(client[4:8], client[2:4]),
                        status=server[1] if len(server) > 1 else None)  # fmt: skip
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
    status = _STATUS.match(server)
    return Preamble(
        "http-connect",
        target=found[1].decode("latin-1"),
        status=int(status[1]) if status is not None else None,
        agent=agent,
        headers=tuple(dict.fromkeys(name for name, _ in fields)),
    )


def _socks5(client: bytes, server: bytes) -> Preamble:
    """The request follows the greeting, and the answer the method (RFC 1928 sections 3 to 6)."""
    methods = client[1] if len(client) > 1 else 0
    request = client[2 + methods :]
    if server[1:2] == b"\x02" and len(request) > 2:  # user name and password first (RFC 1929)
        name = request[1]
        secret = request[2 + name] if len(request) > 2 + name else 0
        request = request[3 + name + secret :]
        server = server[2:]
    target = None
    if len(request) > 4:
        kind, rest = request[3], request[4:]
        if kind == 1:
            target = _ipv4_target(rest[:4], rest[4:6])
        elif kind == 3:
            size = rest[0]
            port = int.from_bytes(rest[1 + size : 3 + size])
            target = f"{rest[1 : 1 + size].decode('latin-1')}:{port}"
        elif kind == 4 and len(rest) >= 18:
            where = ip_address(rest[:16])
            target = f"[{where}]:{int.from_bytes(rest[16:18])}"
    return Preamble("socks5", target=target, status=server[3] if len(server) > 3 else None)


def _ipv4_target(address: bytes, port: bytes) -> str | None:
    if len(address) != 4:
        return None
    return f"{ip_address(address)}:{int.from_bytes(port)}"
