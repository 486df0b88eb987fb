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
            with self._context.wrap_socket(raw, server_side=True) as peer:
                DIALOGUES[self._speaks](self, peer)
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
            fields = {
                k.casefold(): v.strip() for k, _, v in (line.partition(":") for line in lines)
            }
            if fields.get("expect", "").casefold() == "100-continue":
                peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            length = int(fields.get("content-length", 0))
            while len(kept) < min(length, _MAX):
                kept += self.heard(peer)
            kept = kept[length:]
            method, target, *_ = first.split(" ")
            self.asked.append(first)
            status, headers, body = answer(
                target.partition("?")[0], "https://" + fields.get("host", "")
            )
            headers |= {"Content-Length": str(len(body))}
            told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            closes = "close" in fields.get("connection", "") or first.endswith("1.0")
            peer.sendall(
                f"HTTP/1.1 {status} Lab\r\n{told}\r\n".encode()
                + (b"" if method == "HEAD" else body)
            )
            if closes:
                return


def _replies(*said: bytes) -> Callable[[Origin, ssl.SSLSocket], None]:
    def converse(origin: Origin, peer: ssl.SSLSocket) -> None:
        for reply in said:
            if not origin.heard(peer):
                return
            peer.sendall(reply)
        origin.heard(peer)

    return converse


def _hello(origin: Origin, peer: ssl.SSLSocket) -> None:
    """For a client with nothing to say: its goodbye, which one that refuses does not send, is its trust."""
    if peer.recv(1) == b"":
        origin.trusted += 1


def _smtp(origin: Origin, peer: ssl.SSLSocket) -> None:
    peer.sendall(b"220 lab\r\n")
    while line := origin.heard(peer):
        word = line[:4].upper()
        peer.sendall({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 lab\r\n"))
        if word == b"QUIT":
            return


_LDAP = (
    b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
    b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
)
DIALOGUES: dict[str, Callable[[Origin, ssl.SSLSocket], None]] = {
    "http": Origin.http,
    "hello": _hello,
    "smtp": _smtp,
    "redis": _replies(*[b"+PONG\r\n"] * 4),
    "ldap": _replies(*_LDAP),
}
