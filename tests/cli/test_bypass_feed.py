"""`tlsight bypass feed` as an administrator runs it."""

from __future__ import annotations

import json
from pathlib import Path

from detector.lab.answer import Answer, Request
from detector.lab.pki import LabPki
from detector.lab.web import Web
from tests.cli.conftest import Run, running

FEED = ("bypass", "feed")


def test_a_vendors_names_wait_are_looked_at_accepted_explained_and_removed(tlsight: Run) -> None:
    done = tlsight(*FEED, "add", "apple", "--owner", "network")
    assert done.returncode == 0
    assert "rules wait: changes wait for a person" in done.stdout
    assert tlsight("bypass", "test", "gs.apple.com").returncode == 1
    shown = tlsight(*FEED, "diff", "apple", "--all")
    assert shown.returncode == 1
    assert "+ pass     gs.apple.com" in shown.stdout
    digest = shown.stdout.split()[-1]
    assert tlsight(*FEED, "accept", "apple", "--digest", "0" * 16).returncode == 2
    assert tlsight(*FEED, "accept", "apple", "--digest", digest).returncode == 0
    assert tlsight("bypass", "test", "gs.apple.com").returncode == 0
    said = tlsight("bypass", "explain", "gs.apple.com").stdout
    assert "decides; feed apple: Apple: devices are set up and activated" in said
    assert "feed apple, shipped, number 2026" in said
    assert "beneath  feed apple:" in tlsight("bypass", "list").stdout
    assert tlsight(*FEED, "diff", "apple").stdout == "apple: nothing waits\n"
    assert tlsight("bypass", "audit", "verify").returncode == 0
    assert tlsight(*FEED, "remove", "apple", "--reason", "moved").returncode == 0
    assert tlsight("bypass", "test", "gs.apple.com").returncode == 1


