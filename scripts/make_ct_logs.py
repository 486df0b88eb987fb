"""Write detector/data/ct_logs.toml from the official list of CT logs.

    python scripts/make_ct_logs.py all_logs_list.json > detector/data/ct_logs.toml

The list must have been verified before: `openssl dgst -sha256 -verify log_list_pubkey.pem
-signature all_logs_list.sig all_logs_list.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TRUSTED = ("usable", "qualified", "readonly")


def main(path: str) -> None:
    data = json.loads(Path(path).read_bytes())
    print("# CT logs: facts of the official list, https://www.gstatic.com/ct/log_list/v3/")
    print(f"# all_logs_list.json version {data['version']} of {data['log_list_timestamp']}.")
    print(
        "# Written by scripts/make_ct_logs.py; expired shards stay, so that old chains still judge."
    )
    print(f'version = "{data["version"]}"')
    print(f"timestamp = {data['log_list_timestamp']}")
    for operator in data["operators"]:
        for log in operator["logs"] + operator.get("tiled_logs", []):
            print(row(operator["name"], log))


def row(operator: str, log: dict[str, Any]) -> str:
    state, change = next(iter(log.get("state", {"pending": {}}).items()))
    name = log["description"]
    lines = ["", "[[log]]", f"name = {json.dumps(name)}", f"operator = {json.dumps(operator)}"]
    lines += [f'id = "{log["log_id"]}"', f'key = "{log["key"]}"', f'state = "{state}"']
    interval = log.get("temporal_interval")
    if interval:
        lines.append(f"start = {interval['start_inclusive']}")
        lines.append(f"end = {interval['end_exclusive']}")
    if state not in TRUSTED and "timestamp" in change:
        lines.append(f"distrusted = {change['timestamp']}")
    if "Deneb" in name:
        lines.append("redacts = true")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1])
