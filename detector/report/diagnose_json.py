"""Diagnoses for a program: schema tlsight.diagnose/1, one object a line."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.model.inquiry import Diagnosis, FoundCause, Outcome, Step, Trial
from detector.report.check_json import CheckRecord, RouteRecord, TargetRecord, check_record
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.suites import suite_name


class TrialRecord(msgspec.Struct, frozen=True):
    outcome: Outcome
    size: int
    version: str | None
    cipher: str | None
    group: str | None
    alpn: str | None
    alert: str | None
    ms: float


class SuitesRecord(msgspec.Struct, frozen=True):
    """Suites of one version in the order of the server's preference."""

    version: str
    preference: Literal["server", "client"]
    suites: tuple[str, ...]


class DiagnoseRecord(msgspec.Struct, frozen=True):
    """One diagnosed target."""

    schema: Literal["tlsight.diagnose/1"]
    at: datetime
    target: TargetRecord
    route: RouteRecord
    healthy: bool
    steps: tuple[Step, ...]
    causes: tuple[FoundCause, ...]
    flips: tuple[str, ...]
    trials: dict[str, TrialRecord]
    addresses: dict[str, TrialRecord]
    resumption: Literal["resumed", "full", "failed"] | None
    verdict: CheckRecord
    suites: tuple[SuitesRecord, ...] = ()
    unfinished: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def encode(diagnosis: Diagnosis) -> bytes:
    """One line of JSON without its end."""
    return msgspec.json.encode(diagnose_record(diagnosis))


def diagnose_record(diagnosis: Diagnosis) -> DiagnoseRecord:
    inquiry = diagnosis.inquiry
    verdict = check_record(diagnosis.judgement)
    return DiagnoseRecord(
        schema="tlsight.diagnose/1",
        at=verdict.at,
        target=verdict.target,
        route=verdict.route,
        healthy=diagnosis.healthy,
        steps=diagnosis.steps,
        causes=diagnosis.causes,
        flips=diagnosis.flips,
        trials={name: _trial(trial) for name, trial in inquiry.trials.items()},
        addresses={name: _trial(trial) for name, trial in inquiry.addresses.items()},
        resumption=inquiry.resumption,
        verdict=verdict,
        suites=tuple(
            SuitesRecord(
                r.version_name(found.version),
                "server" if found.server_prefers else "client",
                tuple(map(suite_name, found.suites)),
            )
            for found in inquiry.suites
        ),
        unfinished=inquiry.unfinished,
        refused=diagnosis.refused,
    )


def _trial(trial: Trial) -> TrialRecord:
    return TrialRecord(
        outcome=trial.outcome,
        size=trial.size,
        version=r.version_name(trial.version) if trial.version is not None else None,
        cipher=suite_name(trial.cipher) if trial.cipher is not None else None,
        group=r.group_name(trial.group) if trial.group is not None else None,
        alpn=trial.alpn,
        alert=alert_name(trial.alert) if trial.alert is not None else None,
        ms=trial.ms[1],
    )
