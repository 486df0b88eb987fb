"""engine-match: the leaf has the shape that a known program gives the leaves it mints.

The operator names the CA and chooses its key, the program shapes the leaf: see data/engines.toml, measured by
running each program in front of one origin. A shape that an operator's own OpenSSL makes as well is weak.
"""

from __future__ import annotations

from detector.chain.shape_rule import ShapeRule
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Engine
from detector.model.observation import Evidence, Strength


def matching_engine(seen: Examination) -> tuple[Engine, ShapeRule] | None:
    """The first engine one of whose shapes fits, with that shape; a strong shape if any.

    A leaf with a valid SCT was minted by none.
    """
    if seen.sct_verified:
        return None
    weak: tuple[Engine, ShapeRule] | None = None
    for engine in seen.known.engines:
        for shape in engine.shapes:
            if not (shape.weak and weak) and shape.matches(seen.shape):
                if not shape.weak:
                    return engine, shape
                weak = engine, shape
    return weak


def find(seen: Examination, _: Sharing) -> Evidence | None:
    found = matching_engine(seen)
    if found is None:
        return None
    engine, rule = found
    strength: Strength = "weak" if rule.weak else "strong"
    text = f"The leaf has the shape that {engine.name} mints"
    text += (
        ": it is signed with its own key under another issuer's name."
        if rule.leaf_key_is_issuer_key
        else f" ({', '.join(seen.shape.extensions)}; {seen.shape.validity_days} days)"
        + (", as a careless private CA's has." if rule.weak else ".")
    )
    details = {"engine": engine.id, "category": engine.category, "source": engine.source}
    return Evidence("engine-match", "intercepted", strength, text, details)
