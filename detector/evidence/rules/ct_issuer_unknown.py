"""ct-issuer-unknown: public logs know issuers for this host, and this one is not among them.

How much that weighs:

- Beside a private path it shows that the host is known to be public; `public-host-private-ca` weighs that,
  so here it is weak.
- A public CA may be new for the host. But a leaf that is a day older than the look-up (logs have 24
  hours to merge, RFC 6962 section 3), was valid then (services tell of unexpired certificates), and
  whose issuer still is not among those logged, was never logged: strong. That is a finding, no proof:
  owners may keep their names out of the logs.
- Logs know names, not ports. Mail servers and consoles on other ports have certificates of their own
  beside a logged web site's: weak.
- Common names alone (crt.sh gives no keys) can be borrowed, so they only ever speak against, weakly
  where the path is public.
"""

from __future__ import annotations

from datetime import timedelta

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.issuers import KnownIssuers
from detector.model.observation import Evidence, Strength

_MERGE_DELAY = timedelta(hours=24)
_HTTPS = 443


def find(seen: Examination, _: Sharing) -> Evidence | None:
    known = seen.known_issuers
    key = seen.issuer_spki_sha256
    if not known or key in known.spki or not known.spki.isdisjoint(seen.lawful_unsent_keys):
        return None
    if not known.spki and set(seen.leaf.issuer_fields.get("CN", ())) & known.names:
        return None
    if seen.path.issuer is None and (seen.forgot_intermediate or not seen.issuer_may_be_shared):
        return None  # the issuer was not sent, and may be a public one: there is nothing to compare
    text = f"Certificate Transparency knows other issuers for {seen.host}, not this one"
    text += f"{seen.age_of_known_issuers}."
    details = {
        "issuer_spki_sha256": key,
        "known": sorted(known.spki) or sorted(known.names),
        "source": known.source,
    }
    return Evidence("ct-issuer-unknown", "intercepted", _strength(seen, known), text, details)


def _strength(seen: Examination, known: KnownIssuers) -> Strength:
    if not known.exact or seen.observation.target.port != _HTTPS:
        return "weak"
    if not seen.is_public_path or not known.spki or not known.complete or known.fetched is None:
        return "weak"
    was_due = seen.leaf.not_before + _MERGE_DELAY <= known.fetched <= seen.leaf.not_after
    return "strong" if was_due else "weak"
