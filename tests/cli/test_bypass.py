"""`tlsight bypass` as an administrator runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ADD = ("--reason", "pinned app", "--owner", "network", "--expires", "90d")


def test_the_script_is_a_file_for_mitmdump(tlsight: Run) -> None:
    path = Path(tlsight("bypass", "script").stdout.strip())
    assert path.is_file()
    assert "addons = [" in path.read_text()


def test_a_rule_is_added_listed_explained_tested_and_removed(tlsight: Run, tmp_path: Path) -> None:
    rules = ("--rules", tmp_path / "rules.toml")
    assert (
        tlsight("bypass", "add", ".bank.example.com", *ADD, *rules).stdout
        == "pass .bank.example.com\n"
    )
    stricter = ("login.bank.example.com", *ADD, "--action", "inspect")
    assert tlsight("bypass", "add", *stricter, *rules).returncode == 0
    assert len(tlsight("bypass", "list", *rules).stdout.splitlines()) == 2
    done = tlsight("bypass", "explain", "login.bank.example.com", *rules)
    assert done.stdout.splitlines()[0] == "login.bank.example.com:443  inspect"
    assert "decides; pinned app" in done.stdout
    passed = ("bypass", "test", "www.bank.example.com", "login.bank.example.com", *rules)
    done = tlsight(*passed)
    assert (done.returncode, done.stdout) == (1, "login.bank.example.com: inspect, not pass\n")
    assert tlsight("bypass", "remove", "login.bank.example.com", *rules).returncode == 0
    assert tlsight(*passed).returncode == 0


def test_what_no_rule_names_is_inspected(tlsight: Run) -> None:
    done = tlsight("bypass", "explain", "a.com", "--json")
    assert json.loads(done.stdout) == {"host": "a.com", "action": "inspect", "considered": []}


def test_lint_fails_for_errors_and_strictly_for_warnings(tlsight: Run, tmp_path: Path) -> None:
    rules = ("--rules", tmp_path / "rules.toml")
    done = tlsight("bypass", "add", ".dropbox.com", *ADD, *rules)
    assert "warning: dropbox.com is file sharing" in done.stderr
    assert tlsight("bypass", "lint", *rules).returncode == 0
    assert tlsight("bypass", "lint", "--strict", *rules).returncode == 1
    tlsight("bypass", "add", ".co.uk", *ADD, *rules)
    done = tlsight("bypass", "lint", "--json", *rules)
    assert done.returncode == 1
    assert {json.loads(line)["id"] for line in done.stdout.splitlines()} == {
        "risky-category", "public-suffix",
    }  # fmt: skip


def test_rules_are_exported_and_what_cannot_be_said_is_told(tlsight: Run, tmp_path: Path) -> None:
    rules = ("--rules", tmp_path / "rules.toml")
    tlsight("bypass", "add", "bank.example.com", *ADD, *rules)
    tlsight("bypass", "add", "10.0.0.0/24", *ADD, *rules)
    done = tlsight("bypass", "export", "squid", *rules)
    assert done.returncode == 0
    assert "acl tlsight_0_splice ssl::server_name bank.example.com" in done.stdout
    assert "left out 10.0.0.0/24: the list is of names" in done.stderr
    assert tlsight("bypass", "export", "--strict", "mitmproxy", *rules).returncode == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "a b", *ADD), "no host name"),
        (("add", "a.com", *ADD[:4], "--expires", "soon"), "'soon' is no day"),
        (("add", "a.com"), "Missing option"),
        (("remove", "a.com"), "check the path"),
        (("export", "nonsense"), "'nonsense' is none of mitmproxy, squid"),
        (("explain", "a b"), "no host name"),
        (("list", "--rules", "/nonexistent.toml"), "No such file"),
    ],
)
def test_mistakes_are_one_line_and_code_two(
    tlsight: Run, words: tuple[str, ...], says: str
) -> None:
    done = tlsight("bypass", *words)
    assert done.returncode == 2, done.stdout
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
