"""`--recover`: signers that were not sent are computed, and the work is shown on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from detector.cli.options import Option

if TYPE_CHECKING:
    from detector.cli.knowledge import HistoryOptions
    from detector.known.knowledge import Knowledge
    from detector.model.observation import Observation
    from detector.runs.signers import Progress

Recover = Annotated[
    bool,
    Option(
        "--recover",
        help="Compute RSA signers that were not sent, each from two leaves: about a minute of one core,"
        " once, for the history keeps them. Needs the extra 'recover'.",
        panel="What to compare with",
    ),
]


def recovered(
    known: Knowledge, observations: Iterable[Observation], earlier: HistoryOptions
) -> Knowledge:
    """`known` with the signers of the observations. Raises ConfigError without gmpy2."""
    from detector.runs.signers import with_signers

    with earlier.opened() as memory:
        return with_signers(known, observations, memory, progress())


def progress() -> Progress:
    """Lines on stderr; on a terminal the seconds as they pass."""
    from detector.cli.ending import say
    from detector.runs.signers import Progress

    class Told(Progress):
        def __init__(self) -> None:
            self.shown = -1

        def begin(self, hosts: tuple[str, str], bits: int, estimate: float) -> None:
            say(
                f"computing who signed for {hosts[0]} and {hosts[1]} (RSA, {bits} bits):"
                f" about {_seconds(estimate)}, Ctrl-C ends it"
            )

        def going(self, elapsed: float) -> None:
            if int(elapsed) > self.shown and sys.stderr.isatty():
                self.shown = int(elapsed)
                print(f"\r  {self.shown} s ", end="", file=sys.stderr, flush=True)

        def end(self, elapsed: float, outcome: str) -> None:
            if self.shown >= 0:
                print("\r", end="", file=sys.stderr)
            self.shown = -1
            say(f"{outcome}, after {_seconds(elapsed)}")

    return Told()


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"
