"""The server's side of TLS without sockets: bytes in, bytes out, over a hello that was already read."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import NamedTuple, Protocol

from detector.net.tls_object import suite_in_use
from detector.wire.registry import group_name
from detector.wire.transcript import read_transcript

_CHUNK = 1 << 16
# Of our first flight, to read the key exchange from.
_KEPT = 64 << 10


class Agreed(NamedTuple):
    """What a handshake agreed on, as `Echo` has it."""

    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    resumed: bool = False


class SpeakerError(Exception):
    """The peer did what TLS does not allow, or turned away; what is left to send is sent still."""


class WentOnError(SpeakerError):
    """It agreed on what should not be agreed on, and nothing more can be had."""


class Speaker(Protocol):
    """One connection. None of its functions waits."""

    @property
    def agreed(self) -> Agreed | None:
        """None until the handshake is done."""

    def take(self, data: bytes) -> bytes | None:
        """Bytes of the wire; gives what they say, None where the peer has ended. Raises SpeakerError."""

    def say(self, data: bytes) -> None:
        """Have it sent. Raises SpeakerError."""

    def end(self) -> None:
        """Say that nothing more comes; never raises."""

    def out(self) -> bytes:
        """What is to be sent, and is then gone from here."""


# Makes one for a connection.
Speaking = Callable[[], Speaker]


class OpenSslSpeaker:
    """TLS as OpenSSL speaks it, by a server's context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._ours = bytearray()
        self._out = bytearray()
        self.agreed: Agreed | None = None

    def take(self, data: bytes) -> bytes | None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        try:
            if self.agreed is None:
                self._tls.do_handshake()
                self._pump()
                self.agreed = self._facts()
            return self._heard()
        except ssl.SSLWantReadError:
            return b""
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return None
        except (ssl.SSLError, OSError) as error:
            raise SpeakerError(_words(error)) from None
        finally:
            self._pump()

    def say(self, data: bytes) -> None:
        try:
            self._tls.write(data)
        except (ssl.SSLError, OSError) as error:
            raise SpeakerError(_words(error)) from None
        finally:
            self._pump()

    def end(self) -> None:
        try:
            self._tls.unwrap()
        except (ssl.SSLError, OSError, ValueError):
            pass  # it waits for the peer's own end, which nobody needs
        finally:
            self._pump()

    def out(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def _heard(self) -> bytes | None:
        heard = bytearray()
        while True:
            try:
                piece = self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                return bytes(heard)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return bytes(heard) or None
            if not piece:
                return bytes(heard) or None
            heard += piece

    def _pump(self) -> None:
        data = self._outgoing.read()
        self._out += data
        if self.agreed is None:
            _keep(self._ours, data)

    def _facts(self) -> Agreed:
        group = read_transcript(b"", bytes(self._ours)).group
        return Agreed(
            self._tls.version(), suite_in_use(self._tls),
            group_name(group) if group is not None else None,
            self._tls.selected_alpn_protocol(), bool(self._tls.session_reused),
        )  # fmt: skip


def _keep(kept: bytearray, data: bytes) -> None:
    kept += data[: max(0, _KEPT - len(kept))]


def _words(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error) or type(error).__name__
