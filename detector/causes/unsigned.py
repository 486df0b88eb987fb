"""A certificate whose issuer was sent, by name, and did not sign it."""

from __future__ import annotations

from detector.chain.certificate import Certificate
from detector.chain.name_matching import same_name
from detector.chain.signature import check_signature
from detector.evidence.examination import Examination


def unsigned_below(seen: Examination) -> tuple[Certificate, Certificate] | None:
    """The last certificate of a path that stops, and the issuer of its name that was sent; None where none was, or
    where it cannot be told of one of them whether it signed.
    """
    path = seen.sent_path.path
    if path.kind != "incomplete":
        return None
    last = path.certificates[-1]
    named = [c for c in seen.sent if c != last and same_name(c.subject, last.issuer)]
    if not named or any(check_signature(last, one.spki) != "refuted" for one in named):
        return None
    return last, named[0]
