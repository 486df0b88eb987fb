"""Protocols that begin in clear and turn to TLS on request: one dialogue each.

A server that sends anything behind its go-ahead is refused: that text would be read as if it had
come over TLS (CVE-2011-0411).
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from detector.errors import DialError
from detector.net.dialogue import LAST, Dialogue, Inbox
from detector.wire.greeting import printable


def start(protocol: str, host: str) -> Dialogue:
    """The dialogue of `protocol` (a key of PROTOCOLS). Raises DialError with not-tls where the
    server will not turn to TLS.
    """
    early = yield from PROTOCOLS[protocol](host)
    if early:
        text = f"{protocol}: plain text behind the go-ahead ({printable(early)!r})"
        raise DialError("starttls", "not-tls", text)
    return b""


def smtp(_host: str) -> Dialogue:
    """RFC 3207."""
    inbox = _inbox()
    yield from _reply(inbox, "smtp", b"", b"220")
    offers = yield from _reply(inbox, "smtp", b"EHLO tlsight.invalid\r\n", b"250")
    if not any(line[4:].strip().upper() == b"STARTTLS" for line in offers):
        raise _refused("smtp", "does not offer STARTTLS")
    yield from _reply(inbox, "smtp", b"STARTTLS\r\n", b"220")
    return inbox.rest()


def ftp(_host: str) -> Dialogue:
    """RFC 4217."""
    inbox = _inbox()
    yield from _reply(inbox, "ftp", b"", b"220")
    yield from _reply(inbox, "ftp", b"AUTH TLS\r\n", b"234")
    return inbox.rest()


def imap(_host: str) -> Dialogue:
    """RFC 9051 section 6.2.1."""
    inbox = _inbox()
    greeting = yield from inbox.line()
    if not greeting.upper().startswith(b"* OK"):
        raise _refused("imap", f"greets with {printable(greeting)!r}")
    line = yield from inbox.line(b"a1 STARTTLS\r\n")
    while line.startswith(b"* "):
        line = yield from inbox.line()
    if not line.upper().startswith(b"A1 OK"):
        raise _refused("imap", f"answers {printable(line)!r}")
    return inbox.rest()


def pop3(_host: str) -> Dialogue:
    """RFC 2595 section 4."""
    inbox = _inbox()
    for send in (b"", b"STLS\r\n"):
        line = yield from inbox.line(send)
        if not line.startswith(b"+OK"):
            raise _refused("pop3", f"answers {printable(line)!r}")
    return inbox.rest()


def xmpp(host: str) -> Dialogue:
    """RFC 6120 section 5."""
    inbox = _inbox()
    header = (
        f"<?xml version='1.0'?><stream:stream to='{host}' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
    )
    features = yield from inbox.until(b"</stream:features>", header.encode())
    if b"urn:ietf:params:xml:ns:xmpp-tls" not in features:
        raise _refused("xmpp", "does not offer starttls")
    answer = yield from inbox.until(b">", b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    if not answer.lstrip().startswith(b"<proceed"):
        raise _refused("xmpp", f"answers {printable(answer)!r}")
    # <proceed ...></proceed> in two tags is as good as <proceed .../>.
    return inbox.rest().removeprefix(b"</proceed>")


def ldap(_host: str) -> Dialogue:
    """RFC 4511 section 4.14: an extended request, answered by resultCode 0."""
    inbox = _inbox()
    oid = b"1.3.6.1.4.1.1466.20037"
    operation = b"\x77" + bytes((len(oid) + 2,)) + b"\x80" + bytes((len(oid),)) + oid
    message = b"\x02\x01\x01" + operation
    head = yield from inbox.exactly(2, b"\x30" + bytes((len(message),)) + message)
    size = head[1]
    if size & 0x80:
        more = yield from inbox.exactly(min(size & 0x7F, 4))
        size = int.from_bytes(more, "big")
    body = yield from inbox.exactly(min(size, 16384))
    at = body.find(b"\x0a\x01")  # ENUMERATED resultCode of the extended response
    if head[0] != 0x30 or b"\x78" not in body[:8] or at < 0 or body[at + 2 : at + 3] != b"\x00":
        raise _refused("ldap", "refuses StartTLS")
    return inbox.rest()


def postgres(_host: str) -> Dialogue:
    """PostgreSQL's documentation, "SSL Session Encryption"."""
    inbox = _inbox()
    answer = yield from inbox.exactly(1, bytes.fromhex("0000000804d2162f"))
    if answer != b"S":
        why = "has SSL switched off" if answer == b"N" else f"answers {printable(answer)!r}"
        raise _refused("postgres", why)
    return inbox.rest()


def mysql(_host: str) -> Dialogue:
    """MySQL's protocol documentation, "Protocol::SSLRequest"."""
    inbox = _inbox()
    head = yield from inbox.exactly(4)
    packet = yield from inbox.exactly(int.from_bytes(head[:3], "little"))
    end = packet.find(b"\x00", 1)
    # version string, 4 bytes of thread id, 8 of challenge, a zero, then the capabilities
    capabilities = int.from_bytes(packet[end + 14 : end + 16], "little")
    if not packet or packet[0] != 10 or end < 0:
        raise _refused("mysql", f"greets with {printable(packet)!r}")
    if not capabilities & 0x0800:
        raise _refused("mysql", "has SSL switched off")
    body = (0x0000_8A00 | 0x0800).to_bytes(4, "little") + (1 << 24).to_bytes(4, "little")
    body += b"\x21" + bytes(23)
    if inbox.rest():
        raise _refused("mysql", f"speaks out of turn: {printable(inbox.rest())!r}")
    sequence = bytes(((head[3] + 1) & 0xFF,))
    yield LAST + len(body).to_bytes(3, "little") + sequence + body
    return b""


PROTOCOLS: dict[str, Callable[[str], Dialogue]] = {
    "smtp": smtp,
    "imap": imap,
    "pop3": pop3,
    "ftp": ftp,
    "xmpp": xmpp,
    "ldap": ldap,
    "postgres": postgres,
    "mysql": mysql,
}


def _inbox() -> Inbox:
    return Inbox("starttls", "closed-during-handshake")


def _refused(protocol: str, why: str) -> DialError:
    return DialError("starttls", "not-tls", f"the {protocol} server {why}")


def _reply(
    inbox: Inbox, protocol: str, send: bytes, code: bytes
) -> Generator[bytes, bytes, list[bytes]]:
    """All lines of one reply whose code must be `code`."""
    lines: list[bytes] = []
    line = yield from inbox.line(send)
    while True:
        lines.append(line)
        if line[:3] != code:
            raise _refused(protocol, f"answers {printable(line)!r}")
        if line[3:4] != b"-":
            return lines
        line = yield from inbox.line()
