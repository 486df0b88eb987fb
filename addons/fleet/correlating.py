"""What no single agent can see. Pure: counts over the fleet in, statements out.

Each statement is a count that anybody can make again, never a guess of what it means: "11 of 12 agents on this network
meet one issuer". A wrong alarm is the worst fault, so each kind says nothing where an innocent fleet could look the
same. What all share: only what is proved counts (addons.fleet.proof), never an agent's word; sanctioned findings accuse nobody; a finding counts after it has stood for SETTLED, so that a portal
that somebody logs in to never does, and while it was seen within FRESH.

issuer-on-network   One interceptor meets many agents of one network. At least 3 agents (a small office has no more),
                    and a fifth of those whose last word came from there, or 10. Antivirus makes a key of its own on each
                    machine, so one key on three machines is no such coincidence; where only an issuer's name is known,
                    a product that sits on the machine itself is left out. Who has one token for many may be many
                    agents: where fewer than 3 of them joined at times of their own, it is said.
key-at-places       One signing key at two places, with an agent at each that was not at the other: a laptop that carries
                    its interceptor with it, or goes by a tunnel, is no statement. Networks with the same gateway, the same
                    wireless name or the same label are one place. What they have is what most of their agents say,
                    two at least: a network that one agent alone describes joins no two others.
rollout             A product is met by more and more agents: at least 5 and 2 % of the fleet for the first time within
                    7 days, on 3 days of them, and half as many again as before. An agent counts when it was there on a
                    day before: an agent that is installed finds on its first day what was there all along. Of what
                    sits in the network, at 3 networks, else it is that network's.
expiry              An interceptor's CA ends within 30 days, and 3 agents depend on it: sanctioned ones too, as that
                    morning nothing opens. Only of CAs made for half a year and more; others are changed by
                    themselves.
one-place           Everybody's sites are intercepted for 2 agents at one network (what one agent meets alone may sit on
                    that machine), by somebody who is seen nowhere else, on at most 2 hosts, while at 3 other networks 10 agents judged targets since and met nothing of it. Who
                    intercepts all there is an ordinary gateway, and `issuer-on-network` tells of it.
spares-canaries     2 agents meet one interceptor on hosts of their own, everybody's sites were asked by the same way and are
                    clean, and nowhere in the fleet has it shown itself on such a site.
silent-together     Agents of one network fell silent at one moment: there is an instant at which each had been heard
                    and its next word was not due yet. At least 8 of them and four fifths of that network; as many agents
                    elsewhere were heard after that instant, else it is the bus. Laptops are closed in the
                    evening, together too: so only of a network that was watched for 7 days without a gap and never
                    seen dark in them.
mass-change         Many agents meet the same product, or the same key where none is known, for the first time within one hour: 5, and 5 % of
                    the fleet. Only agents whose program, tables and lists had been the same for a day (what we change
                    ourselves is no change of theirs), and which were there a day before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise

from addons.fleet.overview import Agent, Correlation, CorrelationKind, First, Fleet, Group, Place

SETTLED = timedelta(minutes=10)
FRESH = timedelta(days=7)
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
EXPIRY = timedelta(days=30)
# Sits on the machine, with a key of its own.
_ON_THE_MACHINE = frozenset(
    ("antivirus", "adware", "parental", "debugging-proxy", "accelerator", "archiver", "test")
)
_MOST_NAMED = 50
# Agents that one person enrols with one token join so soon after each other; so do those that a company rolls out.
_TOGETHER = timedelta(minutes=10)


def correlate(fleet: Fleet, now: datetime) -> list[Correlation]:
    """All that holds, each once."""
    fresh = [one for one in fleet.groups if now - one.seen <= FRESH]
    settled = [one for one in fresh if now - one.opened >= SETTLED]
    accused = [one for one in settled if not one.sanctioned]
    found = [
        *_on_network(accused, fleet),
        *_at_places(accused, fleet),
        *_rollouts(fleet, now),
        *_expiries(settled, now),
        *_one_place(accused, fresh, fleet),
        *_sparing(accused, fresh),
        *_silent(fleet, now),
        *_mass(fleet, now),
    ]
    return list({one.id: one for one in found}.values())


def dark_networks(fleet: Fleet, now: datetime) -> list[str]:
    """Networks where half of those who were there within a day have been overdue for a while, which `correlate` had time
    to tell of: where it did not, that is how these networks are.
    """
    there: dict[str, list[Agent]] = defaultdict(list)
    for one in fleet.agents:
        if one.network and now - one.last <= DAY:
            there[one.network].append(one)
    return [
        network
        for network, agents in there.items()
        if sum(one.due < now - _WHILE for one in agents) * 2 >= len(agents)
    ]


_WHILE = 2 * HOUR


def _on_network(groups: Iterable[Group], fleet: Fleet) -> list[Correlation]:
    there: dict[str, int] = defaultdict(int)
    for agent in fleet.agents:
        there[agent.network] += 1
    found = []
    for one in groups:
        if not one.network or (_names_only(one) and _on_machine(one)):
            continue
        many, all_ = len(one.devices), max(there[one.network], len(one.devices))
        if many >= 3 and (many >= 10 or many * 5 >= all_):
            text = f"{many} agents on one network meet {_who(one)}; {all_} agents are there"
            if _joins(one, fleet) < 3:
                text += f"; claimed by {many} agents that joined within minutes of each other"
            found.append(_about("issuer-on-network", text, one.network, [one]))
    return found


def _joins(group: Group, fleet: Fleet) -> int:
    """At how many times, minutes apart, its agents were heard first; whoever is not known has a time of its own."""
    known = {agent.device: agent.first for agent in fleet.agents}
    firsts = [known.get(device) for device in group.devices]
    times = sorted(at for at in firsts if at is not None)
    apart = sum(b - a > _TOGETHER for a, b in pairwise(times)) + bool(times)
    return apart + sum(at is None for at in firsts)


def _at_places(groups: Iterable[Group], fleet: Fleet) -> list[Correlation]:
    by_key: dict[str, list[Group]] = defaultdict(list)
    for one in groups:
        if one.network and not _names_only(one):
            by_key[one.subject].append(one)
    found = []
    for several in by_key.values():
        if len(several) < 2:
            continue
        places = _places(several, fleet.places)
        if len(places) >= 2 and _different_agents(places):
            agents = {device for one in several for device in one.devices}
            text = f"one key of {_who(several[0])} signs at {len(places)} places, for {len(agents)} agents"
            found.append(_about("key-at-places", text, "", several))
    return found


def _places(groups: Sequence[Group], known: Mapping[str, Place]) -> list[list[Group]]:
    """Networks of one place together."""
    of: dict[str, int] = {}
    members: list[list[Group]] = []
    # Those that are sure first: the others join one of these, or each other, and never make two one.
    for one in sorted(groups, key=lambda one: not _sure(one, known)):
        place = known.get(one.network)
        marks = [f"n {one.network}"]
        if place is not None:
            marks += [
                f"{kind} {value}"
                for kind, value in (("g", place.gateway), ("s", place.ssid), ("l", place.label))
                if value
            ]
        joined = sorted({of[mark] for mark in marks if mark in of})
        target = joined[0] if joined else len(members)
        if not joined:
            members.append([])
        for other in joined[1:] if _sure(one, known) else ():
            members[target] += members[other]
            members[other] = []
            of.update({mark: target for mark, at in of.items() if at == other})
        members[target].append(one)
        of.update({mark: of.get(mark, target) for mark in marks})
    return [some for some in members if some]


def _sure(one: Group, known: Mapping[str, Place]) -> bool:
    place = known.get(one.network)
    return place is not None and place.sure


def _different_agents(places: Sequence[Sequence[Group]]) -> bool:
    """At each of two places there is an agent that was not seen at the other."""
    met = [{device for one in place for device in one.devices} for place in places]
    return any(a - b and b - a for at, a in enumerate(met) for b in met[at + 1 :])


def _rollouts(fleet: Fleet, now: datetime) -> list[Correlation]:
    by_product: dict[str, list[First]] = defaultdict(list)
    for one in fleet.firsts:
        if not one.what.startswith(("spki:", "issuer:", "host:")):
            by_product[one.what].append(one)
    found = []
    for product, all_ in by_product.items():
        fresh = [
            one
            for one in all_
            if now - WEEK <= one.at <= now - SETTLED and one.at - one.known >= DAY
        ]
        before = fleet.before.get(product, 0)
        more = {one.device for one in fresh}
        days = {one.at.date() for one in fresh}
        at_networks = {one.network for one in fresh if one.network}
        on_machines = all(one.category in _ON_THE_MACHINE for one in fresh)
        if not on_machines and len(at_networks) < 3:
            continue
        if len(more) >= max(5, len(fleet.agents) * 0.02, before * 0.5) and len(days) >= 3:
            text = f"{len(more)} agents met {product} for the first time within 7 days, on {len(days)} days; {before} before"
            found.append(_of_firsts("rollout", product, text, fresh))
    return found


def _expiries(groups: Iterable[Group], now: datetime) -> list[Correlation]:
    by_key: dict[str, list[Group]] = defaultdict(list)
    for one in groups:
        if one.until is not None and now < one.until <= now + EXPIRY and not _names_only(one):
            by_key[one.subject].append(one)
    found = []
    for several in by_key.values():
        agents = {device for one in several for device in one.devices}
        until = max(one.until for one in several if one.until is not None)
        if len(agents) >= 3:
            text = (
                f"the CA of {_who(several[0])} ends on {until.date()}; {len(agents)} agents meet it"
            )
            found.append(_about("expiry", text, "", several))
    return found


def _one_place(
    accused: Iterable[Group], everywhere: Sequence[Group], fleet: Fleet
) -> list[Correlation]:
    networks: dict[str, set[str]] = defaultdict(set)
    on_host: dict[str, set[str]] = defaultdict(set)
    there: dict[str, set[str]] = defaultdict(set)
    for one in everywhere:
        networks[one.subject].add(one.network)
        there[one.network] |= one.hosts
        for host in one.hosts:
            on_host[host].add(one.network)
    found = []
    for one in accused:
        alone = len(networks[one.subject]) == 1 and all(
            len(on_host[host]) == 1 for host in one.hosts
        )
        if not (one.network and one.canary and alone and 1 <= len(there[one.network]) <= 2):
            continue
        if len(one.devices) < 2 or _on_machine(one):
            continue
        others = [
            agent
            for agent in fleet.agents
            if agent.judges
            and agent.network not in ("", one.network)
            and agent.last > one.opened + SETTLED
        ]
        if len(others) >= 10 and len({agent.network for agent in others}) >= 3:
            hosts = " and ".join(sorted(one.hosts))
            text = f"{hosts} by {_who(one)} at one network alone; {len(others)} agents elsewhere meet nothing of it"
            found.append(_about("one-place", text, one.network, [one]))
    return found


def _sparing(accused: Iterable[Group], everywhere: Iterable[Group]) -> list[Correlation]:
    shows = {one.subject for one in everywhere if one.canary}
    by_key: dict[str, list[Group]] = defaultdict(list)
    for one in accused:
        if one.subject not in shows and not _names_only(one):
            by_key[one.subject].append(one)
    found = []
    for several in by_key.values():
        agents = {device for one in several for device in one.devices}
        if sum(one.spares for one in several) >= 2 and len(agents) >= 2:
            text = f"{_who(several[0])} meets {len(agents)} agents on hosts of their own and leaves everybody's sites alone"
            found.append(_about("spares-canaries", text, "", several))
    return found


def _silent(fleet: Fleet, now: datetime) -> list[Correlation]:
    there: dict[str, list[Agent]] = defaultdict(list)
    for one in fleet.agents:
        if one.network:
            there[one.network].append(one)
    found = []
    for network, agents in there.items():
        recent = [one for one in agents if one.due > now - DAY]
        quiet = [one for one in recent if one.due < now]
        if len(quiet) < 8:
            continue
        at, together = _moment(quiet)
        if len(together) * 5 < len(recent) * 4 or len(together) < 8:
            continue
        elsewhere = sum(one.network != network and one.last > at for one in fleet.agents)
        if elsewhere < len(together):
            continue
        made = Correlation(
            _id("silent-together", "", network), "silent-together", "", network,
            f"{len(together)} of {len(recent)} agents on one network fell silent together",
            len(together), min(one.last for one in together), max(one.last for one in together),
            devices=tuple(one.device for one in together)[:_MOST_NAMED], networks=(network,),
        )  # fmt: skip
        if made.id in fleet.standing or _never_dark(fleet, network, at):
            found.append(made)
    return found


def _moment(agents: Sequence[Agent]) -> tuple[datetime, list[Agent]]:
    """The instant at which most of them can have fallen silent: within [last, due] of each."""
    steps = sorted([(one.last, 0) for one in agents] + [(one.due, 1) for one in agents])
    best = at = 0
    moment = steps[0][0]
    for when, ends in steps:
        at += -1 if ends else 1
        if at > best:
            best, moment = at, when
    return moment, [one for one in agents if one.last <= moment <= one.due]


def _never_dark(fleet: Fleet, network: str, at: datetime) -> bool:
    place = fleet.places.get(network)
    if place is None or fleet.watched is None or at - max(place.first, fleet.watched) < WEEK:
        return False
    return place.dark is None or at - place.dark >= WEEK


def _mass(fleet: Fleet, now: datetime) -> list[Correlation]:
    by_what: dict[str, list[First]] = defaultdict(list)
    for one in fleet.firsts:
        steady = one.at - one.settled >= DAY and one.at - one.known >= DAY
        if steady and now - DAY <= one.at <= now - SETTLED:
            by_what[one.what].append(one)
    found = []
    for what, all_ in by_what.items():
        ordered = sorted(all_, key=lambda one: one.at)
        start, best = 0, ordered[:0]
        for end, one in enumerate(ordered):
            while one.at - ordered[start].at > HOUR:
                start += 1
            if end + 1 - start > len(best):
                best = ordered[start : end + 1]
        agents = {one.device for one in best}
        if len(agents) >= max(5, len(fleet.agents) * 0.05):
            at = len({one.network for one in best})
            text = f"{len(agents)} agents at {at} {'network' if at == 1 else 'networks'} met {what} for the first time within an hour"
            found.append(_of_firsts("mass-change", what, text, best))
    return found


def _of_firsts(kind: CorrelationKind, what: str, text: str, firsts: Sequence[First]) -> Correlation:
    devices = dict.fromkeys(one.device for one in firsts)
    return Correlation(
        _id(kind, what, ""), kind, what, "", text, len(devices), min(one.at for one in firsts),
        max(one.at for one in firsts), tuple(devices)[:_MOST_NAMED],
        tuple(dict.fromkeys(one.network for one in firsts if one.network))[:_MOST_NAMED],
        tuple(one.event for one in firsts if one.event)[:_MOST_NAMED],
    )  # fmt: skip


def _about(kind: CorrelationKind, text: str, network: str, groups: Sequence[Group]) -> Correlation:
    devices = dict.fromkeys(device for one in groups for device in one.devices)
    subject = groups[0].subject
    return Correlation(
        _id(kind, subject, network), kind, subject, network, text, len(devices),
        min(one.opened for one in groups), max(one.seen for one in groups), tuple(devices)[:_MOST_NAMED],
        tuple(dict.fromkeys(one.network for one in groups))[:_MOST_NAMED],
        tuple(event for one in groups for event in one.events)[:_MOST_NAMED],
        tuple(sorted({host for one in groups for host in one.hosts}))[:_MOST_NAMED],
    )  # fmt: skip


def _id(kind: str, subject: str, network: str) -> str:
    return sha256(f"{kind}\0{subject}\0{network}".encode()).hexdigest()[:32]


def _names_only(one: Group) -> bool:
    """No key is known, a name alone, which others may bear too."""
    return not one.subject.startswith("spki:")


def _on_machine(one: Group) -> bool:
    return one.category in _ON_THE_MACHINE


def _who(one: Group) -> str:
    return one.product or one.issuer or one.subject
