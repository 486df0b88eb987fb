"""A server on loopback that takes note of who trusted it: of TLS connections on which a client said something."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.live.trusting.registry import answer

_MAX = 1 << 20


class Origin:
    """One server for one run of a program, so that runs side by side do not see each other.

    A handshake that ends is no trust: some clients look at the certificate afterwards. What they send then is.

    Args:
        context: with the certificate to show.
        speaks: http, or a protocol of DIALOGUES.

    """

    def __init__(self, context: ssl.SSLContext, speaks: str = "http") -> None:
        self._context = context
        self._speaks = speaks
        self.trusted = 0
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=20)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        # Closing alone does not wake the thread that waits.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(raw,), daemon=True).start()

    def _talk(self, raw: socket.socket) -> None:
        raw.settimeout(30)
        try:
            before, converse = DIALOGUES[self._speaks]
            before(raw)
            with self._context.wrap_socket(raw, server_side=True) as peer:
                converse(self, peer)
        except (OSError, ssl.SSLError, ValueError, IndexError):
            raw.close()

    def heard(self, peer: ssl.SSLSocket) -> bytes:
        """The next bytes; the first of them are the client's trust."""
        data = peer.recv(65536)
        if data:
            self.trusted += 1
        return data

    def http(self, peer: ssl.SSLSocket) -> None:
        """One request after the other, while the client likes."""
        kept = b""
        while True:
            while b"\r\n\r\n" not in kept and len(kept) < _MAX:
                data = self.heard(peer)
                if not data:
                    return
                kept += data
            head, _, kept = kept.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            fields = {k.casefold(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            if fields.get("expect", "").casefold() == "100-continue":
                peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            length = int(fields.get("content-length", 0))
            while len(kept) < min(length, _MAX):
                kept += self.heard(peer)
            kept = kept[length:]
            method, target, *_ = first.split(" ")
            self.asked.append(first)
            status, headers, body = answer(target.partition("?")[0], "https://" + fields.get("host", ""))
            headers |= {"Content-Length": str(len(body))}
            told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            closes = "close" in fields.get("connection", "") or first.endswith("1.0")
            peer.sendall(f"HTTP/1.1 {status} Lab\r\n{told}\r\n".encode() + (b"" if method == "HEAD" else body))
            if closes:
                return


def _nothing(raw: socket.socket) -> None:
    pass


def _postgres(raw: socket.socket) -> None:
    raw.recv(8, socket.MSG_WAITALL)
    raw.sendall(b"S")


def _mysql(raw: socket.socket) -> None:
    """A greeting that offers TLS; the request for it is 36 bytes."""
    greeting = b"\x0a8.0.0\0" + b"\1\0\0\0" + b"12345678\0" + b"\xff\xff" + b"\x21\2\0" + b"\xff\xff" + b"\x15"
    greeting += bytes(10) + b"123456789012\0" + b"mysql_native_password\0"
    raw.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
    raw.recv(36, socket.MSG_WAITALL)


def _replies(*said: bytes) -> Callable[[Origin, ssl.SSLSocket], None]:
    def converse(origin: Origin, peer: ssl.SSLSocket) -> None:
        for reply in said:
            if not origin.heard(peer):
                return
            peer.sendall(reply)
        origin.heard(peer)

    return converse


def _smtp(origin: Origin, peer: ssl.SSLSocket) -> None:
    peer.sendall(b"220 lab\r\n")
    while line := origin.heard(peer):
        word = line[:4].upper()
        peer.sendall({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 lab\r\n"))
        if word == b"QUIT":
            return


def _imap(origin: Origin, peer: ssl.SSLSocket) -> None:
    peer.sendall(b"* OK [CAPABILITY IMAP4rev1] lab\r\n")
    while line := origin.heard(peer):
        peer.sendall(b"* CAPABILITY IMAP4rev1\r\n" + line.split(b" ")[0] + b" OK done\r\n")


_LDAP = (b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00", b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00")
DIALOGUES: dict[
    str, tuple[Callable[[socket.socket], None], Callable[[Origin, ssl.SSLSocket], None]]
] = {
    "http": (_nothing, Origin.http),
    "smtp": (_nothing, _smtp),
    "imap": (_nothing, _imap),
    "redis": (_nothing, _replies(*[b"+PONG\r\n"] * 4)),
    "mqtt": (_nothing, _replies(b"\x20\x02\x00\x00")),
    "ldap": (_nothing, _replies(*_LDAP)),
    "postgres": (_postgres, _replies(b"E\0\0\0\x0bSFATAL\0\0")),
    "mysql": (_mysql, _replies(b"")),
}
