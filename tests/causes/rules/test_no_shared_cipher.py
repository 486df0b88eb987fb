"""No shared suite: shown by the hello that changes the suites alone, or by the alert to a browser's."""

from __future__ import annotations

from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from detector.wire.offer import TLS13
from tests.causes.rules.asked import causes, diagnosed


def test_the_alert_to_a_browsers_hello_decides_not_that_of_another(pki: LabPki) -> None:
    """internal_error to whoever offers TLS 1.3, handshake_failure to the others."""

    def decide(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        return 80 if TLS13 in hello.versions else 40

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    assert list(causes(found)) == ["other-alert"]
    assert "internal_error (80)" in found.causes[0].text


def test_handshake_failure_to_every_hello_is_no_shared_suite(pki: LabPki) -> None:
    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), lambda *_: 40), pki)
    assert list(causes(found)) == ["no-shared-cipher"]
    assert found.causes[0].evidence[0].startswith("A browser's hello gets the alert handshake")


def test_a_version_that_fails_is_not_the_suites_fault(pki: LabPki) -> None:
    """As GnuTLS at SECURE256: handshake_failure with TLS 1.3 offered, a browser's own suite without."""

    def decide(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        return 40 if TLS13 in hello.versions else "pass"

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    assert list(causes(found)) == ["tls13-intolerant"]
    assert found.causes[0].party == "server"
    assert "ecdsa_secp256r1_sha256" in found.causes[0].fix[0].text
