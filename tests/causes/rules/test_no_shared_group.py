"""A group that only some clients have."""

from __future__ import annotations

from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from detector.wire.offer import X25519MLKEM768
from tests.causes.rules.asked import causes, diagnosed


def test_a_server_for_the_hybrid_group_alone_is_not_said_to_refuse_browsers(pki: LabPki) -> None:
    """The origin cannot choose the group itself, so the gate lets in who offers it."""

    def decide(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        return "pass" if X25519MLKEM768 in hello.groups else 40

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    assert "no-shared-cipher" not in causes(found)
    assert not any("browsers do not offer" in cause.text for cause in found.causes)
