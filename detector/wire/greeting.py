"""What a peer speaks instead of TLS, from its first bytes.

A greeting or an error in clear names its protocol: HTTP (RFC 9112 section 4), HTTP/2's SETTINGS frame
(RFC 9113 section 3.4), SSH (RFC 4253 section 4.2), replies of mail and FTP servers (RFC 5321 section 4.2,
RFC 959 section 4.2), IMAP (RFC 9051 section 7.1), POP3 (RFC 1939 section 4), XMPP (RFC 6120 section 4.2),
the handshake packet of MySQL, PostgreSQL's ErrorResponse, an error of Redis.
"""

from __future__ import annotations

import re

from detector.model.observation import Spoke, SpokenProtocol

_HTTP = re.compile(rb"HTTP/1\.[01] (\d{3})")
_REPLY = re.compile(rb"(?:220|421|554)[ -]([^\r\n]*)")  # SMTP and FTP have the same grammar
_MAIL_WORDS = re.compile(rb"(?i)smtp|lmtp|postfix|exim|sendmail|\bmx\b")
_FTP_WORDS = re.compile(rb"(?i)\bs?ftp\b|ftpd|ftp server|filezilla|wu-ftp")
_STARTS: tuple[tuple[re.Pattern[bytes], SpokenProtocol], ...] = (
    (re.compile(rb"SSH-\d"), "ssh"),
    (re.compile(rb"\* (?:OK|PREAUTH|BYE)\b"), "imap"),
    (re.compile(rb"(?:\+OK|-ERR)(?: .*)?\r?\n?\Z"), "pop3"),
    (re.compile(rb"(?s)(?:<\?xml[^>]*>\s*)?<stream:(?:stream|error)\b"), "xmpp"),
    (re.compile(rb"(?s)..\x00\x00[\x0a\xff]"), "mysql"),
    (re.compile(rb"(?s)\x00..\x04\x00\x00\x00\x00\x00"), "http2"),
    (re.compile(rb"(?s)E\x00\x00..S(?:FATAL|ERROR|PANIC)\x00|EFATAL: "), "postgres"),
    (re.compile(rb"-(?:NOAUTH|DENIED|MISCONF|LOADING|NOPROTO)\b"), "redis"),
    (re.compile(rb"\s*<"), "html"),
)
_NAMES: dict[SpokenProtocol, str] = {
    "http2": "HTTP/2 in clear",
    "ssh": "SSH",
    "smtp": "a mail server's greeting",
    "ftp": "an FTP server's greeting",
    "smtp-or-ftp": "a mail or FTP server's greeting",
    "imap": "an IMAP greeting",
    "pop3": "a POP3 greeting",
    "mysql": "a MySQL greeting",
    "postgres": "an error of PostgreSQL",
    "redis": "an error of Redis",
    "xmpp": "XMPP",
    "html": "HTML or XML",
}
_TURNS: dict[SpokenProtocol, tuple[str, ...]] = {
    "smtp-or-ftp": ("smtp", "ftp"),
    **{name: (name,) for name in ("smtp", "ftp", "imap", "pop3", "mysql", "postgres", "xmpp")},
}
# RFC 6585 section 6; portals of old send a redirect to everything, a ClientHello too.
_PORTAL = (302, 303, 307, 511)


def spoken(data: bytes) -> Spoke:
    """Whose grammar the first bytes follow. Never raises."""
    data = data[:512]
    line = printable(data.partition(b"\n")[0])
    found = _HTTP.match(data)
    if found:
        return Spoke("http", line, int(found[1]))
    found = _REPLY.match(data)
    if found:
        return Spoke(_greeter(found[1]), line)
    # Redis answers what it cannot read in POP3's words.
    if data.startswith(b"-ERR") and re.match(rb"-ERR (?:unknown command|Protocol error)", data):
        return Spoke("redis", line)
    for start, protocol in _STARTS:
        if start.match(data):
            return Spoke(protocol, _product(protocol, data, line))
    return Spoke("unknown", printable(data))


def described(spoke: Spoke) -> str:
    """For a sentence: "plain HTTP, 'HTTP/1.1 400 Bad Request'"."""
    if spoke.protocol == "http":
        return f"plain HTTP, {spoke.banner!r}"
    name = _NAMES.get(spoke.protocol)
    if name is None:
        return f"it said {spoke.banner!r}"
    return f"{name}, {spoke.banner!r}" if spoke.banner else name


def turns_to_tls(spoke: Spoke) -> tuple[str, ...]:
    """Values of --starttls with which such a server turns to TLS; several where it could be either."""
    return _TURNS.get(spoke.protocol, ())


def is_portal(spoke: Spoke) -> bool:
    """The network answers a ClientHello as it answers everything: log in first."""
    return spoke.status in _PORTAL


def portal_text(spoke: Spoke) -> str:
    """That it did, as the start of a sentence."""
    return f"a portal answers in the server's place: {spoke.banner!r}, in clear on the TLS port"


def printable(data: bytes, limit: int = 60) -> str:
    """The start of what a peer said, safe for a terminal."""
    text = data[:limit].decode("latin-1").strip()
    return "".join(c if c.isprintable() else "." for c in text)


def _greeter(text: bytes) -> SpokenProtocol:
    mail, ftp = _MAIL_WORDS.search(text), _FTP_WORDS.search(text)
    if bool(mail) == bool(ftp):
        return "smtp-or-ftp"
    return "smtp" if mail else "ftp"


def _product(protocol: SpokenProtocol, data: bytes, line: str) -> str:
    """The program where the greeting says it; binary protocols have no line."""
    if protocol == "mysql":
        return printable(data[5:].partition(b"\x00")[0]) if data[4] == 10 else ""
    return "" if protocol in ("http2", "postgres", "html") else line
