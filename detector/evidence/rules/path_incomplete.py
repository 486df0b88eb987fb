"""path-incomplete: the issuer was not sent, and no store has it; or one that was sent is not shown
to have signed.

A server that forgot its intermediate (told where its key is a known one, or SCTs hold under it), a signature that cannot be checked here, or an interceptor that
sends the leaf alone.
"""

from __future__ import annotations

from detector.chain.signature import why_unchecked
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind != "incomplete":
        return None
    last = seen.path.certificates[-1]
    missing = last.issuer_text
    if seen.forgot_intermediate:
        text = f"The server forgot to send its intermediate, a public one ({missing})."
        return Evidence("path-incomplete", "neutral", "weak", text, {"issuer": missing})
    text = f"Nobody here knows the issuer, and the server did not send it ({missing})."
    unchecked = why_unchecked(last)
    if unchecked:
        text = f"Who signed {last.subject_text or 'the leaf'} cannot be told: {unchecked}."
    expected = seen.is_internal or seen.expected_private is not None
    points: Points = "neutral" if expected else "intercepted"
    return Evidence("path-incomplete", points, "weak", text, {"issuer": missing})
