"""no-shared-cipher: none of the suites that clients of today offer will do (RFC 8446 section 4.1.1).

That the suites are to blame is shown by the one hello that differs from a browser's in them alone. One that
changes the version as well proves neither.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, said
from detector.wire.offer import BROWSER_SUITES
from detector.wire.suites import suite_name, weak_family

_REFUSED = (40, 71)  # handshake_failure, insufficient_security


def find(clues: Clues) -> Claim | None:
    heard = clues.heard
    if heard is None or clues.welcome:
        return None
    if any(clues.serves(name) for name in ("all-groups", "all-schemes")):
        return None
    trial = clues.trial("all-suites")
    if trial is not None and trial.answered and _is_unusual(trial.cipher or 0):
        text = f"The server agrees to {suite_name(trial.cipher or 0)}, which browsers do not offer."
        return Claim("error", text, (f"A hello with the suites of browsers {said(heard)}.",))
    if heard.alert not in _REFUSED or any(t.answered for t in clues.trials.values()):
        return None
    refused = [t for t in clues.trials.values() if t.alert in _REFUSED]
    evidence = (
        f"A browser's hello {said(heard)}.",
        f"{len(refused)} of {len(clues.trials)} hellos are refused so, none is answered.",
    )
    text = "The server agrees to no suite, group or version that it was offered."
    return Claim("error", text, evidence)


def _is_unusual(cipher: int) -> bool:
    """A sound suite that browsers do not offer."""
    return weak_family(cipher) is None and cipher not in BROWSER_SUITES
