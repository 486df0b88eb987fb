"""Exit codes, and how verdicts turn into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.model.observation import Judgement

CLEAN = 0
FOUND = 1
USAGE = 2
INCONCLUSIVE = 3
ENVIRONMENT = 4  # a file cannot be written, the disk is full, and everything unexpected

# From the best to the worst; `--fail-on` names the first that counts.
LEVELS = ("direct", "private", "consistent", "suspect", "intercepted")


def demand_level(fail_on: str) -> None:
    """Raises ConfigError for a --fail-on that is no verdict which could count."""
    from detector.errors import ConfigError

    if fail_on not in LEVELS[1:]:
        raise ConfigError("--fail-on", f"{fail_on!r} is none of {', '.join(LEVELS[1:])}")


def exit_code(
    judgement: Judgement, fail_on: str = "suspect", allow_sanctioned: bool = False
) -> int:
    """The code of one judgement."""
    if judgement.verdict == "inconclusive":
        return INCONCLUSIVE
    if allow_sanctioned and judgement.sanctioned:
        return CLEAN
    return FOUND if LEVELS.index(judgement.verdict) >= LEVELS.index(fail_on) else CLEAN


def worst(first: int, second: int) -> int:
    """Over several targets: 1 over 3 over 0; a usage error in a list over 3 and 0."""
    order = (CLEAN, INCONCLUSIVE, USAGE, FOUND, ENVIRONMENT)
    return max(first, second, key=order.index)
