"""Nagios' and Icinga's plug-in output: one line, performance data behind a bar, a code of four. Pure.

The codes are theirs, not tlsight's own: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Over several hosts the worst counts, in
the order OK, UNKNOWN, WARNING, CRITICAL: an interception that is seen is not hidden by a host that is silent.

A range is the plug-ins' own: `10` is 0 to 10, `10:` 10 and more, `~:10` 10 and less, `5:10` between; outside of it there
is an alert, with `@` before it inside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from detector.chain.certificate import read_certificate
from detector.errors import CertificateError, ConfigError
from detector.model.harmless import harmless
from detector.model.observation import Judgement
from detector.model.targets import socket_text

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_ORDER = (OK, UNKNOWN, WARNING, CRITICAL)
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?"
_RANGE = re.compile(rf"(@?)(?:({_NUMBER}|~)?(:))?({_NUMBER})?", re.ASCII)
_MAX_LINE = 4000
_NAMED = 3
_DAY = 86_400


class Range(msgspec.Struct, frozen=True):
    """Where there is no alert; with `inside` where there is one."""

    text: str
    low: float
    high: float
    inside: bool = False

    def alerts(self, value: float) -> bool:
        return (self.low <= value <= self.high) == self.inside


class Finding(msgspec.Struct, frozen=True):
    """What one host, or one fact about an agent, comes to: a code and a few words."""

    code: int
    text: str


class Figure(msgspec.Struct, frozen=True):
    """Performance data: label, value, unit, and the ranges as they were given."""

    label: str
    value: float
    unit: str = ""
    warning: str = ""
    critical: str = ""


def parse_range(text: str, option: str) -> Range:
    """A range. Raises ConfigError."""
    found = _RANGE.fullmatch(text.strip())
    if found is None or (found[2] is None and found[4] is None):
        raise ConfigError(option, f"{text!r} is no range", remedy="write for example 14: or 5:10")
    low = 0.0 if found[2] is None else -math.inf if found[2] == "~" else float(found[2])
    high = math.inf if found[4] is None else float(found[4])
    if low > high:
        raise ConfigError(option, f"{text!r} ends before it begins")
    return Range(text.strip(), low, high, found[1] == "@")


def worst(codes: Iterable[int]) -> int:
    """OK where there is none."""
    return max(codes, key=_ORDER.index, default=OK)


def told(
    service: str, findings: Sequence[Finding], summary: str, figures: Sequence[Figure]
) -> tuple[int, str]:
    """Code and line. What is not OK stands first, the worst of it before all; `summary` where all is."""
    code = worst(one.code for one in findings)
    bad = sorted(
        (one for one in findings if one.code != OK), key=lambda one: -_ORDER.index(one.code)
    )
    words = "; ".join(one.text for one in bad[:_NAMED]) or summary
    if len(bad) > _NAMED:
        words += f"; and {len(bad) - _NAMED} more"
    # The bar ends the text, and Nagios takes some characters for a shell's.
    text = harmless(words).replace("|", "/")[:_MAX_LINE]
    data = " ".join(map(_figure, figures))
    return code, f"{service} {_WORDS[code]} - {text}" + (f" | {data}" if data else "")


def of_judgement(
    judgement: Judgement, now: datetime, *, allow_sanctioned: bool,
    warning: Range | None = None, critical: Range | None = None,
) -> Finding:  # fmt: skip
    """What a host comes to; the ranges are of the days until its leaf expires."""
    target = judgement.observation.target
    host = socket_text(target.host, target.port)
    if judgement.verdict == "inconclusive":
        return Finding(UNKNOWN, f"{host} {judgement.summary}")
    if judgement.verdict in ("intercepted", "suspect") and not (
        allow_sanctioned and judgement.sanctioned
    ):
        who = judgement.interceptor
        by = (who.product or who.engine or who.issuer) if who is not None else ""
        code = CRITICAL if judgement.verdict == "intercepted" else WARNING
        return Finding(
            code, f"{host} {judgement.verdict}{f' by {by}' if by else ''}: {judgement.summary}"
        )
    days = days_left(judgement, now)
    if days is not None:
        for code, limit in ((CRITICAL, critical), (WARNING, warning)):
            if limit is not None and limit.alerts(days):
                return Finding(code, f"{host} certificate expires in {days:.1f} days")
    return Finding(OK, f"{host} {judgement.verdict}")


def days_left(judgement: Judgement, now: datetime) -> float | None:
    """Until the leaf expires; None without one."""
    if not judgement.observation.chain:
        return None
    try:
        leaf = read_certificate(judgement.observation.chain[0])
    except CertificateError:
        return None
    return (leaf.not_after - now).total_seconds() / _DAY


def _figure(one: Figure) -> str:
    label = "".join(c for c in harmless(one.label) if c not in "'=|")
    value = str(int(one.value)) if one.value == int(one.value) else f"{one.value:.3f}"
    limits = f";{one.warning};{one.critical}".rstrip(";")
    return f"'{label}'={value}{one.unit}{limits}"
