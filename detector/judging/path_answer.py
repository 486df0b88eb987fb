"""What became of the paths to some hosts since earlier readings: the values that text and JSON are made from. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import structs

from detector.judging.path_changes import (
    PathChange,
    base_of,
    changes,
    described,
    is_hybrid,
    standing,
)
from detector.model.observation import VerdictName
from detector.model.paths import Network, PathReading, Remembered

Word = Literal["same", "differs", "first", "nobody"]
# Other networks that are compared with: those of late.
MOST_PLACES = 5
_NAMED = 4
_SEVERAL = 2


class Comparison(msgspec.Struct, frozen=True):
    """One host's path beside that of earlier readings on one network.

    Attributes:
        network: its name.
        here: it is the network of now.
        at: when the reading was made that is compared with; its latest such reading.
        was: who answered then, in words.
        changes: those that count first.

    """

    network: str
    here: bool
    at: datetime
    was: str
    changes: tuple[PathChange, ...]

    @property
    def differs(self) -> bool:
        return any(one.counts for one in self.changes)


class HostPath(msgspec.Struct, frozen=True):
    """The path to one host.

    Attributes:
        host: as it was asked for.
        verdict: the judge's.
        now: who answers, in words.
        text: the judge's summary.
        reading: all that is compared.
        kept: it will be compared with; not where the silence may be this machine's own.
        compared: this network first.

    """

    host: str
    verdict: VerdictName
    now: str
    text: str
    reading: PathReading
    kept: bool
    compared: tuple[Comparison, ...]

    @property
    def differs(self) -> bool:
        return any(one.differs for one in self.compared)


class PathAnswer(msgspec.Struct, frozen=True):
    """All hosts, and what they come to.

    Attributes:
        answer: same; differs; first: nothing was there to compare with; nobody: no host answered.
        text: one paragraph.
        at: aware UTC time.
        network: the name of the network of now.
        network_id: its salted digest, which tells no place.
        hosts: in the order they were asked for.

    """

    answer: Word
    text: str
    at: datetime
    network: str
    network_id: str
    hosts: tuple[HostPath, ...]
    schema: Literal["tlsight.watch-path/1"] = "tlsight.watch-path/1"


class Seen(msgspec.Struct, frozen=True):
    """One host's reading of now, with the readings of before by network, of whatever id, and whether it will be kept."""

    host: str
    reading: PathReading
    text: str
    kept: bool
    earlier: Mapping[str, tuple[Remembered, ...]] = {}


def path_answer(
    seen: Sequence[Seen],
    network: Network,
    others: Iterable[Network],
    at: datetime,
    *,
    only_here: bool = False,
) -> PathAnswer:
    """Compare each host with what was there before, and with the latest of the other networks.

    Args:
        seen: the readings of now.
        network: where they were made.
        others: all networks that are known; those of its name are this one.
        at: aware UTC.
        only_here: compare with this network alone.

    """
    places = _places(network, others)
    if only_here:
        places = places[:1]
    hosts = _stripped([_host(one, places, at) for one in seen])
    word = _word(hosts)
    return PathAnswer(word, _text(word, hosts, network), at, network.title, network.id, hosts)


class _Place(msgspec.Struct, frozen=True):
    title: str
    here: bool
    ids: tuple[str, ...]


def _places(network: Network, others: Iterable[Network]) -> list[_Place]:
    ids: dict[str, list[str]] = {network.title: [network.id]}
    for one in sorted(others, key=lambda known: known.seen, reverse=True):
        if one.id != network.id:
            ids.setdefault(one.title, []).append(one.id)
    return [_Place(title, title == network.title, tuple(own)) for title, own in ids.items()]


def _host(seen: Seen, places: Sequence[_Place], at: datetime) -> HostPath:
    compared: list[Comparison] = []
    for place in places:
        earlier = [one for own in place.ids for one in seen.earlier.get(own, ())]
        base = base_of(earlier, seen.reading)
        if base is None or not seen.kept or base.last > at:
            continue
        found = changes(earlier, seen.reading)
        was = described(base.reading)
        compared.append(Comparison(place.title, place.here, base.last, was, found))
    now = described(seen.reading)
    return HostPath(
        seen.host, seen.reading.verdict, now, seen.text, seen.reading, seen.kept,
        tuple(compared[: MOST_PLACES + 1]),
    )  # fmt: skip


def _stripped(hosts: Sequence[HostPath]) -> tuple[HostPath, ...]:
    """The same, where the loss of the hybrid key exchange counts if several hosts lost it and none has it now: fronts
    of one host may not be alike, but those of unrelated owners do not change on one day.
    """
    left = any(one.reading.browser and is_hybrid(one.reading.browser.group) for one in hosts)
    losers = [one for one in hosts if any("hybrid" in _kinds(each) for each in one.compared)]
    if left or len(losers) < _SEVERAL:
        return tuple(hosts)
    return tuple(
        structs.replace(one, compared=tuple(map(_hybrid_counts, one.compared))) for one in hosts
    )


def _hybrid_counts(beside: Comparison) -> Comparison:
    found = [
        structs.replace(one, counts=one.counts or one.kind == "hybrid") for one in beside.changes
    ]
    return structs.replace(beside, changes=tuple(sorted(found, key=lambda one: not one.counts)))


def _kinds(beside: Comparison) -> set[str]:
    return {one.kind for one in beside.changes}


def _word(hosts: Sequence[HostPath]) -> Word:
    if any(one.differs for one in hosts):
        return "differs"
    if any(one.compared for one in hosts):
        return "same"
    return "first" if any(one.kept for one in hosts) else "nobody"


def _text(word: Word, hosts: Sequence[HostPath], network: Network) -> str:
    here = f"At {network.title}"
    if word == "nobody":
        return f"{here}: nobody answered, so there is nothing to compare."
    said = f"{here}: {_standings(one.now for one in hosts if one.kept)}"
    if word == "first":
        return f"{said}. It is the first reading; the next one is compared with it."
    compared = [one for host in hosts for one in host.compared]
    beside = []
    for title in dict.fromkeys(one.network for one in compared if not one.here):
        was = _standings(one.was for one in compared if one.network == title)
        beside.append(f"at {title}: {was}")
    said = "; ".join((said, *beside))
    if word == "same":
        return f"{said}. No difference that counts."
    changed = [host for host in hosts if any(one.here and one.differs for one in host.compared)]
    if changed:
        names = ", ".join(one.host for one in changed[:_NAMED])
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        return f"{said}. Changed here: {names}{more}."
    return f"{said}."


def _standings(words: Iterable[str]) -> str:
    """What hosts have in common: "direct", "3 intercepted by Squid, 1 direct"."""
    counts = Counter(words)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{number} {word}" for word, number in counts.most_common())


def is_calm(one: HostPath) -> bool:
    """Its path is a public one, and nothing about it differs."""
    return standing(one.reading) == "public" and not one.differs
