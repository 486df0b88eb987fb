"""A hello in two pieces: whose fault, and whom it hurts."""

from __future__ import annotations

from detector.causes.rules.split_hello_intolerant import find
from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry, Trial
from detector.wire.hello import ClientHello
from tests.causes.conftest import MakeClues
from tests.causes.rules.asked import causes, diagnosed
from tests.conftest import Observe


def gate(pki: LabPki) -> Gate:
    """A good server behind something that closes on hellos in two records."""

    def decide(_hello: ClientHello, _first: bytes, whole: bytes) -> Decision:
        return "close" if 5 + int.from_bytes(whole[3:5]) < len(whole) else "pass"

    return Gate(Origin({"localhost": pki.issue("localhost")}), decide)


def test_two_records_that_no_client_sends_are_a_note_about_the_server(pki: LabPki) -> None:
    found = diagnosed(gate(pki), pki)
    cause = causes(found)["split-hello-intolerant"]
    assert (cause.severity, cause.party) == ("note", "server")
    assert found.healthy
    assert "two TLS records makes the peer close" in cause.evidence[0]


def test_two_segments_are_what_browsers_send_and_an_error(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    """The lab has the real thing; here both pieces could arrive as one on a busy machine."""
    answered = {name: Trial(name, "answered", version=0x0304) for name in ("browser", "plain")}
    cut = {"two-segments": Trial("two-segments", "closed")}
    found = find(clues(Inquiry(observe("a.com", pki.issue("a.com")), {**answered, **cut})))
    assert found is not None
    assert (found.severity, found.party) == ("error", None)
