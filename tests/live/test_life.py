"""A running mitmdump that looks at its rules again by itself, and says that they end: once, whatever is restarted."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from addons.bypass.rule import RuleRow
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import Run, running
from tests.live.waiting import until

pytestmark = pytest.mark.live


def told(proxy: Mitmdump, what: str) -> list[str]:
    """Lines of its log, once there is one."""
    until(lambda: any(what in line for line in proxy.lines), what, lambda: proxy.lines)
    return [line for line in proxy.lines if what in line]


def test_it_looks_at_the_rules_by_itself_and_says_once_that_one_ends(
    tlsight: Run, tmp_path: Path
) -> None:
    store = tmp_path / "b.sqlite3"
    pki = LabPki()
    (tmp_path / "root.pem").write_text(pki.root.pem)

    @asynccontextmanager
    async def world(name: str, recheck: int) -> AsyncGenerator[tuple[int, Mitmdump]]:
        settings = (f"bypass_store={store}", f"bypass_recheck={recheck}")
        async with (
            Origin({"localhost": pki.issue("localhost")}) as origin,
            Mitmdump(tmp_path / name, trust=tmp_path / "root.pem", scripts=(bypass_script(),),
                     settings=settings) as proxy,
        ):  # fmt: skip
            if not store.exists() or name == "a":
                with BypassStore(store, clock.now) as opened:
                    ends = clock.now().date() + timedelta(days=1)
                    made = clock.now().date() - timedelta(days=60)
                    about = {"owner": "net", "reason": "pinned", "created": made}
                    opened.add_rule(
                        RuleRow(host="localhost", port=origin.port, expires=ends, **about)
                    )
                    opened.add_rule(RuleRow(host="gone.invalid", **about))
            yield origin.port, proxy

    with running(world("a", 24)) as (port, proxy):
        assert told(proxy, "looked at the rules again: ")
        assert told(proxy, f"localhost:{port}, owned by net: It ends in 1 day")
        done = tlsight("bypass", "recheck", "--show", "--json", "--store", store)
        found = {one["pattern"]: one for one in map(json.loads, done.stdout.splitlines())}
        assert found["gone.invalid"]["reason"] == "gone"
        (server,) = found[f"localhost:{port}"]["servers"]
        assert server["answer"] == "completed"
        # It went past the proxy: nothing has passed by the rule, and nothing was attempted.
        assert found[f"localhost:{port}"]["probes"] == []
        assert '"connections":0' in tlsight("bypass", "list", "--json", "--store", store).stdout
        assert tlsight("bypass", "attempts", "--store", store).stdout == ""
        assert tlsight("bypass", "audit", "verify", "--store", store).returncode == 0
    with running(world("b", 24)) as (_, proxy):
        clock.sleep(6)
        assert not [line for line in proxy.lines if "It ends" in line or "looked at" in line]
        with BypassStore(store, clock.now) as opened:
            pattern = f"localhost:{port}"
            opened.renew_rule(pattern, clock.now().date() + timedelta(days=3), "still pinned")
        assert told(proxy, f"{pattern}, owned by net: It ends in 3 days")
