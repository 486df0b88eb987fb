"""Which connections vouch for what comes over them."""

from __future__ import annotations

from detector.lab.pki import Authority, LabPki
from detector.lookup.connection import distrust
from tests.conftest import Observe


def test_direct_and_consistent_connections_are_believed(pki: LabPki, observe: Observe) -> None:
    known = pki.knowledge()
    direct = observe("a.com", pki.issue("a.com"))
    assert distrust([direct, direct], known) is None
    old = pki.issue("a.com", logs=())
    unlogged = observe("a.com", old)
    assert distrust([unlogged], known) == ("the connection to a.com is consistent (sct-missing)")


def test_one_doubtful_page_spoils_the_answer(pki: LabPki, observe: Observe) -> None:
    known = pki.knowledge()
    direct = observe("a.com", pki.issue("a.com"))
    forged = observe("a.com", Authority("mitmproxy", organization="mitmproxy").issue("a.com"))
    why = distrust([direct, forged], known)
    assert why is not None
    assert why.startswith("the connection to a.com is intercepted")


def test_plain_http_is_never_believed(pki: LabPki, observe: Observe) -> None:
    direct = observe("a.com", pki.issue("a.com"))
    assert distrust([direct, None], pki.knowledge()) == "it came over plain HTTP"


def test_no_answer_needs_no_trust(pki: LabPki) -> None:
    assert distrust([], pki.knowledge()) is None
