"""What is said of a connection in a comment beside its first packet: who answers, and why it failed."""

from __future__ import annotations

from detector.forensics.judged import JudgedConnection
from detector.model.harmless import harmless

_MOST = 4


def comment(one: JudgedConnection) -> str:
    """One line: verdict, why it failed, what else is wrong, in sentences."""
    said = [_verdict(one)]
    if one.blamed is not None:
        said.append(f"failed: {one.blamed.id}: {one.blamed.text}")
    others = [cause for cause in one.causes if cause is not one.blamed][:_MOST]
    said += [f"{cause.id}: {cause.text}" for cause in others]
    return harmless("; ".join(part.rstrip(".") for part in said))


def short_comment(one: JudgedConnection) -> str:
    """The same by identifiers alone, of which there are not many."""
    said = [f"verdict {one.verdict}"]
    if one.blamed is not None:
        said.append(f"failed: {one.blamed.id}")
    return "; ".join(said)


def _verdict(one: JudgedConnection) -> str:
    who = one.judgement.interceptor if one.judgement is not None else None
    if who is None or one.verdict != "intercepted":
        return f"verdict {one.verdict}"
    return f"verdict {one.verdict}, by {who.product or who.issuer}"
