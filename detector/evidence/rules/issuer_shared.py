"""issuer-shared: one issuer that is in no public program serves unrelated hosts.

The issuer is recognised by its key, or by its name together with the authority key identifier, or, where
it is not even said, by its name. An owner's two domains, a state's agencies and the customers of one
origin CA share an issuer too, so it decides only in the company of a host that is known to be public.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    found = sharing.company(seen, "issuer")
    if found is None:
        return None
    text = f"The same private issuer also serves {', '.join(found.hosts)}."
    details = {"issuer": seen.leaf.issuer_text, "hosts": list(found.hosts)}
    return Evidence("issuer-shared", "intercepted", found.strength, text, details)
