from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from detector.evidence.rules import protocol_downgrade
from detector.known.knowledge import Baseline
from detector.lab.pki import LabPki
from detector.model.observation import BrowserAnswer, Handshake
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask

BASE = Baseline("recorded", True, "0" * 64, None, "TLSv1.3", "h2", NOW)


def test_lost_features_are_listed(pki: LabPki, observe: Observe, ask: Ask) -> None:
    shown = observe("a.com", pki.issue("a.com"), handshake=Handshake(True, "TLSv1.2"))
    found = ask(protocol_downgrade, shown, baseline=BASE)
    assert found is not None
    assert found.strength == "weak"
    assert found.details["lost"] == ["TLSv1.3 became TLSv1.2", "h2 became no ALPN"]


def test_the_same_features_lose_nothing(pki: LabPki, observe: Observe, ask: Ask) -> None:
    shown = observe("a.com", pki.issue("a.com"))
    assert ask(protocol_downgrade, shown, baseline=BASE) is None
    assert ask(protocol_downgrade, shown) is None


HYBRID = BrowserAnswer(NOW, "TLSv1.3", "X25519MLKEM768")


@pytest.mark.parametrize(
    ("here", "lost"),
    [
        (BrowserAnswer(NOW, "TLSv1.3", "x25519", "h2"), ["X25519MLKEM768 became x25519"]),
        (
            BrowserAnswer(NOW, "TLSv1.2", "secp256r1", "h2"),
            ["TLSv1.3 became TLSv1.2", "X25519MLKEM768 became secp256r1"],
        ),
        (BrowserAnswer(NOW, "TLSv1.3", "SecP256r1MLKEM768"), None),
        (BrowserAnswer(NOW + timedelta(minutes=2), "TLSv1.3", "x25519"), None),
        (None, None),
    ],
)
def test_what_browsers_lose_on_this_way_is_listed(
    pki: LabPki, observe: Observe, ask: Ask, here: BrowserAnswer | None, lost: list[str] | None
) -> None:
    direct = msgspec.structs.replace(BASE, source="direct", browser=HYBRID)
    seen = observe("a.com", pki.issue("a.com"), browser=here)
    found = ask(protocol_downgrade, seen, baseline=direct)
    assert (found.details["lost"] if found else None) == lost
    gained = ask(
        protocol_downgrade,
        replace(seen, browser=HYBRID),
        baseline=msgspec.structs.replace(direct, browser=here),
    )
    assert gained is None


@pytest.mark.parametrize(
    ("here", "lost"),
    [
        (BrowserAnswer(NOW, "TLSv1.2", "x25519", "http/1.1"), ["h2 became http/1.1"]),
        (BrowserAnswer(NOW, "TLSv1.2", "x25519"), ["h2 became no ALPN"]),
        (BrowserAnswer(NOW, "TLSv1.3", "X25519MLKEM768"), None),  # its choice is encrypted
    ],
)
def test_http2_lost_to_browsers_is_told_where_it_can_be_seen(
    pki: LabPki, observe: Observe, ask: Ask, here: BrowserAnswer, lost: list[str] | None
) -> None:
    other = BrowserAnswer(NOW, "TLSv1.2", "x25519", "h2")
    seen = observe("a.com", pki.issue("a.com"), browser=here)
    found = ask(
        protocol_downgrade,
        seen,
        baseline=Baseline("direct", True, "0" * 64, None, None, None, NOW, browser=other),
    )
    assert (found.details["lost"] if found else None) == lost