def test_a_rule_of_ones_own_comes_first_in_explain_test_and_export(
    tlsight: Run, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("a.vendor.example\nb.partner.example\n.com\n")
    assert tlsight(*FEED, "add", names, "--owner", "net").returncode == 0
    assert tlsight(*FEED, "accept", "names").returncode == 0
    about = ("--reason", "r", "--owner", "o", "--expires", "90d")
    tlsight("bypass", "add", ".vendor.example", *about, "--action", "inspect")
    done = tlsight("bypass", "test", "a.vendor.example", "b.partner.example")
    assert done.stdout == "a.vendor.example: inspect, not pass\n"
    told = json.loads(tlsight("bypass", "explain", "a.vendor.example", "--json").stdout)
    assert [one["feed"][:10] for one in told["considered"]] == ["", "feed names"]
    out = tlsight("bypass", "export", "umbrella", "--strict")
    exported = tlsight("bypass", "export", "squid").stdout
    assert "b.partner.example" in exported
    assert "a.vendor.example" not in exported
    assert out.returncode == 1
    assert "left out .com" in tlsight(*FEED, "show", "names").stdout


def test_names_of_a_services_customers_are_told_and_taken_only_where_that_is_meant(
    tlsight: Run, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("a.vendor.example\n.sharepoint.com\n")
    done = tlsight(*FEED, "add", names, "--owner", "net")
    assert "1 rules wait" in done.stdout
    assert "1 left out, as .sharepoint.com: sharepoint.com is a service where" in done.stdout
    assert tlsight(*FEED, "set", "names", "--shared").returncode == 0
    assert "2 rules wait" in tlsight(*FEED, "update", "names").stdout
    assert tlsight(*FEED, "accept", "names").returncode == 0
    assert tlsight("bypass", "test", "corp.sharepoint.com").returncode == 0
    assert tlsight(*FEED, "set", "names", "--no-shared").returncode == 0
    assert "1 rules wait" in tlsight(*FEED, "update", "names").stdout
    assert tlsight("bypass", "audit", "verify").returncode == 0


def test_who_asks_only_to_be_let_out_is_no_feed(tlsight: Run) -> None:
    done = tlsight(*FEED, "add", "aws", "--owner", "net")
    assert done.returncode == 2
    assert "does not ask that nobody inspects" in done.stderr
    listed = tlsight(*FEED, "sources").stdout
    assert "allow-only" in listed
    rows = [json.loads(line) for line in tlsight(*FEED, "sources", "--json").stdout.splitlines()]
    assert {"machine", "shipped", "allow-only"} == {row["kind"] for row in rows}


def test_what_makes_no_sense_is_said_in_one_line(tlsight: Run, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("a.vendor.example\n")
    cases: list[tuple[tuple[object, ...], str]] = [
        (("add", "nothing", "--owner", "x"), "no list that is known"),
        (("add", "http://a.example/", "--owner", "x"), "no https:// URL"),
        (("add", names, "--owner", "x", "--format", "cobol"), "none of"),
        (("add", names, "--owner", "x", "--name", "../x"), "no name"),
        (("add", names, "--owner", "x", "--when-stale", "later"), "none of keep, end"),
        (("add", names, "--owner", "x", "--key", names), "no Ed25519"),
        (("add", "apple", "--owner", "x", "--name", "y"), "stand in tlsight itself"),
        (("update", "nothing"), "is no feed here"),
        (("update", "--file", names), "name it"),
        (("show", "nothing"), "is no feed here"),
        (("accept", "nothing"), "is no feed here"),
        (("remove", "nothing"), "is no feed here"),
        (("set", "nothing"), "is no feed here"),
    ]
    for words, why in cases:
        done = tlsight(*FEED, *words)
        assert done.returncode == 2, words
        assert why in done.stderr, words
        assert len(done.stderr.splitlines()) == 1, words
    assert tlsight(*FEED, "list").stdout == ""


def test_a_list_at_a_url_is_kept_updated_and_its_trouble_told(
    tlsight: Run, world: LabPki, tmp_path: Path
) -> None:
    lines = ["a.vendor.example"]

    def answer(request: Request) -> Answer:
        assert request.target == "/list?token=secret"
        return Answer("\n".join(lines).encode(), status=200 if lines else 503)

    roots = ("--roots", tmp_path / "root.pem", "--timeout", "5")
    with running(Web(world.issue("127.0.0.1"), answer)) as web:
        url = f"https://127.0.0.1:{web.port}/list?token=secret"
        options = ("--owner", "net", "--name", "ours", "--auto", "1", "--max-age", "7")
        added = tlsight(*FEED, "add", url, *options, *roots)
        assert added.returncode == 0
        assert tlsight(*FEED, "accept", "ours").returncode == 0
        lines.append("b.vendor.example")
        assert tlsight(*FEED, "update", *roots).stdout == "ours: 2 rules in force\n"
        lines.append(".vendor.example")
        assert (
            ".vendor.example is new and a whole domain" in tlsight(*FEED, "update", *roots).stdout
        )
        linted = tlsight("bypass", "lint", "--json").stdout
        assert "feed-waiting" in linted
        assert tlsight(*FEED, "set", "ours", "--no-auto", "--when-stale", "end").returncode == 0
        lines.clear()
        done = tlsight(*FEED, "update", "ours", *roots)
    assert done.returncode == 1
    assert "the 2 rules in force stay" in done.stderr
    shown = tlsight(*FEED, "show", "ours")
    assert "secret" not in shown.stdout + added.stdout + done.stderr
    assert "then its rules end" in shown.stdout
    (one,) = (json.loads(line) for line in tlsight(*FEED, "list", "--json").stdout.splitlines())
    assert (one["name"], one["accepted"]["count"], one["stale"]) == ("ours", 2, False)
    assert "503" in one["trouble"]


def test_a_machine_without_internet_takes_a_list_from_a_file(tlsight: Run, tmp_path: Path) -> None:
    sets = tmp_path / "m365.json"
    sets.write_text(json.dumps([{"id": 1, "urls": ["outlook.cloud.microsoft"], "tcpPorts": "443",
                                 "category": "Optimize"}]))  # fmt: skip
    closed = ("--proxy", "http://127.0.0.1:9", "--timeout", "1")
    done = tlsight(*FEED, "add", "m365", "--owner", "net", *closed)
    assert done.returncode == 1
    assert "m365" in done.stderr
    done = tlsight(*FEED, "update", "m365", "--file", sets)
    assert done.stdout == "m365: 1 rules wait: changes wait for a person\n"
    assert tlsight(*FEED, "accept", "m365").returncode == 0
    assert tlsight("bypass", "test", "outlook.cloud.microsoft").returncode == 0
