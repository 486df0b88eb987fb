"""state-ca: the issuer is a state's own CA, or bears its name.

By its key, within that state's top-level domains, this is how its sites are served; elsewhere it is at least
remarkable, and two unrelated foreign hosts under it are interception (issuer-shared). By its name alone it is
nothing: anybody may write it.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.products import is_states_own, matching_product
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    product = matching_product(seen.path, seen.known)
    if product is None or not product.territory:
        return None
    by_key = is_states_own(product, seen.path)
    details = {"ca": product.name, "territory": list(product.territory), "by_key": by_key}
    if not by_key:
        text = f"The issuer bears the name of {product.name}, but no key above the leaf is known to be its."
        return Evidence("state-ca", "intercepted", "weak", text, details)
    if seen.state_territory:
        text = f"{product.name} serves its own country's site."
        return Evidence("state-ca", "neutral", "strong", text, details)
    text = f"{product.name} signed for a host outside its country."
    return Evidence("state-ca", "intercepted", "weak", text, details)
