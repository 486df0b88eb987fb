"""client-clock-wrong: the certificate is good at the time that others keep, and not at ours.

Others are the server's own Date, and the logs whose signed timestamps cannot lie in the future
(RFC 6962 section 3.2).

A capture's times are those of who captured. Where its clock is wrong no client is blamed, and what is said of
validity is worth nothing: hence a warning, which the rules on validity leave the field to.
"""

from __future__ import annotations

from detector.causes.clues import CLOCK_SLACK, Claim, Clues

_OF_CAPTURE = "Set the clock of the machine that captures; validity cannot be judged by its times."


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or seen.leaf.not_before <= clues.at <= seen.leaf.not_after:
        return None
    evidence: list[str] = []
    if clues.clock_behind is not None:
        evidence.append(
            f"A log signed for the certificate on {clues.clock_behind:%Y-%m-%d}, still to come here."
        )
    date = clues.server_date
    if (
        date is not None
        and seen.leaf.not_before <= date <= seen.leaf.not_after
        and abs(date - clues.at) > CLOCK_SLACK
    ):
        evidence.append(f"The server's clock says {date:%Y-%m-%d %H:%M} UTC, when it is valid.")
    if not evidence:
        return None
    if clues.observation.captured:
        text = f"The capture's clock, {clues.at:%Y-%m-%d %H:%M} UTC, is wrong."
        return Claim("warning", text, tuple(evidence), fix=_OF_CAPTURE)
    text = f"This machine's clock, {clues.at:%Y-%m-%d %H:%M} UTC, is wrong."
    return Claim("error", text, tuple(evidence))
