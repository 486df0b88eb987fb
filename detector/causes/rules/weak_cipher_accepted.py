"""weak-cipher-accepted: beside sound suites the server agrees to broken ones (RFC 9325 section 4.1)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.plan import WEAK_FAMILIES
from detector.wire.suites import suite_name, weak_family


def find(clues: Clues) -> Claim | None:
    if not clues.greeted:
        return None
    tried = [clues.trials[name] for name in WEAK_FAMILIES if clues.answers(name)]
    # A server may answer with what it was not offered.
    weak = [trial for trial in tried if weak_family(trial.cipher or 0) is not None]
    if not weak:
        return None
    names = ", ".join(dict.fromkeys(suite_name(trial.cipher or 0) for trial in weak))
    return Claim("warning", f"The server would also agree to {names}.")
