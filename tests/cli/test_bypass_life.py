"""The life of a rule as an administrator sees it on the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import vobject

from detector import clock
from tests.cli.conftest import Run

ABOUT = ("--reason", "pinned app", "--owner", "network")


def add(tlsight: Run, host: str, expires: str, *more: str) -> None:
    assert tlsight("bypass", "add", host, *ABOUT, "--expires", expires, *more).returncode == 0


def day(number: int) -> str:
    return (clock.now().date() + timedelta(days=number)).isoformat()


def test_due_says_what_ends_and_exits_with_one(tlsight: Run) -> None:
    assert tlsight("bypass", "due").returncode == 0
    assert tlsight("bypass", "due").stdout == "nothing ends within 14d\n"
    add(tlsight, "soon.bank.com", "3d")
    add(tlsight, "later.bank.com", "90d")
    done = tlsight("bypass", "due")
    assert done.returncode == 1
    assert f"{day(3)}         ends in 3 days     pass     soon.bank.com" in done.stdout
    assert "network: renew it, or let it end; its hosts are inspected from then on" in done.stdout
    assert "later" not in done.stdout
    assert "later" in tlsight("bypass", "due", "--within", "90d").stdout
    assert tlsight("bypass", "due", "--owner", "others").returncode == 0


def test_due_as_json_has_whose_it_is_and_what_its_end_means(tlsight: Run) -> None:
    add(tlsight, "soon.bank.com", "1d", "--ticket", "T-1")
    (line,) = tlsight("bypass", "due", "--json").stdout.splitlines()
    found = json.loads(line)
    assert (found["schema"], found["stage"], found["days"]) == (
        "tlsight.bypass-due/1",
        "expiring",
        1,
    )
    assert (found["owner"], found["ticket"], found["last_day"]) == ("network", "T-1", day(1))


def test_due_as_a_calendar_is_one_that_others_read(tlsight: Run) -> None:
    add(tlsight, "soon.bank.com", "3d")
    first = tlsight("bypass", "due", "--ics", "--within", "400d")
    assert first.returncode == 0
    (event,) = vobject.readOne(first.stdout).vevent_list
    assert event.summary.value == "Bypass rule ends: pass soon.bank.com"
    assert tlsight("bypass", "renew", "soon.bank.com", "--expires", "90d").returncode == 0
    (later,) = vobject.readOne(
        tlsight("bypass", "due", "--ics", "--within", "400d").stdout
    ).vevent_list
    assert later.uid.value == event.uid.value
    assert (event.sequence.value, later.sequence.value) == ("1", "2")
    assert later.dtstart.value - event.dtstart.value == timedelta(days=87)


def test_a_rule_of_the_file_is_due_too(tlsight: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[[rule]]\nhost = "hand.bank.com"\nexpires = {day(2)}\n')
    done = tlsight("bypass", "due", "--rules", rules)
    assert "nobody owns it: an approver: renew it" in done.stdout


def test_a_length_of_time_that_is_none_is_told(tlsight: Run) -> None:
    for words in (("due", "--within", "soon"), ("due", "--within", "99999d"), ("report", "--since", "x"),
                  ("recheck", "--if-older", "7")):  # fmt: skip
        done = tlsight("bypass", *words)
        assert done.returncode == 2, words
        assert "write 14d, 12h or 30m" in done.stderr
    assert tlsight("bypass", "due", "--ics", "--json").returncode == 2


def test_the_list_shows_the_stage_of_each_rule(tlsight: Run) -> None:
    add(tlsight, "soon.bank.com", "3d")
    add(tlsight, "later.bank.com", "90d")
    add(tlsight, "over.bank.com", "90d")
    assert tlsight("bypass", "expire", "over.bank.com").returncode == 0
    found = {
        one["pattern"]: one
        for one in map(json.loads, tlsight("bypass", "list", "--json").stdout.splitlines())
    }
    assert {name: one["stage"] for name, one in found.items()} == {
        "soon.bank.com": "expiring", "later.bank.com": "approved", "over.bank.com": "ended",
    }  # fmt: skip
    assert f"until {day(3)}, ends in 3 days" in tlsight("bypass", "list").stdout


def test_recheck_keeps_what_it_found_and_a_timer_asks_again_only_when_it_is_old(
    tlsight: Run,
) -> None:
    add(tlsight, "gone.invalid", "90d")
    assert tlsight("bypass", "recheck", "--show").stdout == ""
    done = tlsight("bypass", "recheck", "--timeout", "2", "--evidence")
    assert done.returncode == 1
    assert "now-breaks       gone.invalid" in done.stdout
    assert "no connection in 30 days, and nothing before" in done.stdout
    entries = tlsight("bypass", "audit", "list").stdout
    again = tlsight("bypass", "recheck", "--if-older", "7d", "--json")
    assert (again.returncode, json.loads(again.stdout)["reason"]) == (1, "gone")
    assert tlsight("bypass", "audit", "list").stdout == entries  # nobody was asked
    (shown,) = tlsight("bypass", "recheck", "--show", "--json").stdout.splitlines()
    assert json.loads(shown) == json.loads(again.stdout)


def test_a_password_of_the_proxy_is_not_kept(tlsight: Run) -> None:
    add(tlsight, "gone.invalid", "90d")
    proxy = "http://ann:secret@127.0.0.1:9"
    assert tlsight("bypass", "recheck", "--proxy", proxy, "--timeout", "1").returncode in (1, 3)
    assert "secret" not in tlsight("bypass", "audit", "list", "--json").stdout


def test_a_report_says_who_approved_and_whether_the_trail_holds(
    tlsight: Run, tmp_path: Path
) -> None:
    add(tlsight, "soon.bank.com", "3d", "--ticket", "T-1")
    add(tlsight, "later.bank.com", "90d")
    assert tlsight("bypass", "remove", "later.bank.com", "--reason", "moved").returncode == 0
    done = tlsight("bypass", "report", "--owner", "network")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Exceptions from inspection owned by network, ")
    assert "  ticket    T-1" in lines
    assert any("approved  by" in line and "entry 1 (add)" in line for line in lines)
    assert any("remove" in line and "later.bank.com" in line for line in lines)
    page = tmp_path / "report.html"
    assert tlsight("bypass", "report", "--html", page).returncode == 0
    assert "soon.bank.com" in page.read_text()
    found = json.loads(tlsight("bypass", "report", "--json", "--owner", "nobody else").stdout)
    assert (found["schema"], found["rules"]) == ("tlsight.bypass-report/1", [])


def test_a_report_does_not_overwrite_the_store(tlsight: Run, tmp_path: Path) -> None:
    store = tmp_path / "b.sqlite3"
    add(tlsight, "soon.bank.com", "3d", "--store", str(store))
    done = tlsight("bypass", "report", "--store", store, "--html", store)
    assert done.returncode == 2
    assert "is read itself" in done.stderr
