"""version-mismatch: no version of TLS that a client of today speaks (RFC 8996, RFC 8446 section 4.2.1)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.offer import TLS12
from detector.wire.registry import version_text
from detector.wire.transcript import read_transcript

_RETIRED = frozenset(("SSLv3", "TLSv1", "TLSv1.1"))
_CURRENT = ("browser", "plain", "tls12-only", "tls13", "tls12", "anything")
_OFFERS = ("tls11", "tls10", "ssl3")


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("version-mismatch")
    if not clues.trials:
        return Claim("error", text) if text is not None else _answered_late(clues)
    if any(clues.serves(name) for name in _CURRENT):
        return None
    versions = {clues.trials[name].version or 0 for name in _OFFERS if clues.answers(name)}
    spoken = [version_text(version) for version in sorted(versions, reverse=True)]
    if not spoken:
        refused = clues.heard is not None and clues.heard.alert == 70
        if not refused and text is None:
            return None
        return Claim("error", "The server refuses every version of TLS that it was offered.")
    evidence = (f"Answered: {', '.join(spoken)}. Not answered: TLS 1.2 and TLS 1.3.",)
    text = f"The server speaks nothing later than {spoken[0]}; clients of today begin at TLS 1.2."
    return Claim("error", text, evidence)


def _answered_late(clues: Clues) -> Claim | None:
    """One handshake shows it: a server picks the latest version that both know (RFC 8446 section 4.2.1)."""
    handshake = clues.observation.handshake
    if handshake is None or handshake.version not in _RETIRED:
        return None
    hello = read_transcript(clues.observation.client_bytes, b"").client_hello
    if hello is None or max(hello.versions) < TLS12:
        return None  # a capture, where the client may be the old one
    text = f"The server answers today's hello with {handshake.version}; clients of today begin at TLS 1.2."
    return Claim("error", text)
