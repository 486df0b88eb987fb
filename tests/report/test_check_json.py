"""The JSON contract: the schema in docs/ is the one the types give, and output obeys it."""

import json
from pathlib import Path

import msgspec
import pytest

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Failure
from detector.report.check_json import CheckRecord, encode
from detector.report.schema import TYPES, text
from tests.conftest import Observe

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", TYPES)
def test_the_schema_in_the_docs_is_current(name: str) -> None:
    assert (REFERENCE / f"{name}.schema.json").read_text() == text(name), "run make docs"


def test_a_record_has_the_contracts_fields(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    seen = [observe(h, (corporate.issue(h).der, corporate.der)) for h in ("a.com", "github.com")]
    line = encode(judge_all(seen, known)[0])
    assert b"\n" not in line
    found = json.loads(line)
    assert found["schema"] == "tlsight.check/1"
    assert found["at"].endswith("Z")
    assert found["target"]["host"] == "a.com"
    assert found["route"] == {"kind": "direct", "proxy": None}
    assert found["verdict"] == "intercepted"
    assert found["sanctioned"] is False
    assert found["chain"][0]["not_after"].endswith("Z")
    assert len(found["chain"][0]["spki_sha256"]) == 64
    assert found["interceptor"]["issuer"].startswith("CN=Example Corp CA")
    assert {"id", "points", "strength", "text", "details"} <= found["evidence"][0].keys()
    assert found["error"] is None


def test_every_kind_of_judgement_reads_back(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    seen = [
        observe("a.com", pki.issue("a.com")),
        observe("b.com", [b"junk"]),
        observe("c.com", [], handshake=None, failure=Failure("dns", "dns-failure", "x")),
    ]
    for judgement in judge_all(seen, known):
        record = msgspec.json.decode(encode(judgement), type=CheckRecord)
        assert record.verdict == judgement.verdict


def test_hostile_names_stay_inside_their_strings(known: Knowledge, observe: Observe) -> None:
    evil = Authority('x","verdict":"direct\n\x1b[2J', organization="\u202eevil")
    (found,) = judge_all([observe("a.com", [evil.der])], known)
    assert json.loads(encode(found))["verdict"] == "suspect"
