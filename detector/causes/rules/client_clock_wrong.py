"""client-clock-wrong: the certificate is good at the time that others keep, and not at ours.

Others are the server's own Date, and the logs whose signed timestamps cannot lie in the future
(RFC 6962 section 3.2).
"""

from __future__ import annotations

from datetime import timedelta

from detector.causes.clues import Claim, Clues

_SLACK = timedelta(minutes=10)


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or seen.leaf.not_before <= clues.at <= seen.leaf.not_after:
        return None
    evidence: list[str] = []
    stamps = [result.sct.timestamp for result in seen.scts if result.status == "valid"]
    if stamps and min(stamps) > clues.at + _SLACK:
        evidence.append(
            f"A log signed for the certificate on {min(stamps):%Y-%m-%d}, still to come here."
        )
    date = clues.server_date
    if (
        date is not None
        and seen.leaf.not_before <= date <= seen.leaf.not_after
        and abs(date - clues.at) > _SLACK
    ):
        evidence.append(f"The server's clock says {date:%Y-%m-%d %H:%M} UTC, when it is valid.")
    if not evidence:
        return None
    text = f"This machine's clock, {clues.at:%Y-%m-%d %H:%M} UTC, is wrong."
    return Claim("error", text, tuple(evidence))
