"""Other people's readers of the forms that events are written in; started with the Python they are installed for.

read.py FORM < lines: one line of JSON for each, what the reader made of it; `problems` where it found any.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any


def ocsf(line: str) -> object:
    import jsonschema

    event = json.loads(line)
    schema = _ocsf_schema(event["metadata"]["version"])
    name = schema.lookup_class_name_from_uid(event["class_uid"])
    rules = schema.get_class_schema(name, profiles=event["metadata"]["profiles"])
    found = jsonschema.Draft202012Validator(rules).iter_errors(event)
    return {"class": name, "problems": [f"{e.json_path}: {e.message}"[:300] for e in found]}


def cef(line: str) -> object:
    import pycef

    return pycef.parse(line)


def ecs(line: str) -> object:
    """Against the schema's flat list of fields, as Elastic publishes it for Node."""
    fields = _elastic_fields()
    flat: dict[str, object] = {}

    def walk(prefix: str, value: object) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                walk(f"{prefix}.{key}" if prefix else key, one)
        else:
            flat[prefix] = value

    walk("", json.loads(line))
    problems = []
    for name, value in flat.items():
        if name.startswith("tlsight."):
            continue
        if name not in fields:
            problems.append(f"{name}: no field")
            continue
        field = fields[name]
        is_list = "array" in field["normalize"]
        if is_list != isinstance(value, list):
            problems.append(f"{name}: a list or none")
        allowed = [one["name"] for one in field.get("allowed_values", [])]
        for each in value if isinstance(value, list) else [value]:
            if allowed and each not in allowed:
                problems.append(f"{name}: {each}")
            kind = {"long": int, "boolean": bool, "float": (int, float)}.get(field["type"], str)
            if not isinstance(each, kind):
                problems.append(f"{name}: {each!r} is no {field['type']}")
    event = json.loads(line)["event"]
    for category in fields["event.category"]["allowed_values"]:
        if category["name"] in event["category"]:
            wrong = set(event["type"]) - set(category["expected_event_types"])
            problems += [f"event.type {one} with {category['name']}" for one in wrong]
    return {"fields": flat, "problems": problems}


@cache
def _ocsf_schema(version: str) -> Any:
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))


@cache
def _elastic_fields() -> dict[str, dict[str, Any]]:
    module = Path(__file__).parents[3] / ".tools/readers/npm/node_modules/@elastic/ecs"
    script = (
        f"const {{EcsFlat}} = require({str(module / 'generated/ecs_flat.js')!r});"
        "console.log(JSON.stringify(EcsFlat))"
    )
    done = subprocess.run(["node", "-e", script], stdout=subprocess.PIPE, check=True)
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def main() -> None:
    read = {"ocsf": ocsf, "cef": cef, "ecs": ecs}[sys.argv[1]]
    for line in sys.stdin.buffer.read().split(b"\0"):
        print(json.dumps(read(line.decode("utf-8"))))


if __name__ == "__main__":
    main()
