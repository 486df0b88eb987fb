"""How likely each cause is, from what was found and what stands around it: log-odds, added up. Pure.

Rules
-----
1. A text gives each of its causes the log-odds of its likelihood, less a step for each that stands before it. Words of
   everyday life give less, texts that only name possibilities less still.
2. Of several texts that lead to a cause the strongest counts, the others a little: they are mostly the same fact in other
   words.
3. Where a text of TLS's own names its cause, generic ones and numbers are left out: they say nothing then.
4. All ways in which a client does not trust a chain are candidates as soon as one of them is: which of them it is, the
   circumstances tell better than the words.
5. Signals add what signals.toml says.
6. Probabilities are the softmax over the candidates and "something else".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from detector.messages.table import ErrorTable, Signal
from detector.model.alerts import Likelihood, Meaning

# Ways in which a chain leads to no root that the client trusts.
NOT_TRUSTED = ("tls-intercepted", "untrusted-root", "incomplete-chain", "self-signed")
_LEAST = (
    0.02  # what is less likely is left out; and less likely than that where nothing speaks for it:
)
_UNTOLD = 0.1
_LIKELY, _POSSIBLE = 1.1, 2.6  # distance from the best, in log-odds


class Clue(msgspec.Struct, frozen=True):
    """A known text that was found.

    Attributes:
        told: what was found, for a person.
        everyday: it counts only because something of TLS stands near.
        generic: it only names possibilities.
        number: it is a number of who passes on what a library said, not the library's own words.

    """

    told: str
    meanings: tuple[Meaning, ...]
    everyday: bool = False
    generic: bool = False
    number: bool = False


def is_not_trusted(clue: Clue) -> bool:
    """Whether it says that a chain is not trusted."""
    return clue.meanings[0].cause in NOT_TRUSTED


class Weighed(msgspec.Struct, frozen=True):
    """A cause with its weight.

    Attributes:
        told: texts that led here; for a candidate of rule 4 those that made it one. Empty only where a signal did.
        signals: what spoke for it, for a person.

    """

    cause: str
    score: float
    probability: float
    likelihood: Likelihood
    told: tuple[str, ...]
    signals: tuple[str, ...]


def weighed(
    clues: Iterable[Clue], signals: Iterable[tuple[Signal, str]], table: ErrorTable
) -> tuple[Weighed, ...]:
    """Causes, the likeliest first; none where there is no clue."""
    found = without_idle(list(clues))
    scores, told = _by_text(found, table)
    held = list(signals)
    numbers = table.weights
    trusting = [cause for cause in NOT_TRUSTED if cause in scores]
    if trusting:
        least = max(scores[cause] for cause in trusting) - numbers.trust
        for cause in NOT_TRUSTED:
            scores.setdefault(cause, least)
    spoke: dict[str, list[str]] = {}
    if scores:
        for cause in (name for signal, _ in held if signal.introduces for name in signal.weights):
            scores.setdefault(cause, numbers.unlikely)
    for signal, what in held:
        for cause, weight in signal.weights.items():
            if cause in scores:
                scores[cause] += weight
                if weight > 0 and signal.text:
                    spoke.setdefault(cause, []).append(signal.text.replace("{}", what))
    return _ranked(scores, told, spoke, table)


def without_idle(clues: Sequence[Clue]) -> list[Clue]:
    """Without generic ones where one of TLS's own words is not; and without numbers that say the same less plainly."""
    own = [clue for clue in clues if not (clue.generic or clue.everyday or clue.number)]
    if own:
        said = {meaning.cause for clue in own for meaning in clue.meanings}
        return [
            clue
            for clue in clues
            if not (clue.generic or (clue.number and said & {m.cause for m in clue.meanings}))
        ]
    telling = {meaning.cause for clue in clues if not clue.generic for meaning in clue.meanings}
    return [
        clue
        for clue in clues
        if not clue.generic or telling.isdisjoint(meaning.cause for meaning in clue.meanings)
    ]


def _by_text(clues: list[Clue], table: ErrorTable) -> tuple[dict[str, float], dict[str, list[str]]]:
    numbers = table.weights
    by_likelihood = {
        "likely": numbers.likely,
        "possible": numbers.possible,
        "unlikely": numbers.unlikely,
    }
    worded = any(not (clue.number or clue.generic) for clue in clues)
    scores: dict[str, list[float]] = {}
    told: dict[str, list[str]] = {}
    for clue in clues:
        # A number beside the library's own words is mostly that of who passes them on.
        aside = clue.number and worded
        less = (
            (numbers.number if aside else 0.0)
            + (numbers.everyday if clue.everyday else 0.0)
            + (numbers.generic if clue.generic else 0.0)
        )
        for place, meaning in enumerate(clue.meanings):
            score = by_likelihood[meaning.likelihood] - place * numbers.step - less
            scores.setdefault(meaning.cause, []).append(score)
            told.setdefault(meaning.cause, []).append(clue.told)
    return {
        cause: max(each) + min(len(each) - 1, 3) * numbers.repeated
        for cause, each in scores.items()
    }, told


def _ranked(
    scores: dict[str, float],
    told: dict[str, list[str]],
    spoke: dict[str, list[str]],
    table: ErrorTable,
) -> tuple[Weighed, ...]:
    if not scores:
        return ()
    best = max(scores.values())
    total = sum(math.exp(score) for score in scores.values()) + math.exp(table.weights.other)
    order = sorted(scores, key=lambda cause: (-scores[cause], list(table.causes).index(cause)))
    not_trusted = [text for cause in NOT_TRUSTED for text in told.get(cause, ())]
    ranked: list[Weighed] = []
    for cause in order:
        probability = math.exp(scores[cause]) / total
        idle = cause not in told and cause not in spoke
        if ranked and probability < (_UNTOLD if idle else _LEAST):
            continue
        away = best - scores[cause]
        likelihood: Likelihood = (
            "likely"
            if away < _LIKELY and scores[cause] > 1.0
            else "possible"
            if away < _POSSIBLE
            else "unlikely"
        )
        texts = told.get(cause) or (not_trusted if cause in NOT_TRUSTED else ())
        ranked.append(
            Weighed(
                cause, round(scores[cause], 2), round(probability, 3), likelihood,
                tuple(dict.fromkeys(texts)), tuple(dict.fromkeys(spoke.get(cause, ()))),
            )
        )  # fmt: skip
    return tuple(ranked)
