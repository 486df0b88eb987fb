"""SARIF as scanners take it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from detector.report.gate import Case, Remark
from detector.report.sarif import Line, Result, Rule, document, of_cases

AT = datetime(2026, 11, 30, tzinfo=UTC)
EXPIRED = Remark("certificate-expired", "It has expired.", "error", "It expired today", "Renew it.")


def case(host: str, *remarks: Remark) -> Case:
    return Case(f"{host}:443", AT, "failed", "x", "", "", 0.0, host, 443, remarks)


def run(document: bytes) -> dict[str, Any]:
    (found,) = json.loads(document)["runs"]
    assert isinstance(found, dict)
    return found


def test_a_rule_is_listed_once_and_results_point_to_it() -> None:
    other = Remark("self-signed", "It signed itself.", "warning", "It is its own issuer.")
    found = run(of_cases([case("a.test", EXPIRED, other), case("b.test", EXPIRED)], {}))
    rules = found["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["certificate-expired", "self-signed"]
    assert rules[0] == {
        "id": "certificate-expired",
        "shortDescription": {"text": "It has expired."},
        "help": {"text": "Renew it."},
    }
    told = [(r["ruleId"], r["ruleIndex"], r["level"]) for r in found["results"]]
    assert told == [
        ("certificate-expired", 0, "error"),
        ("self-signed", 1, "warning"),
        ("certificate-expired", 0, "error"),
    ]


def test_a_target_is_a_logical_place_and_says_its_name() -> None:
    (result,) = run(of_cases([case("a.test", EXPIRED)], {}))["results"]
    assert result["message"]["text"] == "a.test:443: It expired today. Renew it."
    (place,) = result["locations"]
    assert place == {
        "logicalLocations": [
            {"name": "a.test:443", "fullyQualifiedName": "a.test:443", "kind": "resource"}
        ]
    }


def test_a_target_of_a_list_stands_at_its_line() -> None:
    lines = {("a.test", 443): Line("ci/my hosts.txt", 7)}
    (result,) = run(of_cases([case("a.test", EXPIRED)], lines))["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "ci/my%20hosts.txt"}, "region": {"startLine": 7},
    }  # fmt: skip


def test_an_absolute_path_is_a_file_uri() -> None:
    rules = {"r": Rule("It is.")}
    (result,) = run(document(rules, [Result("r", "note", "t", {}, path="/etc/a b#c")]))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "file:///etc/a%20b%23c"


def test_fingerprints_stay_while_texts_change_and_differ_by_rule_and_target() -> None:
    def prints(*cases: Case) -> list[str]:
        return [
            r["partialFingerprints"]["tlsightTarget/v1"]
            for r in run(of_cases(cases, {}))["results"]
        ]

    later = Remark("certificate-expired", "It has expired.", "error", "It expired yesterday")
    other = Remark("self-signed", "It signed itself.", "warning", "x")
    assert prints(case("a.test", EXPIRED)) == prints(case("a.test", later))
    assert len(set(prints(case("a.test", EXPIRED, other), case("b.test", EXPIRED)))) == 3


def test_names_of_a_peer_steer_no_reader() -> None:
    evil = Remark("self-signed", "It signed itself.", "warning", "\x1b[31m\u202eevil")
    (result,) = run(of_cases([case("a.test", evil)], {}))["results"]
    assert result["message"]["text"].isprintable()
