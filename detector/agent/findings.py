"""What one run changes in what stands: findings and sights in, findings and what is to be told out. Pure.

Rules
-----
1. A finding opens at once and closes slowly. It closes where its own hosts were asked again on its own network, all
   those that are kept since it was last seen, in two runs or more; at least one of them answered otherwise and none
   showed it. That other hosts are fine, that nobody answers, or that the machine is elsewhere closes nothing.
2. What comes back within a day of its closing is the same finding, and that is told as a change; each time it takes
   twice as many runs to close again. So one that comes and goes is told ever more rarely.
3. Suspicion that is proven stays the same finding, told as a change. Back again only after runs without proof.
4. An issuer that is sometimes sent and sometimes not is one subject: a name joins the key that it was seen with.
5. Sanctioned is what is sanctioned on every host that is kept; hosts where it is not are kept first.
6. Not seen for 30 days: closed, wherever it was.
7. Nothing is told where nothing changed. Times and hosts go on in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from detector.agent.finding import (
    KEPT_HOSTS,
    Held,
    KeptHost,
    Sight,
    count_of,
    finding_id,
    magnitude,
    with_host,
)
from detector.model.observation import Judgement
from detector.report.event_json import FindingKind, FindingRecord, NetworkRecord

REMEMBERED = timedelta(days=1)
UNSEEN = timedelta(days=30)
_CALM = 2
_A_MOMENT = timedelta(microseconds=1)
_MAX_RETURNS = 5
_OF_HOSTS: tuple[FindingKind, ...] = ("interception", "suspect")
Findings = Mapping[str, Held]


class Told(msgspec.Struct, frozen=True):
    """What is to be told: an event without who and when."""

    kind: Literal["opened", "changed", "closed"]
    held: Held
    changes: tuple[str, ...] = ()
    judgement: Judgement | None = None


class Place(msgspec.Struct, frozen=True):
    """Whose findings, and where."""

    device: str
    network: NetworkRecord | None = None

    @property
    def id(self) -> str:
        return self.network.id if self.network is not None else ""


class Step(msgspec.Struct, frozen=True):
    """All findings afterwards, and what is to be told."""

    after: dict[str, Held]
    told: tuple[Told, ...]


def step(before: Findings, sights: Sequence[Sight], place: Place, now: datetime) -> Step:
    """One run over hosts, on one network."""
    after = dict(before)
    told: list[Told] = []
    shown: dict[str, list[Sight]] = {}
    for alike in _by_subject(sights):
        shown.setdefault(_id_for(alike, after, place, shown), []).extend(alike)
    for name, group in shown.items():
        known = after.get(name)
        held = _opened(name, group, place, now) if known is None else known
        held, changes = _seen(held, group, sights, now)
        after[name] = held
        best = _best(group)
        if known is None:
            told.append(Told("opened", held, (), best))
        elif changes:
            told.append(Told("changed", held, changes, best))
    for held in _here(before, place, _OF_HOSTS):
        if held.is_open and held.id not in shown:
            after[held.id], ending = _unseen(held, sights, now)
            if ending is not None:
                told.append(ending)
    told += _expire(after, now)
    return Step(after, tuple(told))


def asked_again(before: Findings, place: Place) -> tuple[str, ...]:
    """Hosts (host:port) that a run must ask, so that what stands here can be seen to stand or to end.

    Two of each finding, those where it is not sanctioned first and then those asked longest ago; all that are kept
    where the last run did not see it.
    """
    found: dict[str, None] = {}
    for held in _here(before, place, _OF_HOSTS):
        if not held.is_open:
            continue
        order = sorted(held.hosts, key=lambda one: (one.sanctioned, one.asked))
        for one in order if held.gone else order[:2]:
            found[one.host] = None
    return tuple(found)


def is_in_doubt(before: Findings, place: Place) -> bool:
    """A finding was not seen by the last run: ask again soon."""
    return any(held.is_open and held.gone for held in _here(before, place, _OF_HOSTS))


def stands_here(findings: Findings, place: Place) -> tuple[Held, ...]:
    """What holds on this network and on this machine, the latest first."""
    found = [
        held
        for held in findings.values()
        if held.is_open and (held.place == place.id or held.record.kind == "trust")
    ]
    return tuple(sorted(found, key=lambda held: held.record.opened, reverse=True))


def step_sink(before: Findings, name: str, seen: Sight | None, place: Place, now: datetime) -> Step:
    """What a sink's own connection showed; None where it is well again."""
    after = dict(before)
    if seen is not None and seen.kind == "interception":
        subject = seen.subject
        made = finding_id(place.device, place.id, "sink", subject)
        known = after.get(made)
        held = known or _opened(made, [msgspec.structs.replace(seen, kind="sink")], place, now)
        again = held.closed is not None
        held = msgspec.structs.replace(
            _with_hosts(held, [seen], [seen], now), closed=None, about=name
        )
        after[made] = held
        if known is None:
            return Step(after, (Told("opened", held, (f"sink {name}",), seen.judgement),))
        if again:
            return Step(after, (Told("changed", held, ("seen again",), seen.judgement),))
        return Step(after, ())
    told: list[Told] = []
    for held in before.values():
        if seen is None and held.is_open and held.record.kind == "sink" and held.about == name:
            after[held.id] = msgspec.structs.replace(held, closed=now)
            told.append(Told("closed", after[held.id], (f"sink {name} is reached again",)))
    return Step(after, tuple(told))


