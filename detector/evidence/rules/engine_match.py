"""engine-match: the leaf has the shape that a known program gives the leaves it mints.

The operator names the CA, the program shapes the leaf: see data/engines.toml, measured by running
each program in front of one origin.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Engine
from detector.model.observation import Evidence


def matching_engine(seen: Examination) -> Engine | None:
    """The first engine one of whose shapes fits. A leaf with a valid SCT was minted by none."""
    if seen.sct_verified:
        return None
    for engine in seen.known.engines:
        if any(shape.matches(seen.shape) for shape in engine.shapes):
            return engine
    return None


def find(seen: Examination, _: Sharing) -> Evidence | None:
    engine = matching_engine(seen)
    if engine is None:
        return None
    text = f"The leaf has the shape that {engine.name} mints"
    text += (
        ": it is signed with its own key under another issuer's name."
        if seen.shape.leaf_key_is_issuer_key
        else f" ({', '.join(seen.shape.extensions)}; {seen.shape.validity_days} days)."
    )
    details = {"engine": engine.id, "category": engine.category, "source": engine.source}
    return Evidence("engine-match", "intercepted", "strong", text, details)
