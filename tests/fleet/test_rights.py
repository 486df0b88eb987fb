"""The table of rights, as one reads it; tests/live/test_fleet_rights.py has the server's word for it."""

from __future__ import annotations

import pytest

from addons.fleet.rights import RIGHTS, Role

LEAST: tuple[Role, ...] = ("agent", "enroller", "gateway", "centre")
WRITES = ("CREATE", "DELETE", "UPDATE", "MSG.", "CONSUMER", "SNAPSHOT", "RESTORE")


@pytest.mark.parametrize("role", LEAST)
def test_nobody_but_the_keeper_makes_changes_or_consumes_and_all_hear_their_own_inbox_alone(
    role: Role,
) -> None:
    rights = RIGHTS[role]
    for subject in rights.publish:
        assert subject not in (">", "*")
        assert not any(word in subject for word in WRITES)
        if subject.startswith("$JS"):
            assert subject.startswith("$JS.API.DIRECT.GET.KV_") or role == "centre"
    inboxes = [one for one in rights.subscribe if one.startswith("_INBOX")]
    assert inboxes == ["_INBOX.{{name()}}.>"]


def test_an_agent_writes_under_its_own_name_alone() -> None:
    written = [one for one in RIGHTS["agent"].publish if not one.startswith("$JS")]
    assert written == ["tlsight.event.{{name()}}", "$KV.tlsight-state.{{name()}}"]
