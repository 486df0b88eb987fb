"""Whose agent root enrols."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detector.agent.owned import give, refuse_for_the_service
from detector.errors import ConfigError

TOKEN = Path("token.json")


@pytest.mark.parametrize(
    "what", ["var/lib/tlsight-agent", "usr/lib/systemd/system/tlsight-agent.service"]
)
def test_root_is_told_how_to_enrol_the_service_where_there_is_one(
    tmp_path: Path, what: str
) -> None:
    refuse_for_the_service(TOKEN, {}, tmp_path, root=True)
    (tmp_path / what).parent.mkdir(parents=True)
    (tmp_path / what).touch()
    with pytest.raises(
        ConfigError, match=r"install -Dm600 token\.json /etc/credstore/tlsight-fleet"
    ):
        refuse_for_the_service(TOKEN, {}, tmp_path, root=True)
    refuse_for_the_service(TOKEN, {}, tmp_path, root=False)
    refuse_for_the_service(TOKEN, {"STATE_DIRECTORY": "/srv/agent"}, tmp_path, root=True)


def test_what_root_makes_in_a_users_folder_is_the_users_and_nothing_else_is(tmp_path: Path) -> None:
    assert os.geteuid() == 0, "this test gives files away, which root alone can"
    folder = tmp_path / "state"
    folder.mkdir()
    secret = tmp_path / "shadow"
    secret.touch()
    (folder / "device.json").touch()
    (folder / "fleet.json").symlink_to(secret)
    os.link(secret, folder / "fleet.key")
    os.chown(folder, 4321, 4322)
    give(folder)
    made = (folder / "device.json").stat()
    assert (made.st_uid, made.st_gid) == (4321, 4322)
    assert secret.stat().st_uid == 0
