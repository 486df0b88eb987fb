"""The kernel's word on who runs a process, beside what the environment claims."""

from __future__ import annotations

import os

from addons.store.actor import actor


def test_the_real_user_is_named_whatever_the_environment_says() -> None:
    found = actor({"LOGNAME": "somebody", "USER": "else", "SUDO_UID": "1001"})
    assert (found.uid, found.sudo_uid) == (os.getuid(), "1001")
    assert found.user not in ("somebody", "else")
    assert actor({}).sudo_uid is None
    assert len(actor({"SUDO_UID": "9" * 999}).sudo_uid or "") == 32
