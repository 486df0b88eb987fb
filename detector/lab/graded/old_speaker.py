"""TLS as tlslite-ng speaks it: SSL 3.0, RC4 and 3DES, which OpenSSL is built without.

tlslite-ng makes its handshake as a generator over a socket that would block; the socket here is two buffers.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from detector.extras import demand
from detector.lab.pki import Credential
from detector.serving.speaker import Agreed, SpeakerError, Speaking
from detector.wire.registry import version_name
from detector.wire.suites import suite_name

_CHUNK = 1 << 14


@dataclass(frozen=True)
class Old:
    """What is spoken: versions as (3, minor), and names of ciphers as tlslite-ng has them."""

    versions: tuple[tuple[int, int], tuple[int, int]]
    ciphers: tuple[str, ...]
    exchanges: tuple[str, ...] = ("rsa", "dhe_rsa", "ecdhe_rsa")


def old_speaking(credential: Credential, old: Old) -> Speaking:
    """Raises ConfigError where tlslite-ng is not installed."""
    demand("old servers", "tlslite", "grade")
    from tlslite.api import HandshakeSettings, X509CertChain, parsePEMKey

    chain = X509CertChain()
    chain.parsePemList(credential.chain_pem)
    key = parsePEMKey(credential.key_pem, private=True)
    settings = HandshakeSettings()
    settings.minVersion, settings.maxVersion = old.versions
    settings.versions = [old.versions[1]]
    settings.cipherNames, settings.keyExchangeNames = list(old.ciphers), list(old.exchanges)
    settings.macNames = ["sha", "md5", "sha256", "sha384", "aead"]
    settings.minKeySize = 512
    settings.useExtendedMasterSecret = old.versions[1] > (3, 0)  # SSL 3.0 has no such thing
    return lambda: _OldSpeaker(chain, key, settings)


class _Wire:
    """A socket that never waits."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = bytearray(), bytearray()
        self.ended = False

    def recv(self, size: int) -> bytes:
        if not self.incoming and not self.ended:
            raise BlockingIOError(11, "nothing came yet")
        data = bytes(self.incoming[:size])
        del self.incoming[:size]
        return data

    def send(self, data: bytes) -> int:
        self.outgoing += data
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.outgoing += data

    def close(self) -> None:
        self.ended = True

    def settimeout(self, seconds: float | None) -> None:
        """Nothing here waits."""

    def gettimeout(self) -> float:
        return 0.0


class _OldSpeaker:
    def __init__(self, chain: Any, key: Any, settings: Any) -> None:
        from tlslite.api import TLSConnection

        self._wire = _Wire()
        self._tls = TLSConnection(self._wire)
        self._tls.closeSocket = False
        self._steps: Generator[int] = self._tls.handshakeServerAsync(
            certChain=chain, privateKey=key, settings=settings
        )
        self._reading: Generator[int | bytes] | None = None
        self.agreed: Agreed | None = None

    def take(self, data: bytes) -> bytes | None:
        self._wire.incoming += data
        self._wire.ended = self._wire.ended or not data
        if self.agreed is None:
            if not self._driven(self._steps):
                return b""
            self.agreed = self._facts()
        heard = bytearray()
        while piece := self._read():
            heard += piece
        return None if piece is None and not heard else bytes(heard)

    def say(self, data: bytes) -> None:
        self._driven(self._tls.writeAsync(data))

    def end(self) -> None:
        try:
            self._driven(self._tls.closeAsync())
        except SpeakerError:
            return

    def out(self) -> bytes:
        data = bytes(self._wire.outgoing)
        self._wire.outgoing.clear()
        return data

    def _driven(self, steps: Generator[int]) -> bool:
        """Whether it came to its end, rather than wants to read. Raises SpeakerError."""
        try:
            for step in steps:
                if step == 0:
                    return False
        except Exception as error:  # of whatever kind: a library's answer to a peer's bytes
            raise SpeakerError(_words(error)) from None
        return True

    def _read(self) -> bytes | None:
        """What came; b"" where nothing whole came yet, None at the end. Raises SpeakerError."""
        self._reading = self._reading or self._tls.readAsync(_CHUNK)
        try:
            for found in self._reading:
                if isinstance(found, bytes):
                    self._reading = None
                    return found or None
                if found == 0:
                    return b""
        except Exception as error:
            raise SpeakerError(_words(error)) from None
        return None

    def _facts(self) -> Agreed:
        major, minor = self._tls.version
        suite = suite_name(self._tls.session.cipherSuite)
        return Agreed(version_name(major << 8 | minor), suite, resumed=bool(self._tls.resumed))


def _words(error: Exception) -> str:
    """As OpenSSL says it: an alert of the peer's has that word in front."""
    text = str(error) or type(error).__name__
    return f"alert {text}" if type(error).__name__ == "TLSRemoteAlert" else text
