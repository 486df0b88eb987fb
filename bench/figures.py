"""Figures of a run: kept as JSON, and compared with those of an earlier run.

A figure is noted where it is printed. Machines differ, so ratios against a peer of the same run are compared
first of all; what got worse by more than the figure's own noise is marked.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

SCHEMA = "tlsight.bench/1"


@dataclass(frozen=True)
class Figure:
    """One measured value; `noise` is the share by which it differs between runs of the same code."""

    name: str
    value: float
    better: Literal["lower", "higher"]
    noise: float = 0.1

    def worse_than(self, before: float) -> bool:
        """Whether it is worse by more than its noise."""
        if self.better == "lower":
            return self.value > before * (1 + self.noise)
        return self.value < before * (1 - self.noise)


class Figures:
    """All figures of one run, in the order in which they were measured."""

    def __init__(self) -> None:
        self.all: list[Figure] = []

    def note(
        self, name: str, value: float, better: Literal["lower", "higher"], noise: float = 0.1
    ) -> None:
        self.all.append(Figure(name, value, better, noise))

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {
            "schema": SCHEMA,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "figures": [asdict(figure) for figure in self.all],
        }
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    def compared(self, before: Mapping[str, float]) -> tuple[list[str], int]:
        """A line a figure: before, now, ratio, its noise, and whether it got worse; and how many did."""
        lines = [f"{'figure':54}{'before':>10}{'now':>10}{'ratio':>8}{'noise':>7}"]
        worse = 0
        for figure in self.all:
            old = before.get(figure.name)
            noise = f"{figure.noise:7.0%}"
            if old is None:
                lines.append(f"{figure.name:54}{'-':>10}{figure.value:10.4g}{'-':>8}{noise}")
                continue
            mark = ""
            if figure.worse_than(old):
                worse += 1
                mark = "  WORSE"
            ratio = figure.value / old if old else float("nan")
            lines.append(
                f"{figure.name:54}{old:10.4g}{figure.value:10.4g}{ratio:8.2f}{noise}{mark}"
            )
        return lines, worse


def earlier(path: Path) -> dict[str, float]:
    """The figures of an earlier run. Raises SystemExit for a file that no run wrote."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            raise ValueError(f"schema {record['schema']!r}")
        return {row["name"]: float(row["value"]) for row in record["figures"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"bench: {path} is no file of figures: {error}") from None


FIGURES = Figures()
