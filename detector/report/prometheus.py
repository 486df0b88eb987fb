"""Prometheus' text format, version 0.0.4: families of samples in, one text out. Pure.

A family has one HELP and one TYPE line before its samples, and no series is there twice: a scrape with two of the same
labels is refused as a whole. Values of labels may be anything that UTF-8 holds; here they are of unknown origin, so
what steers a terminal is replaced, and they are cut.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from detector.model.harmless import harmless

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MAX_LABEL = 1024
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
Labels = Mapping[str, str]


class Family(msgspec.Struct, frozen=True):
    """All samples of one name.

    Attributes:
        name: letters, digits and underscores.
        help: one line.
        samples: labels and value.

    """

    name: str
    help: str
    samples: tuple[tuple[Labels, float], ...]
    kind: Literal["gauge", "counter"] = "gauge"


def gauge(name: str, text: str, value: float | None, **labels: str) -> Family:
    """A family of one sample; of none where the value is None."""
    return Family(name, text, () if value is None else ((labels, float(value)),))


def exposition(families: Iterable[Family]) -> bytes:
    """The text; families without samples are left out, and so is a series that is there already."""
    return "".join(map(_family, families)).encode()


def _family(family: Family) -> str:
    rows: dict[str, float] = {}
    for labels, value in family.samples:
        rows.setdefault(_series(family.name, labels), value)
    if not rows:
        return ""
    said = family.help.replace("\\", r"\\").replace("\n", r"\n")
    head = f"# HELP {family.name} {said}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join(f"{series} {_number(value)}\n" for series, value in rows.items())


def _series(name: str, labels: Labels) -> str:
    for word in (name, *labels):
        if not _NAME.fullmatch(word):
            raise ValueError(f"{word!r} is no name of a metric or label")
    if not labels:
        return name
    return name + "{" + ",".join(f'{key}="{_label(value)}"' for key, value in labels.items()) + "}"


def _label(value: str) -> str:
    plain = harmless(value[:_MAX_LABEL])
    return plain.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
