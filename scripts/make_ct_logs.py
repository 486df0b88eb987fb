"""Write detector/data/ct_logs.json and ct_logs_retired.json: the facts a judge needs of CT logs.

    python scripts/make_ct_logs.py all_logs_list.json > detector/data/ct_logs.json
    python scripts/make_ct_logs.py all_logs_list.json OLD... > detector/data/ct_logs_retired.json

The list must have been verified before: `openssl dgst -sha256 -verify log_list_pubkey.pem
-signature all_logs_list.sig all_logs_list.json`. Expired shards stay, so that old chains still judge.

OLD are earlier lists in the same schema, oldest first, each named for where it is from: ctutlz's
really_all_logs.json, and components/certificate_transparency/data/log_list.json of Chromium's sources
(Debian has them as chromium and qt6-webengine). What the official list has no more is written with the
time from which its SCTs do not count:

- as the last list that names the log says (read-only, retired);
- for a shard the end of its interval at the latest: no leaf that it may log is valid by then;
- for others that were usable in the last list that names them, the day of that list: nobody here knows
  what became of them.

Logs that no list ever called usable are left out: test logs, and those whose application was refused.
"""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

SOURCE = "https://www.gstatic.com/ct/log_list/v3/all_logs_list.json"
KEPT = ("description", "log_id", "key", "url", "monitoring_url", "state", "temporal_interval")
TRUSTED = {"qualified", "usable", "readonly", "retired"}
ENDED = {"readonly", "retired"}
# ctutlz's file bears no date: that of its release.
UNDATED = datetime(2020, 5, 30, tzinfo=UTC)


def main(path: str, *old: str) -> None:
    data = json.loads(Path(path).read_bytes())
    if old:
        write_list(*retired(data, [Path(name) for name in old]))
        return
    head = [("source", SOURCE)] + [(k, data[k]) for k in ("version", "log_list_timestamp")]
    operators = [
        (entry["name"], entry["logs"] + entry.get("tiled_logs", [])) for entry in data["operators"]
    ]
    write_list(head, operators)


def write_list(
    head: list[tuple[str, Any]], operators: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head]
    text = ",\n".join(operator(name, logs) for name, logs in operators)
    print("{", *lines, ' "operators": [', text, " ]", "}", sep="\n")


def operator(name: str, logs: list[dict[str, Any]]) -> str:
    inside = ",\n".join(f"   {log(item)}" for item in logs)
    return f'  {{"name": {json.dumps(name)}, "logs": [\n{inside}\n  ]}}'


def log(item: dict[str, Any]) -> str:
    return json.dumps({key: item[key] for key in KEPT if key in item})


def retired(
    today: dict[str, Any], old: list[Path]
) -> tuple[list[tuple[str, Any]], list[tuple[str, list[dict[str, Any]]]]]:
    """Head and operators of the list of what the official one has no more."""
    known = {item["log_id"] for _, item in logs_of(today)}
    last: dict[str, tuple[str, dict[str, Any], datetime]] = {}
    trusted: set[str] = set()
    for path in old:
        data = json.loads(path.read_bytes())
        day = moment(data["log_list_timestamp"]) if "log_list_timestamp" in data else UNDATED
        for name, item in logs_of(data):
            last[item["log_id"]] = name, item, day
            if set(item.get("state", ())) & TRUSTED or outlived(item):
                trusted.add(item["log_id"])
    operators: dict[str, list[dict[str, Any]]] = {}
    for log_id, (name, item, day) in last.items():
        if log_id in trusted and log_id not in known:
            state = {"retired": {"timestamp": written(end_of(item, day))}}
            operators.setdefault(name, []).append(item | {"state": state})
    head = [("source", [path.stem for path in old]), ("version", "retired")]
    return head, sorted(operators.items())


def logs_of(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (entry["name"], item | {"log_id": identity(item)})
        for entry in data["operators"]
        for item in entry["logs"] + entry.get("tiled_logs", [])
    ]


def identity(item: dict[str, Any]) -> str:
    return base64.b64encode(sha256(base64.b64decode(item["key"])).digest()).decode()


def outlived(item: dict[str, Any]) -> bool:
    """A shard that was rejected when its interval was over, as all are, and had a turn before."""
    end, rejected = interval_end(item), item.get("state", {}).get("rejected")
    return bool(end and rejected and moment(rejected["timestamp"]) >= end)


def end_of(item: dict[str, Any], day: datetime) -> datetime:
    (state, change), *_ = item["state"].items()
    shard = interval_end(item)
    if state in ENDED:
        end = moment(change["timestamp"])
        return min(end, shard) if shard else end
    return shard or day


def interval_end(item: dict[str, Any]) -> datetime | None:
    interval = item.get("temporal_interval")
    return moment(interval["end_exclusive"]) if interval else None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main(*sys.argv[1:])
