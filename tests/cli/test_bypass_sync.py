"""`tlsight bypass sync`: from two machines' shells, over a folder."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Heartbeat
from detector import clock
from tests.cli.conftest import Run

DECIDED = ("--owner", "net", "--reason", "decided", "--expires", "90d")


def test_a_list_goes_from_the_centres_shell_to_the_gateways_which_says_where_no_proxy_reads_it(
    tlsight: Run, tmp_path: Path
) -> None:
    shelf, ticket = tmp_path / "shelf", tmp_path / "north.json"
    shelf.mkdir()
    centre, north = ("--store", tmp_path / "c.sqlite3"), ("--store", tmp_path / "n.sqlite3")
    sync = ("bypass", "sync")
    assert tlsight("bypass", "add", "bank.example", *DECIDED, *centre).returncode == 0
    done = tlsight(*sync, "enrol", "north", "--shelf", shelf, "--out", ticket, *centre)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(ticket.stat().st_mode) == 0o600
    token = json.loads(ticket.read_text())["token"]
    assert token not in done.stdout + done.stderr
    done = tlsight(*sync, "once", "--enrolment", ticket, *north)
    assert (done.returncode, "the centre has not published a list yet" in done.stderr) == (1, True)
    assert tlsight(*sync, "once", "--shelf", shelf, *centre).stdout == (
        "list 1 is published; 0 batches taken\n"
    )
    done = tlsight(*sync, "once", "--enrolment", ticket, "--json", *north)
    assert (done.returncode, json.loads(done.stdout)["serial"]) == (0, 1)
    assert "no proxy reads this store, so nothing of it is in force" in done.stderr
    with BypassStore(tmp_path / "n.sqlite3", clock.now, "test") as store:
        now = clock.now()
        beat = now + timedelta(seconds=10)  # as a clock a little ahead: it lasts longer
        store.proxies.write(Heartbeat("1", "gw", 7, "0", "12", "auto", 1, None, now, beat))
    assert tlsight(*sync, "once", "--enrolment", ticket, *north).stderr == ""
    rules = tlsight("bypass", "list", "--json", *north).stdout.splitlines()
    assert [json.loads(line)["pattern"] for line in rules] == ["bank.example"]
    tlsight(*sync, "once", "--shelf", shelf, *centre)
    (told,) = tlsight(*sync, "status", "--json", *centre).stdout.splitlines()
    assert json.loads(told)["report"]["serial"] == 1
    assert "list 1 of 1" in tlsight(*sync, "status", *centre).stdout
    assert "list 1 in force" in tlsight(*sync, "status", *north).stdout
    assert tlsight(*sync, "revoke", "north", "--reason", "sold", *centre).returncode == 0
    done = tlsight(*sync, "leave", "--reason", "moved", *north)
    assert done.stdout == "1 rules of the centre's are gone; the gateway's own stay\n"
    (tmp_path / "shelf").rename(tmp_path / "away")
    assert tlsight(*sync, "once", "--enrolment", ticket, *north).returncode == 4


def test_what_makes_no_sense_is_one_line(tlsight: Run, tmp_path: Path) -> None:
    for words, said in (
        (("once",), "give --enrolment at a gateway, or --shelf at the centre"),
        (("once", "--enrolment", tmp_path / "none"), "is not there; make it at the centre"),
        (("enrol", "North", "--shelf", "x", "--out", "y"), "is no name of a gateway"),
        (("enrol", "north", "--shelf", "http://x", "--out", "y"), "goes over https:// alone"),
        (("revoke", "north", "--reason", "x"), "north: is no gateway"),
        (("leave", "--reason", "x"), "is no gateway's"),
    ):
        done = tlsight("bypass", "sync", *words, "--store", tmp_path / "s.sqlite3")
        assert done.returncode == 2, (words, done.stderr)
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
