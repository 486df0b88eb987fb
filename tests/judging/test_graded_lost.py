"""What was sent and what arrived."""

from __future__ import annotations

import msgspec
import pytest

from detector.model.grades import GOOD, TowardsClients
from detector.wire import offer as o
from tests.judging.graded_seen import PLAIN, WELL, answer, echo, instead, seen, strict, visit

CHANGED = msgspec.structs.replace
ALL = CHANGED(PLAIN, ech=True)


def outcome(test: str, side: TowardsClients, offer: o.Offer) -> str:
    good = visit(GOOD, "answered", saw=echo(GOOD, offer=offer))
    return answer(seen(good, towards=side), test).outcome


@pytest.mark.parametrize(
    ("test", "side", "offer"),
    [
        ("http2-lost", CHANGED(WELL, alpn=None), ALL),
        ("http2-lost", WELL, CHANGED(ALL, alpn=("http/1.1",))),
        ("hybrid-lost", CHANGED(WELL, group=o.X25519), ALL),
        ("hybrid-lost", WELL, CHANGED(ALL, groups=(o.X25519,), shares=(o.X25519,))),
        ("ech-lost", WELL, CHANGED(ALL, ech=False)),
    ],
)
def test_what_is_missing_on_one_side_is_lost(
    test: str, side: TowardsClients, offer: o.Offer
) -> None:
    assert outcome(test, side, offer) == "failed"
    assert outcome(test, WELL, ALL) == "passed"


def test_an_old_server_behind_a_modern_face_is_a_version_raised() -> None:
    old = visit("server-tls10", "answered", saw=echo("server-tls10", "TLSv1"))
    found = answer(instead(strict(), old), "version-raised")
    assert (found.outcome, found.seen) == (
        "failed",
        "the client saw TLSv1.3, the server spoke TLSv1",
    )
    face = msgspec.structs.replace(old, version="TLSv1")
    assert answer(instead(strict(), face), "version-raised").outcome == "passed"
    newer = visit("expired", "answered", saw=echo("expired", "TLSv1.2"))
    assert answer(instead(strict(), newer), "version-raised").outcome == "passed"
