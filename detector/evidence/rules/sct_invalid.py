"""sct-invalid: SCTs that name a known log but do not carry its signature over this leaf.

A copied SCT list looks like this. SCTs of unknown logs are not called invalid. What the CA signed into the
leaf weighs; a list that is sent beside it lies in a file, and is the old certificate's after a renewal.
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
    if any(result.embedded for result in forged):
        text = "No SCT verifies: the log's signature is not over this leaf and issuer."
        return Evidence("sct-invalid", "intercepted", "strong", text, details)
    if forged:
        text = "The SCTs that the server sends beside its leaf are another certificate's."
        return Evidence("sct-invalid", "intercepted", "weak", text, details)
    if all(status == "unknown-log" for status in statuses):
        text = "The SCTs are of logs that are not in the table, so they say nothing."
    else:
        text = "The SCTs are signed, but outside the log's interval or life, so they prove nothing."
    return Evidence("sct-invalid", "neutral", "weak", text, details)
