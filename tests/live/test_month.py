"""A month of two administrators: import, approve, trial, expiry, renew, recheck, undo, backup, restore.

The weeks that lie behind are played on the store with the clock of their day; today is played with the command, a real
mitmdump, and clients that really pin.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from addons.bypass.change import StaleError
from addons.bypass.due import due, nearing
from addons.bypass.learning import Candidate
from addons.bypass.rule import RuleRow
from addons.bypass.scope import narrowest
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from addons.store.traffic import Passage
from detector import clock
from detector.errors import ConfigError
from detector.lab.bypass_scenes import HOST, OTHER, Stage
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import Run, running
from tests.live.waiting import until as until_it_is

pytestmark = pytest.mark.live
TAX, VENDOR, WIDE = "tax.office-vendor.com", "api.office-vendor.com", ".update-vendor.com"
LEGACY = "legacy.office-vendor.com"
COMMAND = ("--reason", "pinned app", "--owner", "network")


def the_weeks_before(store: Path, today: datetime) -> None:
    """Thirty days on their own clock: the table of rules and its trail are made by the store alone."""
    at = [today - timedelta(days=30)]

    def as_(who: str) -> BypassStore:
        return BypassStore(store, lambda: at[0], who)

    with as_("ann") as ann:  # the first day: a list of the gateway that was there before
        ends = today.date() + timedelta(days=2)
        about = {"owner": "network", "created": at[0].date()}
        rows = [
            RuleRow(host=TAX, reason="pinned app", expires=ends, **about),  # type: ignore[arg-type]
            RuleRow(
                host=VENDOR,
                reason="from the old gateway",
                expires=ends + timedelta(days=200),
                **about,
            ),  # type: ignore[arg-type]
        ]
        assert ann.import_rules(rows, "e2guardian: sslexceptions") == (2, [])

        at[0] += timedelta(
            days=1
        )  # a server that cannot be decrypted is tried out, and the trial ends by itself
        candidate = Candidate(LEGACY, "upstream-mtls", 3.0, ("10.0.0.1",), at[0], at[0], "It asks.")
        ann.propose(candidate)
        ann.try_out(candidate, narrowest(candidate), at[0] + timedelta(minutes=30))
        assert f"{LEGACY}:443" in {one.rule.pattern for one in ann.rules()}
        at[0] += timedelta(minutes=31)
        assert f"{LEGACY}:443" not in {one.rule.pattern for one in ann.rules()}
        ann.reject(LEGACY, "its owner gives us a certificate")

        at[0] += timedelta(days=1)  # a wide one needs two people
        ann.draft_rule(
            RuleRow(suffix=WIDE[1:], owner="clients", reason="updates", created=at[0].date())
        )
        assert WIDE not in {one.rule.pattern for one in ann.rules()}
        with pytest.raises(ConfigError, match="same person"):
            ann.approve_draft(WIDE, by_another=True)
    with as_("bob") as bob:
        bob.approve_draft(WIDE, by_another=True)

    with as_("ann") as ann, as_("bob") as bob:  # two at once: what the second saw is no longer so
        at[0] += timedelta(days=3)
        seen = ann.placed()[WIDE]
        bob.renew_rule(WIDE, today.date() + timedelta(days=90), "until the next review")
        with pytest.raises(StaleError, match="expires"):
            ann.change("remove", WIDE, [_removal(WIDE, seen)], {"why": "too wide"})
        with pytest.raises(StaleError, match="undo entry"):
            ann.undo(_number(ann, "approve-draft"), "too wide")

    with as_("mitmproxy addon") as proxy:  # the app of the tax office is used, the vendor's is not
        seen_days = range(1, 25)
        used = [
            Passage(today - timedelta(days=n), TAX, TAX, 9_000, 80_000, 4.0, 3) for n in seen_days
        ]
        proxy.traffic.write([], used)
        at[0] = today - timedelta(days=13)
        assert nearing(proxy.rules(), at[0]) == {14: 0, 3: 0, 1: 0}
        at[0] = today - timedelta(days=12)
        assert [one.rule.pattern for one in due(proxy.rules(), at[0])] == [TAX]


def _removal(pattern: str, seen: Any) -> Any:
    from addons.bypass.change import Change

    return Change(pattern, seen, None)


def _number(store: BypassStore, action: str) -> int:
    return next(one.number for one in store.audit() if one.action == action)


def test_a_month_of_two_administrators(tlsight: Run, tmp_path: Path) -> None:
    store = tmp_path / "bypass.sqlite3"
    the_weeks_before(store, clock.now())
    pki = LabPki()
    trust = tmp_path / "root.pem"
    trust.write_text(pki.root.pem)
    pin = ""
    loop: list[asyncio.AbstractEventLoop] = []

    @asynccontextmanager
    async def world() -> AsyncGenerator[Stage]:
        nonlocal pin
        loop.append(asyncio.get_running_loop())
        async with (
            Origin({host: pki.issue(host) for host in (HOST, OTHER)}) as origin,
            NameServer.here((HOST, OTHER)) as names,
            Mitmdump(
                tmp_path / "mitm", trust=trust, scripts=(bypass_script(),),
                settings=("bypass_mode=suggest", f"bypass_store={store}", f"bypass_resolver={names.at}"),
            ) as proxy,
        ):  # fmt: skip
            stage = Stage(tmp_path, pki, origin, proxy, store)
            ca = (proxy.folder / "mitmproxy-ca-cert.pem").read_text()
            stage.trusted.write_text(ca + pki.root.pem)
            pin = await stage.pin()
            yield stage

    def ok(*words: object, code: int = 0) -> str:
        done = tlsight("bypass", *words, "--store", store)
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    with running(world()) as stage:

        def clients(host: str, key: str | None) -> str:
            return asyncio.run_coroutine_threadsafe(stage.clients(host, key), loop[0]).result(60)

        def until(wanted: str, host: str, key: str | None) -> str:
            return _until(lambda: clients(host, key), wanted)

        # The proxy and the calendar say that a rule ends; it is renewed, and its history stays.
        ending = f"{TAX}, owned by network: It ends in 2 days"
        assert ending in _until(lambda: "\n".join(stage.proxy.lines), ending)
        assert f"ends in 2 days     pass     {TAX}" in ok("due", code=1)
        ok("renew", TAX, "--expires", "365d", "--reason", "the app still pins")
        ok("due")
        told = ok("history", TAX)
        assert "import" in told
        assert "renew" in told

        # An app breaks, is found, approved, and works.
        assert clients(OTHER, None) == "200, 200"
        for _ in range(4):
            assert clients(HOST, pin) == "refused, refused"
        assert _until(lambda: ok("candidates"), HOST)
        rule = f"{HOST}:{stage.origin.port}"
        assert ok("approve", HOST, *COMMAND, "--expires", "30d") == f"pass {rule}\n"
        assert until("200, 200", HOST, pin) == "200, 200"
        assert until("200, 200", OTHER, None) == "200, 200"

        # Which rules are needed? Nobody is asked twice within a week.
        clock.sleep(2)
        found = _by_pattern(ok("recheck", "--timeout", "30", "--json", code=1))
        assert found[TAX]["use"]["connections"] == 72
        assert (found[VENDOR]["state"], found[VENDOR]["reason"]) != ("needed", "used")
        assert found[rule]["use"]["connections"] == 2
        assert _by_pattern(ok("recheck", "--if-older", "7d", "--json", code=1)) == found

        # A list that says too much comes in, and is taken back whole.
        exceptions = tmp_path / "list.txt"
        exceptions.write_text(f"{OTHER}\nwww.other-vendor.com\n")
        done = ok("import", "e2guardian", exceptions, "--owner", "x", "--expires", "30d", "--yes")
        number = done.split("undo ")[1].split()[0]
        ok("test", OTHER, "www.other-vendor.com")
        assert (
            ok("undo", number, "--reason", "not ours")
            == f"undone: 2 rules as before entry {number}\n"
        )
        ok("test", OTHER, "www.other-vendor.com", "--expect", "inspect")
        ok("test", TAX)

        # The store is copied while the proxy writes it; then somebody makes a mistake, and it is put back.
        copy = tmp_path / "copy.backup"
        ok("backup", copy)
        ok("remove", rule, "--reason", "by mistake")
        ok("renew", WIDE, "--expires", "1d", "--reason", "by mistake")
        assert until("refused, refused", HOST, pin) == "refused, refused"
        ok("restore", copy, "--reason", "two mistakes", "--yes")
        assert until("200, 200", HOST, pin) == "200, 200"
        ok("due")

        # Whoever audits it sees all of it, and that nobody has changed it.
        ok("audit", "verify")
        report = json.loads(ok("report", "--json"))
        assert report["trail"]["holds"]
        rules = {one["pattern"]: one for one in report["rules"]}
        assert set(rules) == {TAX, VENDOR, WIDE, rule}
        assert rules[WIDE]["decisions"][0]["by"] == "ann"
        assert [
            one["by"] for one in rules[WIDE]["decisions"] if one["action"] == "approve-draft"
        ] == ["bob"]
        assert rules[TAX]["traffic"]["connections"] == 72
        assert rules[rule]["traffic"]["connections"] >= 4


def _until(say: Callable[[], str], wanted: str) -> str:
    """What is said once it is what is wanted."""
    told: list[str] = []

    def is_said() -> bool:
        told.append(say())
        return wanted in told[-1]

    until_it_is(is_said, wanted, lambda: told[-1])
    return told[-1]


def _by_pattern(lines: str) -> dict[str, Any]:
    return {one["pattern"]: one for one in map(json.loads, lines.splitlines())}
