"""An extension that the peer minds counts where a browser's hello fails."""

from __future__ import annotations

import pytest

from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from tests.causes.rules.asked import causes, diagnosed


@pytest.mark.parametrize("small_alone", [True, False])
def test_what_a_browsers_hello_survives_is_a_note(pki: LabPki, small_alone: bool) -> None:
    def decide(hello: ClientHello, _first: bytes, whole: bytes) -> Decision:
        minded = hello.ech is not None and (len(whole) < 1400 or not small_alone)
        return "close" if minded else "pass"

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    cause = causes(found)["extension-intolerant"]
    assert cause.severity == ("note" if small_alone else "error")
    assert found.healthy is small_alone
