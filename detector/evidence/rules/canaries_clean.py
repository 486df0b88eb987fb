"""canaries-clean: well-known sites, asked by the same way, show their public chains.

It lowers no verdict: selective forgers spare them. It says where to look.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    if not sharing.clean or seen.is_public_path or seen.declared_internal or seen.standing:
        return None
    text = f"{' and '.join(sharing.clean)}, asked by the same way, show public chains: this host alone."
    return Evidence("canaries-clean", "neutral", "weak", text, {"hosts": list(sharing.clean)})
