"""`tlsight bypass breaking`, `open` and `top` as an administrator runs them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from addons.bypass.attempt import Attempt
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Heartbeat, Passing, PassingNow
from addons.store.traffic import Passage
from detector import clock
from tests.cli.conftest import Run


def test_who_breaks_is_listed_with_who_must_act_and_the_exit_code_says_so(
    tlsight: Run, tmp_path: Path
) -> None:
    path, now = tmp_path / "b.sqlite3", clock.now()
    where = ("--store", path)
    with BypassStore(path, clock.now) as store:
        calm = tlsight("bypass", "breaking", *where)
        assert (calm.returncode, calm.stdout) == (0, "nothing breaks that did not before\n")
        passed = Passage(now - timedelta(hours=1), "bank.example", "bank.example", 10, 20, 1.0, 4)
        refused = [
            Attempt(now, "client", "bank.example", 443, f"10.0.0.{n % 2}", "failed", alert=48,
                    alert_by="client", bound=True)
            for n in range(6)
        ]  # fmt: skip
        store.traffic.write(refused, [passed])
    done = tlsight("bypass", "breaking", *where)
    assert done.returncode == 1
    assert done.stdout.startswith("bank.example  since ")
    assert "rule bank.example" in done.stdout
    assert "6 of 6 failed; 2 clients: 10.0.0.0, 10.0.0.1" in done.stdout
    assert "proxy: undo the change of the rule bank.example" in done.stdout
    (line,) = tlsight("bypass", "breaking", "--json", *where).stdout.splitlines()
    assert json.loads(line)["breaking"]["passed"] == 4
    assert tlsight("bypass", "breaking", "--clients", "3", *where).returncode == 0
    for since in ("2", "2x", "0h", "3d", "9999999h", "\u0662h"):
        wrong = tlsight("bypass", "breaking", "--since", since, *where)
        assert wrong.returncode == 2
        assert "--since" in wrong.stderr


def test_what_passes_now_and_what_passed_most_are_listed(tlsight: Run, tmp_path: Path) -> None:
    path, now = tmp_path / "b.sqlite3", clock.now()
    where = ("--store", path)
    with BypassStore(path, clock.now) as store:
        assert tlsight("bypass", "open", *where).stdout == "no proxy reads this store\n"
        assert tlsight("bypass", "top", *where).stdout == "nothing passed\n"
        one = Passing("10.0.0.1", "bank.example", ".example", now, 1234, 5)
        store.proxies.write(
            # As a clock a little ahead, so that it lasts longer.
            Heartbeat("a", "gw", 7, "0", "12", "observe", 1, None, now, clock.now() + timedelta(seconds=10),
                      passing=PassingNow(3, (one,)))
        )  # fmt: skip
        seen = tlsight("bypass", "open", *where).stdout
        assert "bank.example" in seen
        assert "1,234 up" in seen
        assert "and 2 more by pid 7 on gw" in seen
        store.traffic.write([], [Passage(now, "bank.example", ".example", 10, 2000, 1.0)])
    assert "2,010 bytes" in tlsight("bypass", "top", *where).stdout
    found = json.loads(tlsight("bypass", "top", "--json", *where).stdout)
    assert (found["host"], found["rules"]) == ("bank.example", [".example"])
