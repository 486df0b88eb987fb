import tomllib

import msgspec

from detector.chain.shape_learning import HonestShape, Learned
from detector.chain.shape_rule import Features, ShapeRule
from detector.known.knowledge import Engine
from detector.report.engine_text import row_text

RULE = ShapeRule(
    extensions=(("SAN", "BC*"), ("SAN",)),
    serial_bits=(48, 64),
    serial_md5="{host}B",
    leaf_key_is_issuer_key=True,
    validity_seconds=94_611_600,
    subject={"O": r"It's \"\(quoted\)\" \u20ac", "2.5.4.97": "x", "L": "\U0001f600\x7f\x00\n"},
)


def parsed(text: str) -> Engine:
    (row,) = tomllib.loads(text)["engine"]
    return msgspec.convert(row, Engine)


def test_what_is_printed_is_the_row_that_was_learnt() -> None:
    engine = parsed(row_text("My Proxy 2.0", "archiver", Learned(RULE, (), 345, True)))
    assert (engine.id, engine.name, engine.category) == ("my-proxy-2.0", "My Proxy 2.0", "archiver")
    assert engine.shapes == (RULE,)


def test_hits_are_counted_and_named_in_comments_that_nothing_escapes_from() -> None:
    features = Features(extensions=(), key="", serial_bits=1, validity_seconds=1)
    hits = tuple(HonestShape(f"program {n}\nid = 1", features) for n in range(20))
    text = row_text("x", "y", Learned(msgspec.structs.replace(RULE, weak=True), hits, 300, True))
    assert "# Hits 20 of 300 honest shapes." in text
    assert "program 3?id = 1" in text
    assert "and 8 more" in text
    assert parsed(text).shapes[0].weak
