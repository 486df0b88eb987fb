"""`tlsight doctor` on machines where things are broken: a line each, and never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, and mounts")
NOBODY = 65534


def findings(
    done: subprocess.CompletedProcess[str], level: str = "problem"
) -> dict[str, list[str]]:
    """Texts of one level by part."""
    assert done.returncode in (0, 1), done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert record["schema"] == "tlsight.doctor/1"
    assert record["problems"] == sum(one["level"] == "problem" for one in record["findings"])
    assert done.returncode == (1 if record["problems"] else 0)
    found: dict[str, list[str]] = {}
    for one in record["findings"]:
        if one["level"] == level:
            found.setdefault(one["part"], []).append(one["text"])
    return found


def state(folder: Path) -> Path:
    found = folder / "state" / "tlsight"
    found.mkdir(parents=True, exist_ok=True)
    return found


def config(folder: Path, text: str) -> Path:
    path = folder / "cfg" / "tlsight" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_every_part_is_told_of_and_text_has_a_line_for_each(tlsight: Run) -> None:
    done = tlsight("doctor", "--offline", "--json")
    parts = {one["part"] for one in json.loads(done.stdout)["findings"]}
    assert parts >= {
        "program",
        "tables",
        "settings",
        "stores",
        "trust",
        "proxy",
        "clock",
        "capture",
    }
    text = tlsight("doctor", "--offline")
    assert "Python 3." in text.stdout
    assert text.stdout.splitlines()[-1].endswith(("notes.", "note."))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no database at all" * 100, "file is not a database"),
        (b"SQLite format 3\0" + b"\xff" * 4000, "database"),
    ],
)
@pytest.mark.parametrize("name", ["history", "ct", "agent", "bypass"])
def test_a_broken_store_is_one_problem_with_a_remedy(
    tlsight: Run, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    path = state(tmp_path) / f"{name}.sqlite3"
    path.write_bytes(content)
    found = findings(tlsight("doctor", "--offline", "--json"))
    assert len(found["stores"]) == 1
    assert str(path) in found["stores"][0]
    assert why in found["stores"][0]
    assert path.read_bytes() == content


def test_stores_of_another_version_a_pipe_and_a_folder_are_told(
    tlsight: Run, tmp_path: Path
) -> None:
    folder = state(tmp_path)
    with sqlite3.connect(folder / "history.sqlite3") as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    os.mkfifo(folder / "ct.sqlite3")
    (folder / "other.sqlite3").mkdir()
    found = findings(tlsight("doctor", "--offline", "--json"))["stores"]
    assert len(found) == 3
    assert any("is of version 99" in text for text in found)


def test_a_store_that_is_well_is_ok_and_is_left_as_it_is(tlsight: Run, tmp_path: Path) -> None:
    tlsight("check", "127.0.0.1:1")  # makes the history
    folder = state(tmp_path)
    before = sorted(path.name for path in folder.iterdir())
    found = findings(tlsight("doctor", "--offline", "--json"), "ok")
    assert any("history.sqlite3 can be read" in text for text in found["stores"])
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_state_folder_that_is_a_file_is_told(tlsight: Run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "tlsight").write_text("")
    found = findings(tlsight("doctor", "--offline", "--json"))
    assert "is no folder" in found["stores"][0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[chek]\n", "unknown table [chek]"),
        ("[check]\ntimeot = 3\n", "has no setting 'timeot'"),
        ("no toml", "config.toml"),
    ],
)
def test_broken_settings_stop_every_verb_but_the_doctor(
    tlsight: Run, tmp_path: Path, text: str, why: str
) -> None:
    path = config(tmp_path, text)
    found = findings(tlsight("doctor", "--offline", "--json"))
    assert len(found["settings"]) == 1
    assert why in found["settings"][0]
    assert str(path) in found["settings"][0]


@AS_ROOT
def test_settings_of_another_user_are_told_once(tlsight: Run, tmp_path: Path) -> None:
    os.chown(config(tmp_path, "[check]\n"), NOBODY, NOBODY)
    done = tlsight("doctor", "--offline", "--json")
    assert "belongs to nobody" in findings(done)["settings"][0]
    assert done.stderr == ""


def test_a_dead_proxy_is_named_and_its_password_is_not(tlsight: Run) -> None:
    done = tlsight("doctor", "--json", "--timeout", "1", HTTPS_PROXY="http://me:geheim@127.0.0.1:9")
    found = findings(done)
    assert found["proxy"][0].startswith("http://127.0.0.1:9 of HTTPS_PROXY: ")
    assert "geheim" not in done.stdout + done.stderr


def test_a_proxy_that_makes_no_sense_is_told_and_the_rest_is_looked_at(tlsight: Run) -> None:
    done = tlsight("doctor", "--json", "--offline", HTTPS_PROXY="gopher://me:geheim@x")
    assert "HTTPS_PROXY" in findings(done)["proxy"][0]
    assert "geheim" not in done.stdout + done.stderr
    assert "trust" in findings(done, "ok")


def test_a_proxy_of_one_verb_s_settings_is_told_for_that_verb(tlsight: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = f"127.0.0.1:{server.getsockname()[1]}"
        config(
            tmp_path, f'[check]\nproxy = "http://me:geheim@{proxy}"\n[diagnose]\nno-proxy = true\n'
        )
        done = tlsight("doctor", "--json", "--timeout", "0.5")
    assert findings(done, "ok")["proxy"] == [
        "none is set for verbs without a setting of their own: they ask straight",
        "tlsight diagnose goes straight, by [diagnose] no-proxy",
        f"http://{proxy} of [check] proxy is used by tlsight check, and answers",
    ]
    assert "geheim" not in done.stdout + done.stderr


def test_a_dead_proxy_of_settings_is_a_problem_that_names_the_setting(
    tlsight: Run, tmp_path: Path
) -> None:
    config(tmp_path, '[check]\nproxy = "http://127.0.0.1:9"\n[ct.fetch]\nproxy = "gopher://x"\n')
    done = tlsight("doctor", "--json", "--timeout", "0.5")
    misread, dead = findings(done)["proxy"]
    assert "[ct.fetch] proxy" in misread
    assert dead.startswith("http://127.0.0.1:9 of [check] proxy: ")
    assert "or name another in [check] proxy" in done.stdout


def test_a_pac_file_that_is_not_there_is_one_problem(tlsight: Run) -> None:
    done = tlsight("doctor", "--json", "--offline", AUTO_PROXY="file:///gone.pac")
    (text,) = findings(done)["proxy"]
    assert text.startswith("AUTO_PROXY: no PAC file /gone.pac")
    assert "proxy" not in findings(done, "note")


def test_what_variables_name_and_is_no_file_is_not_to_be_moved_away(tlsight: Run) -> None:
    done = tlsight(
        "doctor", "--offline", "--json", TLSIGHT_STORE="/dev/zero", TLSIGHT_CONFIG="/gone.toml"
    )
    assert findings(done)["stores"] == ["/dev/zero: is no regular file"]
    assert findings(done)["settings"] == ["/gone.toml: No such file or directory"]
    assert "mv /dev/zero" not in done.stdout
    assert "unset TLSIGHT_CONFIG" in done.stdout


def test_offline_connects_to_nobody(tlsight: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)  # whoever comes waits in the kernel to be taken
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        found = findings(tlsight("doctor", "--offline", "--json", HTTPS_PROXY=proxy), "ok")
        assert found["proxy"] == [f"{proxy} of HTTPS_PROXY is used"]
        with pytest.raises(BlockingIOError):
            server.accept()
        tlsight("doctor", "--json", "--timeout", "0.5", HTTPS_PROXY=proxy)
        server.accept()[0].close()


@AS_ROOT
@pytest.mark.skipif(shutil.which("unshare") is None, reason="mounts in a namespace of its own")
def test_a_full_disk_is_told(tlsight: Run, tmp_path: Path) -> None:
    folder = state(tmp_path)
    script = f'mount -t tmpfs -o size=64k none {folder} && head -c 60k /dev/zero > {folder}/full; exec "$@"'
    done = tlsight(
        "doctor", "--offline", "--json", prefix=("unshare", "-m", "sh", "-c", script, "sh")
    )
    assert any("MB are free where state is kept" in text for text in findings(done)["stores"])


def test_without_a_home_every_other_part_is_looked_at(tlsight: Run) -> None:
    done = tlsight(
        "doctor", "--offline", "--json", HOME="/nowhere", SSL_CERT_FILE="/gone.pem",
        XDG_STATE_HOME="relative", XDG_CONFIG_HOME="",
    )  # fmt: skip
    assert "SSL_CERT_FILE names /gone.pem, which is not there" in findings(done)["trust"]
    assert "program" in findings(done, "ok")


def test_a_shell_that_was_made_to_complete_is_known(tlsight: Run, tmp_path: Path) -> None:
    before = findings(tlsight("doctor", "--offline", "--json", HOME=str(tmp_path)), "note")
    assert before["shell"] == ["no shell completes tlsight"]
    assert tlsight("--install-completion", "fish", HOME=str(tmp_path)).returncode == 0
    after = findings(tlsight("doctor", "--offline", "--json", HOME=str(tmp_path)), "ok")
    assert after["shell"] == ["completes tlsight by fish"]
