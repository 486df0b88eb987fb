"""obsolete-version: beside TLS 1.2 or 1.3 a version is served that nobody should use (RFC 8996, RFC 7568)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.registry import version_text

_OFFERS = {"tls11": 0x0302, "tls10": 0x0301, "ssl3": 0x0300}


def find(clues: Clues) -> Claim | None:
    if not clues.greeted:
        return None
    served = [version for name, version in _OFFERS.items() if _with(clues, name, version)]
    spoken = [version_text(version) for version in served]
    if not spoken:
        return None
    return Claim("note", f"The server still agrees to {', '.join(spoken)}.")


def _with(clues: Clues, name: str, version: int) -> bool:
    trial = clues.trial(name)
    return trial is not None and trial.answered and trial.version == version
