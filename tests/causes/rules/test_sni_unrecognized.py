"""internal_error for a name: Go's way to say that there is no certificate for it."""

from __future__ import annotations

from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from detector.wire.offer import TLS12
from tests.causes.rules.asked import causes, diagnosed


def _gate(pki: LabPki, *, judges: bool, known: bool) -> Gate:
    """internal_error to every hello; one of an old version gets protocol_version if `judges`, one with another
    name or none is answered if `known`.
    """

    def decide(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        if judges and max(hello.versions) < TLS12:
            return 70
        return "pass" if known and hello.sni != "localhost" else 80

    return Gate(Origin({"localhost": pki.issue("localhost")}), decide)


def test_a_server_that_judges_versions_and_fails_at_the_name_lacks_a_certificate_for_it(
    pki: LabPki,
) -> None:
    found = diagnosed(_gate(pki, judges=True, known=False), pki)
    assert list(causes(found)) == ["sni-unrecognized"]
    assert "no certificate for the name localhost" in found.causes[0].text


def test_internal_error_for_one_name_alone_is_about_the_name(pki: LabPki) -> None:
    found = diagnosed(_gate(pki, judges=False, known=True), pki)
    assert list(causes(found)) == ["sni-unrecognized"]
    assert "With another name a hello is answered." in found.causes[0].evidence


def test_internal_error_to_everything_may_be_anything(pki: LabPki) -> None:
    found = diagnosed(_gate(pki, judges=False, known=False), pki)
    assert list(causes(found)) == ["other-alert"]
