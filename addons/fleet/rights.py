"""Who may say and hear what on a fleet's bus: one table, put into the account's token as templates.

The server fills in `{{name()}}`, which is in a user's own token and signed there. So rights are in one place, and to
change them no agent is given anything.

Theory: why there are several accounts
--------------------------------------
The server checks where one publishes and where one listens. It does not check where the answer is to go: what a
request names as its reply subject, the answerer's rights write to. With all in one account, an agent that may ask for
one value can so have a stream purged, a list blanked, or another agent's event made up.

So streams and their interface are in FLEET, where the keeper alone is. Agents, gateways and who enrols are in FIELD,
the centre in CENTRE: accounts without streams. They reach FLEET through imports of the subjects in this table and no
other. A request that comes through an import bears a reply subject of the server's own making there; the answer goes
back to the asker's account, and to the subject that he named in that one. There it may fall on

1. an import: the server does not follow it, as it keeps an answer from the export that it came out of, and FLEET has
   one export of services for all (addons.fleet.accounts);
2. somebody's inbox: there an answer counts by a token of chance;
3. what others hear, lists and questions: those are signed, and what is heard is nothing but a sign to look
   (detector.agent.link).

Rules
-----
1. Whatever is not named here is refused by the server.
2. Nobody but the keeper speaks to JetStream's own interface ($JS.API), which makes, changes, lists and purges; the
   one exception is to read the last value of a subject that is named whole.
3. Each hears answers under an inbox of its own: who hears `_INBOX.>` hears everybody's.
4. Who answers in FLEET answers to what came through an import alone (`is_from_outside`).
5. One user has no more subscriptions, and no larger messages, than it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detector.agent import subjects

Role = Literal["agent", "enroller", "gateway", "centre", "keeper"]
Place = Literal["fleet", "field", "centre"]
_NAME = "{{name()}}"
_IMPORTED = "_R_."


@dataclass(frozen=True)
class Rights:
    """What one may do.

    Attributes:
        place: the account that it is a user of.
        publish: subjects, with NATS' wildcards.
        subscribe: the same.
        payload: bytes of a message with its headers, at most; -1: as the server's own bound.
        subscriptions: at a time, at most; -1: any.

    """

    place: Place
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    payload: int = -1
    subscriptions: int = -1


def _last(bucket: str, key: str) -> str:
    """Where the last value of a key is asked for (ADR-31 of NATS)."""
    return f"$JS.API.DIRECT.GET.KV_{bucket}.{subjects.key_subject(bucket, key)}"


def imported(place: Place) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an account gets from FLEET: subjects of services, asked there, and of streams, heard from there."""
    services: dict[str, None] = {}
    streams: dict[str, None] = {}
    for rights in RIGHTS.values():
        if rights.place == place and place != "fleet":
            services |= dict.fromkeys(one.replace(_NAME, "*") for one in rights.publish)
            heard = (one for one in rights.subscribe if one != _INBOX)
            streams |= dict.fromkeys(one.replace(_NAME, "*") for one in heard)
    return tuple(services), tuple(streams)


def is_from_outside(reply: str) -> bool:
    """Whether a request's reply subject is of the server's making: no user may name such a one."""
    return reply.startswith(_IMPORTED)


_INBOX = f"{subjects.inbox(_NAME)}.>"
# A message's own headers: an id and the like.
_HEADERS = 8 << 10
RIGHTS: dict[Role, Rights] = {
    # One laptop: tells of itself, reads what is signed and what is asked of it.
    "agent": Rights(
        "field",
        (
            subjects.event_subject(_NAME),
            subjects.key_subject(subjects.STATE, _NAME),
            _last(subjects.LISTS, ">"),
            _last(subjects.QUESTIONS, _NAME),
        ),
        (
            subjects.key_subject(subjects.LISTS, ">"),
            subjects.key_subject(subjects.QUESTIONS, _NAME),
            _INBOX,
        ),
        payload=subjects.MAX_EVENT + _HEADERS,
        subscriptions=16,
    ),
    # Who holds a one-time token; its name is the token's.
    "enroller": Rights(
        "field", (f"{subjects.ENROL}.{_NAME}",), (_INBOX,), payload=16 << 10, subscriptions=4
    ),
    # `tlsight bypass sync` at an intercepting proxy.
    "gateway": Rights(
        "field",
        (
            subjects.key_subject(subjects.SYNC, f"gateways.{_NAME}.>"),
            _last(subjects.SYNC, f"gateways.{_NAME}.>"),
            _last(subjects.SYNC, "centre.>"),
        ),
        (
            subjects.told_subject("centre.>"),
            subjects.told_subject(f"gateways.{_NAME}.>"),
            _INBOX,
        ),
        subscriptions=16,
    ),
    # Where bypass rules are decided: that bucket, and no other, whose names it lists and which it clears.
    "centre": Rights(
        "centre",
        (
            subjects.key_subject(subjects.SYNC, ">"),
            _last(subjects.SYNC, ">"),
            subjects.SHELF,
        ),
        (_INBOX,),
    ),
    # The fleet itself, on its own machine: `tlsight fleet`.
    "keeper": Rights("fleet", (">",), (">",)),
}
