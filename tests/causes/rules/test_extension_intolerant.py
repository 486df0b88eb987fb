"""An extension that the peer minds counts where a browser's hello fails."""

from __future__ import annotations

import pytest

from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from detector.wire.registry import SIGNED_CERTIFICATE_TIMESTAMP, STATUS_REQUEST
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


def test_a_server_that_minds_being_asked_for_a_staple_is_broken_for_browsers(pki: LabPki) -> None:
    def decide(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        return "close" if hello.extension(STATUS_REQUEST) is not None else "pass"

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    cause = causes(found)["extension-intolerant"]
    assert cause.severity == "error"
    assert cause.evidence == (
        "A hello with a stapled OCSP response asked for makes the peer close; without it it is answered.",
    )


@pytest.mark.parametrize(
    ("decision", "cause"),
    [("close", "closed-during-handshake"), ("reset", "connection-reset"), (80, "other-alert")],
)
def test_who_answers_no_hello_of_a_browser_is_not_healthy_though_the_library_is_served(
    pki: LabPki, decision: Decision, cause: str
) -> None:
    def decide(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        ours = hello.extension(SIGNED_CERTIFICATE_TIMESTAMP) is not None
        return decision if ours else "pass"

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    assert causes(found)[cause].severity == "error"
    assert "while this machine's own library is answered" in causes(found)[cause].text
