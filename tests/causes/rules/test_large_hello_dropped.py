"""A large hello that gets lost counts where a browser's does."""

from __future__ import annotations

import pytest

from detector.lab.origin import Origin
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from detector.wire.offer import X25519MLKEM768
from tests.causes.rules.asked import causes, diagnosed


@pytest.mark.parametrize("padded_alone", [True, False])
def test_padding_that_a_server_minds_is_a_note_where_a_browser_gets_in(
    pki: LabPki, padded_alone: bool
) -> None:
    def decide(hello: ClientHello, _first: bytes, whole: bytes) -> Decision:
        minded = len(whole) > 1400 and not (padded_alone and X25519MLKEM768 in hello.groups)
        return "reset" if minded else "pass"

    found = diagnosed(Gate(Origin({"localhost": pki.issue("localhost")}), decide), pki)
    cause = causes(found)["large-hello-dropped"]
    assert (cause.severity, cause.party) == (
        ("note", "server") if padded_alone else ("error", "network")
    )
