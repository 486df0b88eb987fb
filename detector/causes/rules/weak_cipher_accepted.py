"""weak-cipher-accepted: beside sound suites the server agrees to broken ones (RFC 9325 section 4.1)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.plan import WEAK_FAMILIES
from detector.wire.suites import suite_name


def find(clues: Clues) -> Claim | None:
    if not clues.greeted:
        return None
    weak = [clues.trials[name] for name in WEAK_FAMILIES if clues.answers(name)]
    if not weak:
        return None
    names = ", ".join(dict.fromkeys(suite_name(trial.cipher or 0) for trial in weak))
    return Claim("warning", f"The server would also agree to {names}.")
