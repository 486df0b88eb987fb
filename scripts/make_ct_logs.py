"""Write detector/data/ct_logs.json from the official list of CT logs: the facts a judge needs.

    python scripts/make_ct_logs.py all_logs_list.json > detector/data/ct_logs.json

The list must have been verified before: `openssl dgst -sha256 -verify log_list_pubkey.pem
-signature all_logs_list.sig all_logs_list.json`. Expired shards stay, so that old chains still judge.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SOURCE = "https://www.gstatic.com/ct/log_list/v3/all_logs_list.json"
KEPT = ("description", "log_id", "key", "url", "monitoring_url", "state", "temporal_interval")


def main(path: str) -> None:
    data = json.loads(Path(path).read_bytes())
    head = [("source", SOURCE)] + [(k, data[k]) for k in ("version", "log_list_timestamp")]
    lines = [f" {json.dumps(k)}: {json.dumps(v)}," for k, v in head]
    operators = ",\n".join(operator(entry) for entry in data["operators"])
    print("{", *lines, ' "operators": [', operators, " ]", "}", sep="\n")


def operator(entry: dict[str, Any]) -> str:
    logs = [log(item) for item in entry["logs"] + entry.get("tiled_logs", [])]
    inside = ",\n".join(f"   {text}" for text in logs)
    return f'  {{"name": {json.dumps(entry["name"])}, "logs": [\n{inside}\n  ]}}'


def log(item: dict[str, Any]) -> str:
    return json.dumps({key: item[key] for key in KEPT if key in item})


if __name__ == "__main__":
    main(sys.argv[1])
