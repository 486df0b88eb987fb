"""Settings of the config file, as the command finds them, and those that it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings that would have `check` save what it sees."""
    path = tmp_path / "cfg" / "tlsight" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[check]\nsave = "{tmp_path}/saved"\n')
    path.chmod(0o644)
    return path


def test_ones_own_settings_count(tlsight: Run, config: Path, tmp_path: Path) -> None:
    done = tlsight("check", "127.0.0.1:1")
    assert (done.returncode, done.stderr) == (3, "")
    assert (tmp_path / "saved").exists()


def test_settings_that_everybody_may_write_are_told_and_left_out(
    tlsight: Run, config: Path, tmp_path: Path
) -> None:
    config.chmod(0o666)
    done = tlsight("check", "127.0.0.1:1")
    assert done.returncode == 3
    assert f"{config} is not used: everybody may write it; " in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "saved").exists()


@AS_ROOT
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_settings_of_another_user_are_told_and_left_out(
    tlsight: Run, config: Path, tmp_path: Path, mode: int
) -> None:
    os.chown(config, NOBODY, NOBODY)
    config.chmod(mode)
    done = tlsight("check", "127.0.0.1:1")
    assert done.returncode == 3
    assert "is not used: belongs to nobody, neither to root nor to you; " in done.stderr
    assert not (tmp_path / "saved").exists()


@AS_ROOT
def test_a_link_leads_to_the_owner_of_what_is_read(
    tlsight: Run, config: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs.toml"
    theirs.write_text(config.read_text())
    os.chown(theirs, NOBODY, NOBODY)
    config.unlink()
    config.symlink_to(theirs)
    assert "is not used" in tlsight("check", "127.0.0.1:1").stderr
    assert not (tmp_path / "saved").exists()


def test_settings_named_by_the_variable_are_an_error_then(
    tlsight: Run, config: Path, tmp_path: Path
) -> None:
    assert tlsight("check", "127.0.0.1:1", TLSIGHT_CONFIG=str(config)).returncode == 3
    (tmp_path / "saved").unlink()
    config.chmod(0o666)
    done = tlsight("check", "127.0.0.1:1", TLSIGHT_CONFIG=str(config))
    assert done.returncode == 2
    assert "everybody may write it" in done.stderr
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize("key", ["policy", "pins", "issuers", "roots", "ct_logs", "lists"])
def test_what_settings_name_is_held_to_the_same(
    tlsight: Run, config: Path, tmp_path: Path, key: str
) -> None:
    named = tmp_path / "named"
    named.write_text("")
    named.chmod(0o666)
    config.write_text(f'[check]\n{key} = "{named}"\n')
    done = tlsight("check", "127.0.0.1:1")
    assert done.returncode == 2
    assert f"[check] {key}: {named}: everybody may write it; " in done.stderr


def test_what_the_command_line_names_is_the_callers_own_business(
    tlsight: Run, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('internal = ["corp.example"]\n')
    policy.chmod(0o666)
    assert tlsight("check", "--policy", policy, "127.0.0.1:1").returncode == 3


def test_state_is_not_kept_wherever_one_stands(tlsight: Run, tmp_path: Path) -> None:
    done = tlsight(
        "check", "127.0.0.1:1", XDG_STATE_HOME="state-here", HOME=str(tmp_path),
        prefix=("env", "-C", str(tmp_path), f"PYTHONPATH={Path(__file__).parents[2]}"),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, "")
    assert not (tmp_path / "state-here").exists()
    assert (tmp_path / ".local" / "state" / "tlsight").exists()


CAPTURE = str(Path(__file__).parents[1] / "data" / "captures" / "clock_steady.pcap")
ENDLESS = (
    ("check", "--policy", "/dev/zero"), ("check", "--pins", "/dev/zero"), ("check", "--roots", "/dev/zero"),
    ("check", "--issuers", "/dev/zero"), ("check", "-l", "/dev/zero"), ("diagnose", "-l", "/dev/zero"),
    ("ct", "fetch", "-l", "/dev/zero"), ("policy", "lint", "/dev/zero"),
    ("check", "--ct-logs", "/dev/zero"), ("pcap", "--keylog", "/dev/zero", CAPTURE),
)  # fmt: skip


@pytest.mark.parametrize("words", ENDLESS, ids=lambda words: " ".join(words[:3]))
def test_a_file_without_end_is_refused_in_little_memory(
    tlsight: Run, words: tuple[str, ...]
) -> None:
    limited = ("bash", "-c", 'ulimit -v 1500000; exec "$@"', "bash")
    more = ("127.0.0.1:1",) if words[0] == "check" and words[1] != "-l" else ()
    done = tlsight(*words, *more, prefix=limited)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("example.com", "example.com"),
        ("https://me:geheim@example.com/", "example.com"),
        ("localhost:8443", "localhost:8443"),
        ("[2001:db8::1]:444", "[2001:db8::1]:444"),
    ],
)
def test_a_host_in_a_verbs_place_is_told_the_verb_that_asks_it(
    tlsight: Run, word: str, host: str
) -> None:
    done = tlsight(word)
    said = f"tlsight: No such command: {host} looks like a host; tlsight check {host}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_verb_that_is_spelt_wrong_is_no_host(tlsight: Run) -> None:
    assert "No such command 'chekc'" in tlsight("chekc").stderr
