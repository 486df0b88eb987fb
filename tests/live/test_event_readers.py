"""Other people's readers of the forms that events are written in: OCSF's own schema, Elastic's list of fields, a reader
of CEF. rsyslog reads the syslog in tests/live/test_sinks.py.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from msgspec import structs

from detector.report.event_facts import facts
from detector.report.event_forms import Form, form
from detector.report.event_json import EventRecord
from detector.report.event_ocsf import event_ocsf
from tests.agent.sample_events import finding, heartbeat, notice
from tests.live.programs import TOOLS
from tests.report.test_event_forms import NASTY, hostile

pytestmark = pytest.mark.live

EVENTS = (
    finding(1),
    hostile(NASTY, finding(2, "changed")),
    finding(3, "closed", what="trust"),
    structs.replace(finding(4, what="suspect"), sanctioned=True),
    finding(5, hosts=("[2001:db8::1]:443", "192.0.2.1:8443", "a.example:443")),
    structs.replace(finding(6), check=None, observation=None, network=None),
    heartbeat(7),
    notice(8, "events-lost", "siem"),
)  # fmt: skip


def read(name: str, lines: list[bytes]) -> list[dict[str, Any]]:
    python = TOOLS / "readers/bin/python"
    if not python.exists():
        raise FileNotFoundError("the readers are not installed; run scripts/programs.sh")
    done = subprocess.run(
        [str(python), "tests/live/readers/read.py", name],
        input=b"\0".join(lines), capture_output=True, check=True, cwd=TOOLS.parent,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def written(name: Form) -> list[bytes]:
    return [form(name)(event) for event in EVENTS]


def test_every_event_is_valid_by_ocsfs_own_schema() -> None:
    found = read("ocsf", written("ocsf"))
    assert [one["problems"] for one in found] == [[]] * len(EVENTS)
    assert [one["class"] for one in found] == ["detection_finding"] * 6 + ["base_event"] * 2


def test_ocsfs_schema_would_notice_a_mistake() -> None:
    event = event_ocsf(EVENTS[0])
    event["finding_info"].pop("uid")
    event["severity_id"] = 77
    ((one),) = read("ocsf", [json.dumps(event, default=str).encode()])
    assert len(one["problems"]) == 2


def test_every_field_is_one_of_the_elastic_common_schema_with_its_type_and_values() -> None:
    found = read("ecs", written("ecs"))
    assert [one["problems"] for one in found] == [[]] * len(EVENTS)
    assert found[0]["fields"]["tls.server.hash.sha256"].isupper()


def test_a_reader_of_cef_finds_every_fact_under_its_label() -> None:
    found = read("cef", written("cef"))
    labels = ("issuer", "product", "finding", "verdict", "network", "subject", "run", "about")

    def expected(event: EventRecord) -> dict[str, str]:
        known = facts(event)
        return {name: known[name] for name in labels if name in known}

    for event, got in zip(EVENTS, found, strict=True):
        assert got["DeviceProduct"] == "tlsight"
        assert got["externalId"] == event.id
        # It leaves escapes as they are.
        plain = {
            name: got[name].replace("\\=", "=").replace("\\\\", "\\")
            for name in labels if name in got
        }  # fmt: skip
        assert {n: v.strip() for n, v in plain.items()} == {
            n: v.strip() for n, v in expected(event).items()
        }
