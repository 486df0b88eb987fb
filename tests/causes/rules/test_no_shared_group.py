"""A group that only some clients have."""

from __future__ import annotations

from detector.causes.find import find_causes
from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry, Trial
from detector.model.observation import Failure
from detector.wire.hello import ClientHello
from detector.wire.offer import X25519MLKEM768
from tests.causes.conftest import MakeClues
from tests.causes.rules.asked import causes, diagnosed
from tests.conftest import Observe


def test_a_server_for_the_hybrid_group_alone_is_not_said_to_refuse_browsers(pki: LabPki) -> None:
    """The origin cannot choose the group itself, so the gate lets in who offers it."""

    def decide(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        return "pass" if X25519MLKEM768 in hello.groups else 40

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    assert "no-shared-cipher" not in causes(found)
    assert not any("browsers do not offer" in cause.text for cause in found.causes)


def test_the_hybrid_group_alone_keeps_other_clients_out(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    refused = Failure("tls", "no-shared-cipher", "the peer sent the alert handshake_failure (40)")
    seen = observe("a.com", pki.issue("a.com"), handshake=None, failure=refused)
    browser = Trial("browser", "answered", version=0x0304, group=X25519MLKEM768)
    trials = {
        "browser": browser,
        "plain": Trial("plain", "alert", "alert handshake_failure", alert=40),
    }
    found = find_causes(clues(Inquiry(seen, trials)))
    assert "only the group X25519MLKEM768" in found["no-shared-group"].text
    assert "no-shared-cipher" not in found
