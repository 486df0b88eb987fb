"""Explanations for a program: schema tlsight.explain/1."""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.messages.explaining import Answer, Explained, Explanation, Remedy
from detector.model.alerts import Likelihood
from detector.model.observation import Party
from detector.model.programs import SHELLS, Shell, line_for

CA, BUNDLE = "/path/to/ca.pem", "/path/to/public-roots-and-ca.pem"


class FixRecord(msgspec.Struct, frozen=True):
    party: Party
    text: str


class ExplainedCause(msgspec.Struct, frozen=True):
    id: str
    likelihood: Likelihood
    probability: float
    party: Party
    text: str
    identifiers: tuple[str, ...]
    signals: tuple[str, ...]
    tell_apart: str
    fix: tuple[FixRecord, ...]
    references: tuple[str, ...]


class Tool(msgspec.Struct, frozen=True):
    """The program that wrote the message, "" where the text does not show something."""

    id: str
    name: str
    version: str
    library: str
    platform: str


class SettingRecord(msgspec.Struct, frozen=True):
    """What mends a cause in the tool. `lines` has it by shell; with `file`, the lines are that file's."""

    cause: str
    program: str
    text: str
    file: str
    lines: dict[Shell, str]


class ObeyedRecord(msgspec.Struct, frozen=True):
    """A setting that the tool obeys, the strongest first."""

    program: str
    key: str
    effect: str


class FailureRecord(msgspec.Struct, frozen=True):
    """One failure in the text. `lines` are first and last line of each time that it is told, counted from 1."""

    causes: tuple[ExplainedCause, ...]
    tool: Tool | None
    host: str | None
    port: int | None
    proxy: str | None
    hosts: tuple[str, ...]
    lines: tuple[tuple[int, int], ...]
    times: int
    settings: tuple[SettingRecord, ...]
    obeyed: tuple[ObeyedRecord, ...]


class ExplainRecord(msgspec.Struct, frozen=True):
    """A text with its failures. `causes` are those of the first, the likeliest first."""

    text: str
    causes: tuple[ExplainedCause, ...]
    failures: tuple[FailureRecord, ...]
    schema: Literal["tlsight.explain/1"] = "tlsight.explain/1"


def explain_record(explained: Explained) -> ExplainRecord:
    """The JSON contract."""
    failures = tuple(_failure(one) for one in explained.answers)
    return ExplainRecord(explained.text, failures[0].causes if failures else (), failures)


def _failure(one: Answer) -> FailureRecord:
    return FailureRecord(
        causes=tuple(_cause(cause) for cause in one.causes),
        tool=_tool(one),
        host=one.host,
        port=one.port,
        proxy=one.proxy,
        hosts=one.hosts,
        lines=one.lines,
        times=one.times,
        settings=tuple(_setting(remedy) for remedy in one.remedies),
        obeyed=tuple(
            ObeyedRecord(program.id, setting.key, setting.effect)
            for program in one.programs[:2]
            for setting in program.setting
        ),
    )


def _cause(one: Explanation) -> ExplainedCause:
    return ExplainedCause(
        id=one.cause.id,
        likelihood=one.likelihood,
        probability=one.probability,
        party=one.cause.party,
        text=one.cause.text,
        identifiers=one.identifiers,
        signals=one.signals,
        tell_apart=one.tell_apart,
        fix=tuple(FixRecord(party, text) for party, text in one.cause.advice),
        references=one.cause.references,
    )


def _tool(one: Answer) -> Tool | None:
    if not one.speaker and not one.library:
        return None
    name = one.programs[0].name if one.programs else one.speaker
    return Tool(one.speaker, name, one.version, one.library, one.platform)


def _setting(remedy: Remedy) -> SettingRecord:
    fix = remedy.fix
    lines = {shell: line for shell in SHELLS if (line := line_for(fix, shell, CA, BUNDLE))}
    return SettingRecord(remedy.cause, remedy.program.id, fix.text, fix.file, lines)
