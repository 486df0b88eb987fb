"""no-shared-cipher: none of the suites that clients of today offer will do (RFC 8446 section 4.1.1)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, said
from detector.wire.suites import suite_name, weak_family


def find(clues: Clues) -> Claim | None:
    if clues.greeted or any(clues.serves(name) for name in ("all-groups", "all-schemes")):
        return None
    for name in ("all-suites", "forward-secret", "static-keys", "anything"):
        trial = clues.trial(name)
        if trial is None or not trial.answered or weak_family(trial.cipher or 0) is not None:
            continue
        text = f"The server agrees to {suite_name(trial.cipher or 0)}, which browsers do not offer."
        plain = clues.trial("plain")
        evidence = (f"A hello with the suites of browsers {said(plain)}.",) if plain else ()
        return Claim("error", text, evidence)
    refused = [t for t in clues.trials.values() if t.alert in (40, 71)]
    if not refused or any(t.answered for t in clues.trials.values()):
        return None
    evidence = (
        f"{len(refused)} of {len(clues.trials)} hellos get handshake_failure, none an answer.",
    )
    return Claim(
        "error", "The server agrees to no suite, group or version that it was offered.", evidence
    )
