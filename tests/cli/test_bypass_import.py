"""A foreign list comes in by a plan that is shown first, and every decision can be taken back."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt
from addons.store.bypass_store import BypassStore
from tests.cli.conftest import Run

OWNED = ("--owner", "net", "--expires", "90d")


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text("# ours\n.bank.example.com\ncard.example.com\nno name!\n")
    return path


def patterns(tlsight: Run) -> list[str]:
    lines = tlsight("bypass", "list", "--json").stdout.splitlines()
    return [json.loads(line)["pattern"] for line in lines]


def test_the_plan_is_shown_and_nothing_is_done_without_a_yes(tlsight: Run, listed: Path) -> None:
    words = ("bypass", "import", "e2guardian", listed, *OWNED)
    done = tlsight(*words)
    assert done.returncode == 2
    assert "there is nobody to ask; --dry-run shows the plan alone, --yes does it" in done.stderr
    assert f"{listed}:4: left out 'no name!'" in done.stderr
    done = tlsight(*words, "--dry-run")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == (
        "2 added, 0 changed, 0 removed, 0 there already, 1 left out"
    )
    assert patterns(tlsight) == []
    done = tlsight(*words, "--yes")
    assert done.stdout.splitlines()[-1] == "done; tlsight bypass undo 1 takes it back"
    assert len(patterns(tlsight)) == 2
    assert tlsight(*words, "--yes", "--strict").returncode == 1
    assert tlsight("bypass", "audit", "verify").returncode == 0


def test_a_person_is_asked(tlsight: Run, listed: Path, tmp_path: Path) -> None:
    tlsight("bypass", "list")
    for answer, code in (("n\n", 1), ("y\n", 0)):
        ours, theirs = pty.openpty()
        done = subprocess.Popen(
            [sys.executable, "-m", "detector", "bypass", "import", "e2guardian", listed, *OWNED,
             "--store", tmp_path / "asked.sqlite3"],
            stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.write(ours, answer.encode())
        _, said = done.communicate(timeout=60)
        os.close(ours)
        os.close(theirs)
        assert "Do it? [y/N]" in said
        assert done.returncode == code
        assert ("nothing was changed" in said) == (code == 1)


def test_what_must_not_pass_by_accident_refuses_the_whole_list(tlsight: Run, listed: Path) -> None:
    listed.write_text("bank.example.com\n.com\n.blob.core.windows.net\nwww.google.com\n")
    words = ("bypass", "import", "e2guardian", listed, *OWNED, "--yes")
    done = tlsight(*words)
    assert done.returncode == 2
    assert patterns(tlsight) == []
    for said in ("Strangers register names below com", "(canary)", "so nothing is done"):
        assert said in done.stderr
    assert tlsight(*words, "--force").returncode == 0
    assert len(patterns(tlsight)) == 4


def test_a_list_again_changes_what_it_says_and_nothing_else(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\nhost = "a.example.com"\nowner = "ann"\n')
    words = ("bypass", "import", "toml", path, "--yes")
    assert tlsight(*words, "--owner", "net", "--expires", "90d").returncode == 0
    done = tlsight(*words, "--owner", "other", "--expires", "30d")
    assert done.stdout == "0 added, 0 changed, 0 removed, 1 there already, 0 left out\n"
    path.write_text('[[rule]]\nhost = "a.example.com"\nowner = "bob"\nticket = "CHG-1"\n')
    done = tlsight(*words, "--owner", "net", "--expires", "90d")
    assert "~ a.example.com: owner ann -> bob, ticket  -> CHG-1" in done.stdout
    path.write_text(
        '[[rule]]\nhost = "a.example.com"\n[[rule]]\nhost="a.example.com"\naction="inspect"\n'
    )
    done = tlsight(*words, "--owner", "net", "--expires", "90d")
    assert done.returncode == 2
    assert "the list says pass and inspect" in done.stderr


def test_a_list_as_a_set_takes_away_what_it_does_not_have(tlsight: Run, listed: Path) -> None:
    tlsight("bypass", "import", "e2guardian", listed, *OWNED, "--yes")
    listed.write_text("card.example.com\nshop.example.com\n")
    words = ("bypass", "replace", "e2guardian", listed, *OWNED)
    plan = json.loads(tlsight(*words, "--dry-run", "--json").stdout)
    assert [one["pattern"] for one in plan["added"]] == [".shop.example.com"]
    assert len(plan["removed"]) == 1
    before = patterns(tlsight)
    assert tlsight(*words, "--yes").returncode == 0
    assert patterns(tlsight) == [".card.example.com", ".shop.example.com"]
    assert tlsight("bypass", "undo", "2").returncode == 0
    assert sorted(patterns(tlsight)) == sorted(before)


def test_the_plan_says_which_traffic_would_not_be_inspected_any_more(
    tlsight: Run, tmp_path: Path
) -> None:
    store, path = tmp_path / "seen.sqlite3", tmp_path / "rules.toml"
    now = datetime.now(UTC)
    with BypassStore(store, lambda: now) as opened:
        seen = [
            Attempt(
                at=now, host=host, port=443, client="10.0.0.1", side="client", outcome="accepted"
            )
            for host in ("www.bank.example.com", "card.example.com")
        ]
        opened.traffic.write(seen, [])
    path.write_text('[[rule]]\nsuffix = "bank.example.com"\n')
    words = ("bypass", "import", "toml", path, *OWNED, "--store", store)
    done = tlsight(*words, "--yes")
    said = (
        "of the last 30 days' traffic 1 name would not be inspected any more: www.bank.example.com"
    )
    assert said in done.stdout
    replace = ("bypass", "replace", "toml", "/dev/null", *OWNED, "--store", store, "--dry-run")
    done = tlsight(*replace)
    assert done.returncode == 2
    assert "everything would be removed" in done.stderr
    done = tlsight(*replace, "--force")
    assert "1 name would be inspected again: www.bank.example.com" in done.stdout


def test_decisions_are_looked_at_taken_back_and_prolonged(tlsight: Run, listed: Path) -> None:
    tlsight("bypass", "import", "e2guardian", listed, *OWNED, "--yes")
    assert tlsight("bypass", "renew", ".card.example.com", "--expires", "2030-01-01").stdout == (
        ".card.example.com until 2030-01-01\n"
    )
    history = [
        json.loads(line)
        for line in tlsight("bypass", "history", "card.example.com", "--json").stdout.splitlines()
    ]
    assert [one["action"] for one in history] == ["import", "renew"]
    done = tlsight("bypass", "undo", "1")
    assert done.returncode == 2
    assert "undo entry 2 first" in done.stderr
    assert tlsight("bypass", "undo", "2").returncode == 0
    assert tlsight("bypass", "undo", "1").returncode == 0
    assert patterns(tlsight) == []
    assert tlsight("bypass", "history", "nobody.example.com").returncode == 1


def test_a_list_in_use_elsewhere_is_compared_with_what_would_be_exported(
    tlsight: Run, tmp_path: Path
) -> None:
    live = tmp_path / "live.txt"
    add = ("--reason", "r", *OWNED)
    tlsight("bypass", "add", ".bank.example.com", *add)
    tlsight("bypass", "add", "www.other.example.net", *add, "--action", "inspect")
    live.write_text(tlsight("bypass", "export", "e2guardian").stdout)
    assert tlsight("bypass", "diff", "e2guardian", live).returncode == 0
    live.write_text("shop.example.com\n")
    done = tlsight("bypass", "diff", "e2guardian", live)
    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["+", ".bank.example.com"], ["-", ".shop.example.com"],
    ]  # fmt: skip


def test_hosts_that_a_mitmproxy_decrypts_alone_are_never_imported(
    tlsight: Run, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "allow_hosts:\n  - ^only\\.example:443$\ntcp_hosts:\n  - ^mqtt\\.example:8883$\n"
    )
    done = tlsight("bypass", "import", "mitmproxy", config, *OWNED, "--yes", "--strict")
    assert (done.returncode, done.stdout) == (
        1, "0 added, 0 changed, 0 removed, 0 there already, 2 left out\n",
    )  # fmt: skip
    assert "config.yaml:2: left out" in done.stderr
    assert "the inverse: mitmproxy decrypts these alone" in done.stderr
    assert "config.yaml:4: left out" in done.stderr
    assert patterns(tlsight) == []


def test_a_file_that_a_list_names_is_read_and_a_pipe_keeps_nobody_waiting(
    tlsight: Run, tmp_path: Path
) -> None:
    (tmp_path / "names").write_text(".bank.example.com\n")
    os.mkfifo(tmp_path / "pipe")
    conf = tmp_path / "squid.conf"
    conf.write_text(
        'acl a ssl::server_name "names"\nacl b ssl::server_name "pipe"\nacl c ssl::server_name "/etc/squid/gone"\n'
        "ssl_bump splice a\nssl_bump splice b\nssl_bump splice c\nssl_bump bump all\n"
    )
    done = tlsight("bypass", "import", "squid", conf, *OWNED, "--dry-run")
    assert "+ pass .bank.example.com" in done.stdout
    assert "no file" in done.stderr
    assert "no such file" in done.stderr.lower()