def step_trust(
    before: Findings, standing: Mapping[str, str], place: Place, now: datetime, *, first: bool
) -> Step:
    """What an audit of the machine's trust says: subject to what is said of it. `first`: it was there before us."""
    after = dict(before)
    told: list[Told] = []
    known = {held.record.subject: held for held in before.values() if held.record.kind == "trust"}
    for subject, text in standing.items():
        held = known.get(subject)
        if held is None:
            name = finding_id(place.device, "", "trust", subject)
            held = Held(FindingRecord(name, "trust", subject, now, now), about=text)
            why = ("there when the agent began", text) if first else (text,)
            told.append(Told("opened", held, why))
        else:
            if held.closed is not None:
                told.append(Told("changed", held, ("there again", text)))
            held = msgspec.structs.replace(held, closed=None, record=_again(held.record, now))
        after[held.id] = held
    told = [msgspec.structs.replace(one, held=after[one.held.id]) for one in told]
    for subject, held in known.items():
        if subject not in standing and held.is_open:
            after[held.id] = msgspec.structs.replace(held, closed=now)
            told.append(Told("closed", after[held.id], ("gone",)))
    return Step(after, tuple(told))


def step_salt(before: Findings, now: datetime) -> Step:
    """Networks have other ids from now on: none that stood under an old one can be asked for again."""
    after = dict(before)
    told: list[Told] = []
    for held in before.values():
        if held.network is not None and held.is_open:
            # Remembered as long as any other, it would be found again under its old id by nobody.
            after[held.id] = msgspec.structs.replace(held, closed=now)
            told.append(Told("closed", after[held.id], ("told again under the fleet's networks",)))
    return Step(after, tuple(told))


def _here(findings: Findings, place: Place, kinds: Iterable[FindingKind]) -> list[Held]:
    return [
        held for held in findings.values() if held.record.kind in kinds and held.place == place.id
    ]


def _by_subject(sights: Sequence[Sight]) -> list[list[Sight]]:
    """What shows a finding, one subject after the other: keys first, since names join them."""
    found: dict[str, list[Sight]] = {}
    for one in sights:
        if one.standing == "shows":
            found.setdefault(one.subject, []).append(one)
    return sorted(found.values(), key=lambda group: not group[0].subject.startswith("spki:"))


