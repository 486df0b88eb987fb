"""A fleet at one moment, as what correlates it is given it, and what that says. Values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

CorrelationKind = Literal[
    "issuer-on-network", "key-at-places", "rollout", "expiry", "one-place", "spares-canaries", "silent-together",
    "mass-change",
]  # fmt: skip


class Group(msgspec.Struct, frozen=True):
    """Open findings of kind interception of one subject at one network.

    Attributes:
        subject, product, category, issuer: who intercepts.
        network: id of the network; empty where the agents tell none.
        sanctioned: the policy allows it.
        devices: agents that meet it there.
        events: ids of the events that show it.
        hosts: on which it was seen.
        canary: a site of everybody's list is among them.
        spares: on how many devices such sites were asked by the same way and were clean.
        opened, seen: first and last.
        until: when its CA ends.

    """

    subject: str
    network: str
    sanctioned: bool
    devices: tuple[str, ...]
    events: tuple[str, ...]
    opened: datetime
    seen: datetime
    hosts: frozenset[str] = frozenset()
    product: str = ""
    category: str = ""
    issuer: str = ""
    canary: bool = False
    spares: int = 0
    until: datetime | None = None


class Agent(msgspec.Struct, frozen=True):
    """When an agent of a network was heard last and first, and when its next word was due."""

    device: str
    network: str
    last: datetime
    due: datetime
    judges: bool = True
    first: datetime | None = None


class Place(msgspec.Struct, frozen=True):
    """A network: since when it is known, when it was last seen dark, and what tells that it is another one's place.

    Attributes:
        sure: gateway and ssid are what several agents say; of one agent's word no two places are made one.

    """

    id: str
    first: datetime
    gateway: str = ""
    ssid: str = ""
    label: str = ""
    dark: datetime | None = None
    sure: bool = True


class First(msgspec.Struct, frozen=True):
    """That an agent met a product, or a subject, for the first time.

    Attributes:
        what: the product, or the subject where none is known.
        known: since when the agent is known.
        settled: since when its program, tables and lists are the same.

    """

    what: str
    category: str
    device: str
    network: str
    at: datetime
    known: datetime
    settled: datetime
    event: str = ""


class Fleet(msgspec.Struct, frozen=True):
    """What is known of it at one moment.

    Attributes:
        groups: open findings.
        agents: those that were heard within a month.
        places: by the network's id.
        firsts: of the last week.
        before: how many agents had met a product before that week.
        standing: ids of the correlations that hold by now.
        watched: since when the fleet is looked at without a gap.

    """

    groups: Sequence[Group] = ()
    agents: Sequence[Agent] = ()
    places: Mapping[str, Place] = {}
    firsts: Sequence[First] = ()
    before: Mapping[str, int] = {}
    standing: frozenset[str] = frozenset()
    watched: datetime | None = None


class Correlation(msgspec.Struct, frozen=True):
    """One statement, with what it rests on.

    Attributes:
        id: the same as long as it holds.
        headline: one line; issuers and products in it are of unknown origin.
        agents: how many it is about; `devices` names some.

    """

    id: str
    kind: CorrelationKind
    subject: str
    network: str
    headline: str
    agents: int
    first: datetime
    last: datetime
    devices: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
