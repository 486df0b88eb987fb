"""ct-logged: a log proved that it holds this very leaf (RFC 6962 sections 2.1.1 and 3.5).

More than sct-verified: an SCT is a log's promise, an inclusion proof its fulfilment. The proof is
checked here from the observation alone, so it may come from anybody, over any connection.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    issuer = seen.issuer
    if not seen.observation.inclusion or issuer is None:
        return None
    from detector.ct.inclusion import check_inclusion  # few observations carry proofs

    for proof in seen.observation.inclusion:
        found = check_inclusion(proof, seen.leaf, issuer, seen.scts)
        if found.status != "included" or found.log is None:
            continue
        text = f"{found.log.name} holds this leaf as entry {found.index} of {found.size}."
        handshake = seen.observation.handshake
        proven = handshake is not None and handshake.completed
        strength: Strength = "proof" if proven else "strong"
        details = {"log": found.log.name, "index": found.index, "tree_size": found.size}
        return Evidence("ct-logged", "direct", strength, text, details)
    return None
