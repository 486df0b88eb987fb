"""`tlsight bypass prove`: what is asked for wrongly, and what is said without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ADD = ("--reason", "pinned app", "--owner", "network", "--expires", "90d")
NOBODY = ("--connect", "127.0.0.1:9", "--no-proxy", "--no-canaries")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no host; name hosts, or say --all"),
        (("--all",), "no rule passes anything"),
        (("a.example", "--ca", "nothing.pem"), "no certificate"),
        (("a.example", "--proxy", "gopher://x"), "proxy scheme 'gopher' is not known"),
        (("a host",), "is no host name"),
        (("-l", "nothing.txt"), "no such file of targets"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_exit_code_2(
    words: tuple[str, ...], said: str, tlsight: Run
) -> None:
    done = tlsight("bypass", "prove", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_ca_that_is_none_is_refused(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("nothing of that kind\n")
    done = tlsight("bypass", "prove", "a.example", "--ca", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "certificate" in done.stderr


def test_nobody_there_cannot_be_told(tlsight: Run) -> None:
    done = tlsight("bypass", "prove", "-", "--json", *NOBODY, stdin="a.example\n# no\nb.example\n")
    assert done.returncode == 3
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(one["schema"], one["host"], one["state"], one["reason"]) for one in found} == {
        ("tlsight.bypass-proof/1", host, "cannot-tell", "unreachable")
        for host in ("a.example", "b.example")
    }
    assert found[0]["direct"] is None
    assert found[0]["through"]["trouble"]["cause"] == "connection-refused"


def test_a_rule_that_names_no_host_is_told_and_asked_nobody_for(tlsight: Run) -> None:
    for pattern in (".bank.example", "a.example"):
        tlsight("bypass", "add", pattern, *ADD)
    done = tlsight("bypass", "prove", "--all", "--json", *NOBODY)
    found = {one["rule"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 3
    assert (found[".bank.example"]["reason"], found[".bank.example"]["host"]) == (
        "unprovable", None,
    )  # fmt: skip
    assert found["a.example"]["reason"] == "unreachable"
