"""signer-recovered: the issuer was not sent, but its signature tells its key.

By itself that speaks for nobody. It is shown because other findings rest on it, and because the key can
be looked for elsewhere: on the appliance, in a policy. Of two keys that an ECDSA signature leaves, both are
named.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    unsent = seen.unsent
    if unsent is None or not unsent.candidates:
        return None
    issuer = unsent.child.issuer_text
    keys = [unsent.key] if unsent.key is not None else sorted(unsent.candidates)
    details = {"issuer": issuer, "spki_sha256": keys}
    if unsent.intermediate is not None:
        called = unsent.intermediate.subject or issuer
        text = f"The signature is of a public intermediate that was not sent ({called})."
    elif seen.forgot_intermediate:
        text = (
            f"The SCTs hold under the key of an issuer that was not sent ({issuer}): a public one."
        )
    elif unsent.key is not None:
        text = f"The issuer was not sent; its key was computed from the signature ({unsent.key})."
    else:
        text = f"The issuer was not sent; the signature leaves {len(keys)} keys that it may have."
    return Evidence("signer-recovered", "neutral", "weak", text, details)
