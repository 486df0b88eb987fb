"""The trust audit for a program (JSON, schema tlsight.trust/1) and a code scanner (SARIF)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from detector.auditing.audit import secrets_out
from detector.auditing.model import (
    Finding,
    Level,
    Place,
    Root,
    Setting,
    Survey,
    ToolTrust,
    TrustAudit,
)
from detector.auditing.powers import key_strength, powers
from detector.report.sarif import Result, Rule, document

# What each rule means, for SARIF's list of rules.
RULES: dict[str, str] = {
    "published-key": "A trusted key whose private half is public",
    "interceptor-root": "A trusted root of a product that intercepts",
    "local-root": "A trusted root that no public program has",
    "weak-root": "A trusted key that can be broken",
    "expired-root": "A trusted root that is out of date",
    "malformed-root": "A trusted certificate that cannot be read",
    "unread-store": "A trust store that could not be read",
    "verification-off": "Certificate verification is turned off",
    "keys-logged": "Session keys are written to a file",
    "trust-missing": "A setting names certificates that are not there",
    "proxy-set": "Traffic goes through a proxy",
}


class RootRecord(msgspec.Struct, frozen=True):
    alias: str
    subject: str
    sha256: str
    spki_sha256: str
    key: str
    not_after: datetime
    added: datetime | None
    trusted_for: str
    can: str
    public: bool


class PlaceRecord(msgspec.Struct, frozen=True):
    kind: str
    path: str
    used_by: str
    count: int
    trouble: str | None
    roots: tuple[RootRecord, ...]


class TrustRecord(msgspec.Struct, frozen=True):
    """One audit. `roots` of a place are those that are not public, or all with --all."""

    at: datetime
    places: tuple[PlaceRecord, ...]
    tools: tuple[ToolTrust, ...]
    settings: tuple[Setting, ...]
    findings: tuple[Finding, ...]
    schema: Literal["tlsight.trust/1"] = "tlsight.trust/1"


def record(
    survey: Survey,
    findings: Sequence[Finding],
    tools: Sequence[ToolTrust],
    public: frozenset[str],
    *,
    everything: bool = False,
) -> TrustRecord:
    """The audit as the JSON contract has it. `public` holds SHA-256 of public roots."""
    return TrustRecord(
        at=survey.at,
        places=tuple(_place(place, public, everything=everything) for place in survey.places),
        tools=tuple(tools),
        settings=tuple(secrets_out(setting) for setting in survey.settings),
        findings=tuple(_clean(finding) for finding in findings),
    )


def audit_record(done: TrustAudit) -> TrustRecord:
    """The audit without the public roots."""
    return record(done.survey, done.findings, done.tools, done.public)


def sarif(findings: Sequence[Finding]) -> bytes:
    """SARIF 2.1.0 (OASIS), one result a finding, notes included."""
    rules = {name: Rule(text) for name, text in RULES.items()}
    results = [
        Result(
            finding.id,
            finding.level,
            f"{finding.text} {finding.remedy.capitalize()}".strip(),
            {"certificate": finding.sha256} if finding.sha256 else {},
            path=finding.path if finding.path.startswith("/") else finding.path.replace(" ", "-"),
            line=finding.line,
        )
        for finding in map(_clean, findings)
    ]
    return document(rules, results)


def _place(place: Place, public: frozenset[str], *, everything: bool) -> PlaceRecord:
    roots = tuple(_root(root, public) for root in place.roots)
    shown = roots if everything else tuple(root for root in roots if not root.public)
    return PlaceRecord(
        place.kind, place.path, place.used_by, len(place.roots), place.trouble, shown
    )


def _root(root: Root, public: frozenset[str]) -> RootRecord:
    certificate = root.certificate
    return RootRecord(
        alias=root.alias,
        subject=certificate.subject_text,
        sha256=certificate.sha256,
        spki_sha256=certificate.spki_sha256,
        key=key_strength(certificate)[0],
        not_after=certificate.not_after,
        added=root.added,
        trusted_for=root.usages,
        can=powers(certificate),
        public=certificate.sha256 in public,
    )


def _clean(finding: Finding) -> Finding:
    """Proxy settings may carry a password into a text."""
    if finding.id != "proxy-set" or "@" not in finding.text:
        return finding
    head, _, tail = finding.text.partition("://")
    level: Level = finding.level
    text = f"{head}://***@{tail.rpartition('@')[2]}"
    return Finding(finding.id, level, text, finding.remedy, finding.path, line=finding.line)
