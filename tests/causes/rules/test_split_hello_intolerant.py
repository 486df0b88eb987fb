"""A hello in two pieces: whose fault, and whom it hurts."""

from __future__ import annotations

from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from tests.causes.rules.asked import causes, diagnosed


def gate(pki: LabPki, *, records: bool, segments: bool) -> Gate:
    """A good server behind something that closes on hellos in two records, or in two segments."""

    def decide(_hello: ClientHello, first: bytes, whole: bytes) -> Decision:
        cut = 5 + int.from_bytes(whole[3:5]) < len(whole)
        # A hello in two records is sent at once: it is no split by segments.
        return "close" if (records and cut) or (segments and len(first) < len(whole)) else "pass"

    return Gate(Origin({"localhost": pki.issue("localhost")}), decide)


def test_two_records_that_no_client_sends_are_a_note_about_the_server(pki: LabPki) -> None:
    found = diagnosed(gate(pki, records=True, segments=False), pki)
    cause = causes(found)["split-hello-intolerant"]
    assert (cause.severity, cause.party) == ("note", "server")
    assert found.healthy
    assert "two TLS records makes the peer close" in cause.evidence[0]


def test_two_segments_are_what_browsers_send_and_an_error(pki: LabPki) -> None:
    found = diagnosed(gate(pki, records=False, segments=True), pki)
    cause = causes(found)["split-hello-intolerant"]
    assert (cause.severity, cause.party) == ("error", "network")
    assert not found.healthy