def _id_for(
    group: Sequence[Sight], after: Findings, place: Place, shown: Mapping[str, list[Sight]]
) -> str:
    """The finding that sights of one subject belong to, by that, else by the issuer's name."""
    best = _strongest(group)
    here = sorted(_here(after, place, _OF_HOSTS), key=lambda held: not held.is_open)
    for held in here:
        if held.record.subject == best.subject:
            return held.id
    if best.subject.startswith("host:"):
        return finding_id(place.device, place.id, best.kind, best.subject)
    issuers = {one.issuer for one in group}
    alike = [
        held.id
        for held in here
        if held.is_open and held.issuer in issuers and _may_be_one(held.record.subject, best)
    ]
    alike += [
        name
        for name, others in shown.items()
        if any(one.issuer in issuers for one in others)
        and all(_may_be_one(one.subject, best) for one in others)
    ]
    if len(set(alike)) == 1:
        return alike[0]
    if alike and not best.subject.startswith("spki:"):
        # A name that several keys bear is whichever was seen on these hosts, else always the same of them.
        hosts = {one.host for one in group}
        kept = (
            held.id
            for held in here
            if held.id in alike and any(host.host in hosts for host in held.hosts)
        )
        return next(kept, min(alike))
    return finding_id(place.device, place.id, best.kind, best.subject)


def _may_be_one(subject: str, one: Sight) -> bool:
    """Of two keys both are known: they are two. Of a key and a name, or two names, they may be one."""
    return not (subject.startswith("spki:") and one.subject.startswith("spki:"))


def _opened(name: str, group: Sequence[Sight], place: Place, now: datetime) -> Held:
    best = _strongest(group)
    record = FindingRecord(name, best.kind, best.subject, now, now)
    product = next((one.product for one in group if one.product), None)
    engine = next((one.engine for one in group if one.engine), None)
    return Held(record, place.network, best.issuer, product, engine)


def _seen(
    held: Held, group: Sequence[Sight], sights: Sequence[Sight], now: datetime
) -> tuple[Held, tuple[str, ...]]:
    """The finding as it is after it was seen, and what changed in it."""
    changes: list[str] = []
    before = held
    proven = any(one.kind == "interception" for one in group)
    kind, weaker = held.record.kind, 0
    if proven and kind == "suspect":
        kind = "interception"
        changes.append("suspicion is proven")
    elif not proven and kind == "interception":
        weaker = held.weaker + 1
        if weaker >= _calm(held):
            kind, weaker = "suspect", 0
            changes.append("no longer proven")
    returns = held.returns
    if held.closed is not None:
        returns = min(returns + 1, _MAX_RETURNS)
        changes.append("seen again")
    product = _named(held.product, [one.product for one in group])
    engine = held.engine or next((one.engine for one in group if one.engine), None)
    if product != before.product:
        changes.append(f"recognised as {product}")
    elif engine != before.engine:
        changes.append(f"recognised as {engine}")
    held = _with_hosts(held, group, sights, now)
    held = msgspec.structs.replace(
        held, record=msgspec.structs.replace(held.record, kind=kind), product=product, engine=engine,
        weaker=weaker, returns=returns, closed=None, gone=0,
    )  # fmt: skip
    if before.hosts:
        if held.sanctioned != before.sanctioned:
            changes.append("sanctioned" if held.sanctioned else "not sanctioned everywhere")
        count = held.record.host_count
        if magnitude(count) > magnitude(before.record.host_count):
            changes.append(f"seen on {count} hosts")
    return held, tuple(changes)


def _named(before: str | None, now: Sequence[str | None]) -> str | None:
    named = [name for name in now if name]
    return before if not named or before in named else named[0]


