"""The files for systems other than systemd's, read as those systems read them as far as that goes here."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from detector.agent.service import OTHERS, shipped
from detector.agent.settings import AgentTable, load

COMMAND = "/opt/tlsight/bin/tlsight"
# Keys of launchd.plist(5).
_LAUNCHD = {
    "Label", "ProgramArguments", "UserName", "EnvironmentVariables", "RunAtLoad", "KeepAlive",
    "ThrottleInterval", "ExitTimeOut", "ProcessType", "LowPriorityIO", "Nice", "Umask",
    "StandardOutPath", "StandardErrorPath", "LimitLoadToSessionType",
}  # fmt: skip


def text(kind: str, name: str) -> str:
    (found,) = (one.text for one in shipped(kind, COMMAND, "1.2.3") if one.place.endswith(name))
    return found


def test_a_mac_starts_the_agent_by_a_path_of_its_own_and_as_no_root() -> None:
    daemon = plistlib.loads(text("launchd", "org.tlsight.agent.plist").encode())
    assert set(daemon) <= _LAUNCHD
    assert daemon["ProgramArguments"] == [COMMAND, "agent", "run"]
    assert daemon["UserName"] != "root"
    assert daemon["Umask"] == 0o077
    assert daemon["KeepAlive"] is True


def test_a_users_agent_on_a_mac_starts_only_where_the_user_has_settings() -> None:
    agent = plistlib.loads(text("launchd", "org.tlsight.agent.user.plist").encode())
    assert set(agent) <= _LAUNCHD
    assert agent["Label"] != "org.tlsight.agent"
    assert agent["ProgramArguments"][:2] == ["/bin/sh", "-c"]
    assert agent["ProgramArguments"][3] == COMMAND
    assert "exit 0" in agent["ProgramArguments"][2]
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


def test_settings_as_they_are_shipped_say_nothing_that_is_not_so_without_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(text("settings", "agent.toml"))
    path.chmod(0o600)
    assert load(path).agent == AgentTable()


def test_settings_that_are_shipped_in_comments_are_known_and_what_holds_without_them(
    tmp_path: Path,
) -> None:
    written = re.sub(r"(?m)^# (?=[\[a-z])(?=.*[=\]])", "", text("settings", "agent.toml"))
    assert written.count("=") == 12
    (tmp_path / "policy.toml").write_text("")
    (tmp_path / "none.toml").write_text("")
    (tmp_path / "agent.toml").write_text(written)
    said, without = load(tmp_path / "agent.toml"), load(tmp_path / "none.toml")
    assert [sink.kind for sink in said.sinks] == ["journald"]
    assert (said.every, said.heartbeat, said.limits, said.targets) == (
        without.every, without.heartbeat, without.limits, without.targets,
    )  # fmt: skip
    same = ("canaries", "name", "observations")
    assert [getattr(said.agent, key) == getattr(without.agent, key) for key in same] == [True] * 3


@pytest.mark.parametrize("kind", ["launchd", "windows", "docker", "intune"])
def test_what_never_ran_on_its_own_system_says_so(kind: str) -> None:
    for one in shipped(kind, COMMAND, "1.2.3"):
        assert re.search(r"[Nn]ever run", " ".join(one.text.split())), one.place


def test_the_role_is_yaml_and_uses_no_variable_that_it_does_not_describe() -> None:
    yaml = YAML(typ="safe")
    files = {one.place: one.text for one in shipped("ansible", COMMAND, "1.2.3")}
    for body in files.values():
        yaml.load(body)
    specs = yaml.load(files["roles/tlsight_agent/meta/argument_specs.yml"])
    defaults = yaml.load(files["roles/tlsight_agent/defaults/main.yml"])
    assert set(specs["argument_specs"]["main"]["options"]) == set(defaults)
    used = set(re.findall(r"tlsight_agent_\w+", "".join(files.values()))) - {"tlsight_agent_folder"}
    assert used == set(defaults)


def test_no_file_is_left_with_a_place_that_was_not_filled_in() -> None:
    for kind in OTHERS:
        for one in shipped(kind, COMMAND, "1.2.3"):
            assert not re.search(r"@[A-Z]+@", one.text), one.place
