"""Targets of what is said before TLS: proxies, and servers that turn to it."""

from __future__ import annotations

from collections.abc import Callable

from detector.net import http_connect, socks5, starttls
from detector.net.dialogue import LAST, Dialogue
from tests.fuzz.target import Parse, Target

_TURNING = {
    "smtp": b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n",
    "imap": b"* OK\r\n* X\r\na1 OK\r\n",
    "pop3": b"+OK\r\n+OK\r\n",
    "ftp": b"220 x\r\n234 y\r\n",
    "xmpp": b"<x>urn:ietf:params:xml:ns:xmpp-tls</stream:features><proceed/>",
    "ldap": bytes.fromhex("300c02010178070a010004000400"),
    "postgres": b"S",
    "mysql": b"\x3c\x00\x00\x00\x0a8.0\x00" + b"\xff" * 60,
}


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "http-connect": Target(
            _talk(lambda: http_connect.connect("a.example", 443)),
            (b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", b"HTTP/1.1 407 No\r\nProxy-Authenticate: x\r\n\r\n"),
        ),
        "socks5": Target(
            _talk(lambda: socks5.connect("a.example", 443, "u", "p")),
            (b"\x05\x02\x01\x00\x05\x00\x00\x03\x03abc\x00\x50", b"\x05\x00\x05\x00\x00\x01" + bytes(6)),
        ),
        **{f"starttls-{name}": Target(_turn(name), (said,)) for name, said in _TURNING.items()},
    }  # fmt: skip


def _turn(name: str) -> Parse:
    return _talk(lambda: starttls.start(name, "a.example"))


def _talk(make: Callable[[], Dialogue]) -> Parse:
    def play(data: bytes) -> None:
        """The peer says this, five bytes at a time; the dialogue ends."""
        dialogue = make()
        try:
            out = next(dialogue)
            for start in range(0, len(data) + 1, 5):
                out = dialogue.send(b"" if out.startswith(LAST) else data[start : start + 5])
            dialogue.send(b"")
            dialogue.send(b"")
        except StopIteration:
            pass

    return play