def _with_hosts(held: Held, group: Sequence[Sight], sights: Sequence[Sight], now: datetime) -> Held:
    """With the hosts that a run saw it on, and what the run says of those it was seen on before."""
    showing = {one.host: one for one in group}
    kept = [_asked(one, sights, showing, now) for one in held.hosts if one.host not in showing]
    shown = [
        KeptHost(one.host, now, now, "shows", one.sanctioned) for one in reversed(showing.values())
    ]
    known = held.known
    for host in showing:
        known = with_host(known, host)
    hosts = (*shown, *kept)
    if len(hosts) > KEPT_HOSTS:
        chosen = sorted(hosts, key=lambda one: (one.standing == "fine", one.sanctioned))
        chosen = chosen[:KEPT_HOSTS]
        hosts = tuple(one for one in hosts if one in chosen)
    showing_still = [one for one in hosts if one.standing == "shows"]
    record = msgspec.structs.replace(
        _again(held.record, now),
        hosts=tuple(one.host for one in hosts),
        host_count=max(count_of(known), held.record.host_count),
    )
    return msgspec.structs.replace(
        held, hosts=hosts, known=known, record=record,
        sanctioned=bool(showing_still) and all(one.sanctioned for one in showing_still),
    )  # fmt: skip


def _again(record: FindingRecord, now: datetime) -> FindingRecord:
    return msgspec.structs.replace(record, seen=max(now, record.seen))


def _asked(
    one: KeptHost, sights: Sequence[Sight], showing: Mapping[str, Sight], now: datetime
) -> KeptHost:
    said = next((s for s in sights if s.host == one.host and s.host not in showing), None)
    if said is None:
        return one
    standing = one.standing if said.standing == "silent" else "fine"
    # Times are whole seconds, and two runs may lie within one: what tells them apart is that these differ.
    asked = now if now != one.at else now + _A_MOMENT
    return msgspec.structs.replace(one, asked=asked, standing=standing)


def _unseen(held: Held, sights: Sequence[Sight], now: datetime) -> tuple[Held, Told | None]:
    """The finding after a run that did not see it."""
    own = {one.host for one in held.hosts}
    said = [one for one in sights if one.host in own]
    if not said:
        return held, None
    hosts = tuple(_asked(one, sights, {}, now) for one in held.hosts)
    fine = [one for one in said if one.standing != "silent"]
    gone = held.gone + 1 if fine else held.gone
    held = msgspec.structs.replace(held, hosts=hosts, gone=gone)
    if held.record.subject.startswith("host:") and any(one.standing == "shows" for one in fine):
        other = next(one for one in fine if one.standing == "shows")
        held = msgspec.structs.replace(held, closed=now, gone=0)
        return held, Told("closed", held, (f"now a matter of {other.subject}",), other.judgement)
    # Asked since it was last seen, in whatever order the clock was set meanwhile.
    all_asked = all(one.asked != one.at for one in hosts)
    if gone < _calm(held) or not all_asked or all(one.standing == "shows" for one in hosts):
        return held, None
    held = msgspec.structs.replace(held, closed=now, gone=0)
    return held, Told("closed", held, ("asked again: others answer",), (fine or said)[0].judgement)


def _calm(held: Held) -> int:
    """Runs without it that it takes to close."""
    return int(_CALM << held.returns)


def _expire(after: dict[str, Held], now: datetime) -> list[Told]:
    """Close what nobody has seen for long, and forget what closed."""
    told: list[Told] = []
    for held in tuple(after.values()):
        if held.closed is not None:
            if now - held.closed > REMEMBERED:
                del after[held.id]
        elif now - held.record.seen > UNSEEN and held.record.kind != "trust":
            after[held.id] = msgspec.structs.replace(held, closed=now)
            told.append(Told("closed", after[held.id], ("not seen for 30 days",)))
    return told


def _strongest(group: Sequence[Sight]) -> Sight:
    return min(
        group, key=lambda one: (one.kind != "interception", not one.subject.startswith("spki:"))
    )


def _best(group: Sequence[Sight]) -> Judgement:
    """The judgement that shows most: proof first, then where it is not sanctioned."""
    return min(group, key=lambda one: (one.kind != "interception", one.sanctioned)).judgement
