"""Retired logs are those that a list once called usable, with the time from which they do not count."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from detector.knowledge.shipped import load_ct_logs
from detector.lab.ct_log import LabLog

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_ct_logs.py"
KEYS: dict[str, str] = {}


def entry(name: str, state: str | None, since: str = "", shard: str = "") -> dict[str, Any]:
    """A log as a list has it; `shard` is the year of the leaves that it takes."""
    key = KEYS.setdefault(name, base64.b64encode(LabLog(name).known().key).decode())
    digest = base64.b64encode(sha256(base64.b64decode(key)).digest()).decode()
    found: dict[str, Any] = {"description": name, "log_id": digest, "key": key, "url": "https://x/"}
    if state is not None:
        found["state"] = {state: {"timestamp": since}}
    if shard:
        start, end = f"{shard}-01-01T00:00:00Z", f"{int(shard) + 1}-01-01T00:00:00Z"
        found["temporal_interval"] = {"start_inclusive": start, "end_exclusive": end}
    return found


def a_list(path: Path, day: str, *logs: dict[str, Any]) -> Path:
    data: dict[str, Any] = {"version": "1", "operators": [{"name": "Op", "logs": list(logs)}]}
    if day:
        data["log_list_timestamp"] = f"{day}T00:00:00Z"
    path.write_text(json.dumps(data))
    return path


@pytest.fixture
def ends(tmp_path: Path) -> dict[str, str]:
    """What the script makes of three lists: name of each log, and its last day."""
    usable = ("usable", "2018-01-01T00:00:00Z")
    lists = (
        a_list(tmp_path / "today.json", "2026-08-20", entry("Of today", *usable)),
        a_list(
            tmp_path / "first.json", "",
            entry("Of today", *usable),
            entry("Forgotten", *usable),
            entry("Closed later", *usable),
            entry("Shard", *usable, shard="2021"),
            entry("Shard retired early", *usable, shard="2022"),
            entry("Shard over", "rejected", "2020-02-07T00:00:00Z", shard="2019"),
            entry("Shard refused", "rejected", "2018-11-05T00:00:00Z", shard="2018"),
            entry("Read only", "readonly", "2016-11-30T13:24:18Z"),
            entry("Refused", "rejected", "2015-01-27T00:00:00Z"),
            entry("Applied", "pending", "2020-02-12T00:00:00Z"),
            entry("Test", None),
        ),
        a_list(
            tmp_path / "second.json", "2022-04-29",
            entry("Closed later", "retired", "2022-01-24T00:00:00Z"),
            entry("Shard retired early", "retired", "2021-07-21T00:00:00Z", shard="2022"),
        ),
    )  # fmt: skip
    run = [sys.executable, str(SCRIPT), *map(str, lists)]
    made = tmp_path / "retired.json"
    made.write_bytes(subprocess.run(run, capture_output=True, check=True).stdout)
    logs = load_ct_logs(made).values()
    assert {log.state for log in logs} == {"retired"}
    return {log.name: str(log.distrusted and log.distrusted.date()) for log in logs}


def test_each_log_that_was_usable_ends_where_the_last_word_on_it_says(
    ends: dict[str, str],
) -> None:
    assert ends == {
        "Forgotten": "2020-05-30",
        "Closed later": "2022-01-24",
        "Shard": "2022-01-01",
        "Shard retired early": "2021-07-21",
        "Shard over": "2020-01-01",
        "Read only": "2016-11-30",
    }
