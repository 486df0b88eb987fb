"""JSON Schemas of what the product prints, generated from its types.

python -m detector.report.schema docs/reference
"""

from __future__ import annotations

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from detector.ct.issuance import IssuanceLookup
from detector.judging.answer import Answer
from detector.judging.path_answer import PathAnswer
from detector.knowledge.policy import PolicyFile
from detector.model.observation import Observation
from detector.report.agent_json import AgentStatusRecord
from detector.report.check_json import CheckRecord
from detector.report.diagnose_json import DiagnoseRecord
from detector.report.doctor_json import DoctorRecord
from detector.report.echo_json import EchoRecord
from detector.report.event_json import EventRecord
from detector.report.explain_json import ExplainRecord
from detector.report.grade_json import GradeRecord
from detector.report.logs_json import LogsRecord
from detector.report.pcap_connection_json import PcapConnectionRecord
from detector.report.pcap_json import PcapRecord, SummaryRecord
from detector.report.trust_fix_json import TrustFixRecord
from detector.report.trust_json import TrustRecord
from detector.report.trust_remove_json import TrustRemoveRecord
from detector.report.trust_why_json import TrustWhyRecord
from detector.report.watch_path_json import NetworksRecord

TYPES: dict[str, type] = {
    "answer": Answer,
    "check": CheckRecord,
    "diagnose": DiagnoseRecord,
    "doctor": DoctorRecord,
    "echo": EchoRecord,
    "observation": Observation,
    "ct": IssuanceLookup,
    "event": EventRecord,
    "agent": AgentStatusRecord,
    "explain": ExplainRecord,
    "grade": GradeRecord,
    "logs": LogsRecord,
    "pcap": PcapRecord,
    "pcap-connection": PcapConnectionRecord,
    "pcap-summary": SummaryRecord,
    "trust": TrustRecord,
    "trust-why": TrustWhyRecord,
    "trust-fix": TrustFixRecord,
    "trust-remove": TrustRemoveRecord,
    "watch-path": PathAnswer,
    "watch-path-networks": NetworksRecord,
    "policy": PolicyFile,
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one output."""
    found = _dedented(msgspec.json.schema(TYPES[name]))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _dedented(value: Any) -> Any:
    """Descriptions without the source's indentation, which Python keeps before 3.13."""
    if isinstance(value, list):
        return [_dedented(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: cleandoc(one) if key == "description" and isinstance(one, str) else _dedented(one)
        for key, one in value.items()
    }


def text(name: str) -> str:
    return msgspec.json.format(msgspec.json.encode(schema(name)), indent=2).decode() + "\n"


def main(folder: str) -> None:
    for name in TYPES:
        Path(folder, f"{name}.schema.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
