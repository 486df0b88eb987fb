"""What one client was sent counts for the next that was shown the same leaf."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detector.capture.connection import Connection
from detector.chain.stapled_scts import SCT_LIST_OID
from detector.forensics.beside import SentBeside
from detector.forensics.observed import observation
from tests.forensics.test_blame import BASE


def shown(leaf: bytes, **changes: Any) -> Connection:
    return msgspec.structs.replace(BASE, chain=(leaf,), **changes)


def test_answers_of_several_clients_are_put_together() -> None:
    sent = SentBeside()
    staple = b"..." + SCT_LIST_OID
    sent.note(shown(b"leaf", scts=b"list", asked_for=("scts",)))
    sent.note(shown(b"leaf", ocsp=staple, asked_for=("ocsp",)))
    seen = sent.added(observation(shown(b"leaf")))
    assert (seen.scts, seen.ocsp) == (b"list", staple)
    assert set(seen.asked_for) == {"scts", "ocsp"}
    other = observation(shown(b"other"))
    assert sent.added(other) is other


def test_ones_own_answer_comes_first() -> None:
    sent = SentBeside()
    sent.note(shown(b"leaf", scts=b"list", asked_for=("scts",)))
    seen = sent.added(observation(shown(b"leaf", scts=b"own", ocsp=b"own staple")))
    assert (seen.scts, seen.ocsp) == (b"own", b"own staple")


@pytest.mark.parametrize("changes", [{"ocsp": b"no list in it"}, {"scts": bytes(70_000)}])
def test_what_is_no_use_or_too_large_is_not_kept(changes: dict[str, Any]) -> None:
    sent = SentBeside()
    sent.note(shown(b"leaf", **changes))
    seen = sent.added(observation(shown(b"leaf")))
    assert (seen.scts, seen.ocsp) == (None, None)


def test_a_million_leaves_do_not_grow_without_bound() -> None:
    sent = SentBeside()
    for number in range(3000):
        sent.note(shown(b"%d" % number, scts=b"list"))
    assert len(sent._by_leaf) <= 1024
    assert sent.of((b"2999",)).scts == b"list"
