"""sct-verified: a CT log signed this very leaf as issued by this very issuer (RFC 6962 3.2).

An interceptor cannot mint such a signature, and a copied one fails. Together with a completed
handshake it proves that the peer holds the key of a publicly logged certificate. It may have come in the
leaf, in the TLS extension or in the OCSP staple, over this connection or another: it is about this leaf.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    valid = [result for result in seen.scts if result.status == "valid" and result.log]
    if not valid:
        return None
    logs = [result.log.name for result in valid if result.log]
    first = valid[0].sct.timestamp.date().isoformat()
    text = f"Certificate Transparency holds this leaf: {logs[0]} signed it on {first}"
    text += f" (and {len(valid) - 1} more)." if len(valid) > 1 else "."
    handshake = seen.observation.handshake
    proven = handshake is not None and handshake.completed
    strength: Strength = "proof" if proven else "strong"
    sources = list(dict.fromkeys(result.source for result in valid))
    details = {"logs": logs, "sources": sources}
    return Evidence("sct-verified", "direct", strength, text, details)
