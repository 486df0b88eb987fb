"""Results for a code scanner: SARIF 2.1.0 (OASIS), one run a file. Pure.

Rules
-----
1. A rule is listed once, in the order in which results first name it, and results point to it by its place too.
2. A result has a fingerprint that is the same for the same rule about the same target, whatever else has changed: so
   a scanner knows yesterday's result again (SARIF 3.27.17).
3. A target has no file, so its place is logical: host:port (3.33). Where it was read from a list, the list's line
   is its physical place too, without which some scanners take no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from detector.model.harmless import harmless
from detector.model.observation import Severity
from detector.version import __version__

if TYPE_CHECKING:
    from detector.report.gate import Case

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_FINGERPRINT = "tlsightTarget/v1"


class Rule(msgspec.Struct, frozen=True):
    """What a kind of result means, and what is done about it."""

    meaning: str
    remedy: str = ""


class Result(msgspec.Struct, frozen=True):
    """One result.

    Attributes:
        target: host:port, or "".
        path: file, as an absolute or relative path or in words, or "".
        line: of the file, counted from one.
        fingerprints: by their names.

    """

    rule: str
    level: Severity
    text: str
    fingerprints: Mapping[str, str]
    target: str = ""
    path: str = ""
    line: int | None = None


class Line(msgspec.Struct, frozen=True):
    """A place in a list of targets."""

    path: str
    line: int


def of_cases(cases: Iterable[Case], lines: Mapping[tuple[str, int], Line]) -> bytes:
    """Every remark about every target. `lines` has where targets (host, port) were read from."""
    rules: dict[str, Rule] = {}
    results: list[Result] = []
    for case in cases:
        read = lines.get((case.host, case.port))
        for remark in case.remarks:
            rules.setdefault(remark.rule, Rule(remark.meaning, remark.remedy))
            told = sha256(f"{remark.rule}\0{case.name}".encode()).hexdigest()
            results.append(
                Result(
                    remark.rule, remark.level, _said(case.name, remark.text, remark.remedy),
                    {_FINGERPRINT: told}, target=case.name,
                    path=read.path if read else "", line=read.line if read else None,
                )
            )  # fmt: skip
    return document(rules, results)


def document(rules: Mapping[str, Rule], results: Iterable[Result]) -> bytes:
    """The whole file. Every result's rule is among the rules."""
    places = {name: place for place, name in enumerate(rules)}
    driver = {
        "name": "tlsight",
        "version": __version__,
        "rules": [_rule(name, rule) for name, rule in rules.items()],
    }
    run = {"tool": {"driver": driver}, "results": [_result(one, places) for one in results]}
    return msgspec.json.encode({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _uri(path: str) -> str:
    """A path is no URI: a blank or a percent sign in it would end or change one (RFC 3986 section 2), and one that
    begins with a slash is to be no relative reference (SARIF 3.4.4).
    """
    quoted = quote(path, safe="/:@+,=~", errors="replace")
    return f"file://{quoted}" if quoted.startswith("/") else quoted


def _said(name: str, text: str, remedy: str) -> str:
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return harmless(" ".join(filter(None, (f"{name}: {ended}", remedy))))


def _rule(name: str, rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = {"id": name, "shortDescription": {"text": rule.meaning}}
    if rule.remedy:
        found["help"] = {"text": rule.remedy}
    return found


def _result(result: Result, places: Mapping[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if result.path:
        where: dict[str, Any] = {"artifactLocation": {"uri": _uri(result.path)}}
        if result.line:
            where["region"] = {"startLine": result.line}
        location["physicalLocation"] = where
    if result.target:
        name = harmless(result.target)
        logical = {"name": name, "fullyQualifiedName": name, "kind": "resource"}
        location["logicalLocations"] = [logical]
    return {
        "ruleId": result.rule,
        "ruleIndex": places[result.rule],
        "level": result.level,
        "message": {"text": result.text},
        "locations": [location] if location else [],
        "partialFingerprints": dict(result.fingerprints),
    }
