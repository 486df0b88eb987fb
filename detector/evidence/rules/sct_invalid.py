"""sct-invalid: SCTs that name a known log but do not carry its signature over this leaf.

A copied SCT list looks like this. SCTs of unknown logs are not called invalid.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    bad = [result for result in seen.scts if result.status not in ("valid", "unverifiable")]
    forged = [result for result in bad if result.status == "invalid"]
    if not bad or seen.sct_verified:
        return None
    statuses = [result.status for result in bad]
    details = {"statuses": statuses, "logs": [r.log.name for r in bad if r.log]}
    if forged:
        text = "No SCT verifies: the log's signature is not over this leaf and issuer."
        return Evidence("sct-invalid", "intercepted", "strong", text, details)
    if all(status == "unknown-log" for status in statuses):
        text = "The SCTs are of logs that are not in the table, so they say nothing."
    else:
        text = "The SCTs are signed, but outside the log's interval or life, so they prove nothing."
    return Evidence("sct-invalid", "neutral", "weak", text, details)
