"""issuer-shared: one issuer that is in no public program serves unrelated hosts.

The issuer is recognised by its key, or by its name together with the authority key identifier. By
its name alone the finding stays weak: anybody may call a CA "localhost".
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing, keys_of, use_of
from detector.model.observation import Evidence, Strength


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    for key in keys_of(seen):
        if key.role != "issuer":
            continue
        others = sharing.others(key, use_of(seen))
        if others:
            text = f"The same private issuer also serves {', '.join(others)}."
            details = {"issuer": seen.leaf.issuer_text, "hosts": list(others)}
            strength: Strength = "strong" if key.certain else "weak"
            return Evidence("issuer-shared", "intercepted", strength, text, details)
    return None
