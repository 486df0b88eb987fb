"""Where settings and state are."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.knowledge.folders import config_folder, state_folder


def test_the_variables_say_where() -> None:
    assert config_folder({"XDG_CONFIG_HOME": "/c"}) == Path("/c/tlsight")
    assert state_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/tlsight")
    assert state_folder({"XDG_STATE_HOME": "/s", "STATE_DIRECTORY": "/x:/y"}) == Path("/x")


@pytest.mark.parametrize("relative", ["", ".", "state", "../state", "~/state"])
def test_a_relative_one_is_none(relative: str) -> None:
    home = Path.home()
    assert config_folder({"XDG_CONFIG_HOME": relative}) == home / ".config" / "tlsight"
    assert state_folder({"XDG_STATE_HOME": relative}) == home / ".local" / "state" / "tlsight"
    assert state_folder({"STATE_DIRECTORY": relative, "XDG_STATE_HOME": "/s"}) == Path("/s/tlsight")
