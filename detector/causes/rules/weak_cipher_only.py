"""weak-cipher-only: the server agrees to nothing but what RFC 9325 section 4.1 forbids."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.plan import WEAK_FAMILIES
from detector.wire.suites import suite_name, weak_family

_SOUND = ("plain", "forward-secret", "static-keys")


def find(clues: Clues) -> Claim | None:
    if not clues.trials or any(clues.answers(name) for name in _SOUND):
        return None
    tried = [clues.trials[name] for name in WEAK_FAMILIES if clues.answers(name)]
    # A server may answer with what it was not offered.
    weak = [trial for trial in tried if weak_family(trial.cipher or 0) is not None]
    if not weak:
        return None
    names = ", ".join(dict.fromkeys(suite_name(trial.cipher or 0) for trial in weak))
    kinds = ", ".join(trial.offer.upper() for trial in weak)
    text = f"The server offers only cipher suites that are broken: {kinds}."
    return Claim("error", text, (f"Agreed to: {names}.", "None of the sound suites is answered."))
