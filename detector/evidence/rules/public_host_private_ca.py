"""public-host-private-ca: the host is known to be public, and a private CA answers for it.

Known to be public is a site that everybody knows (a canary), one that Certificate Transparency knows by
its very name, and one that a valid SCT proved before. Strong for a canary, at whatever address a resolver
says it is. For any other host there are innocent explanations, which make it weak: a self-signed page, a
private CA with many owners, an owner's inner view at a private address, SCTs of logs unknown here, a root
that programs dropped or may have taken in by now. A CA whose key the logs know for the host is none of them.
"""

from __future__ import annotations

from detector.evidence.examination import Examination, Standing
from detector.evidence.innocence import excuse_stands
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength

_KNOWN_BY: dict[Standing, str] = {
    "canary": "a public site that everybody knows",
    "logged": "a public site by what Certificate Transparency knows",
    "proven": "a public site that was proven before",
}


def find(seen: Examination, _: Sharing) -> Evidence | None:
    standing = seen.standing
    if not standing or not seen.claims_name or not seen.privately_issued or seen.sct_verified:
        return None
    known = seen.known_issuers
    if known is not None and seen.issuer_spki_sha256 in known.spki:
        return None
    if seen.declared_internal or seen.expected_private is not None:
        return None
    text = f"{seen.host} is {_KNOWN_BY[standing]}, and a private CA answers for it"
    text += f" ({seen.leaf.issuer_text})."
    details = {"known_by": standing, "issuer": seen.leaf.issuer_text}
    excused = _dropped_in_order(seen) if standing == "canary" else excuse_stands(seen)
    strength: Strength = "weak" if excused else "strong"
    return Evidence("public-host-private-ca", "intercepted", strength, text, details)


def _dropped_in_order(seen: Examination) -> bool:
    """The root was public, and its end is no matter of trust: tables may be wrong about the day."""
    end = seen.dated_path.end
    return seen.undecided_root and (end is None or end.kind != "distrusted")
