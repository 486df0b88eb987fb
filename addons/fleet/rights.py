"""Who may say and hear what on a fleet's bus: one table, put into the account's token as templates.

The server fills in `{{name()}}`, which is in a user's own token and signed there. So rights are in one place, and to
change them no agent is given anything.

Rules
-----
1. Whatever is not named here is refused by the server.
2. Nobody but the keeper speaks to JetStream's own interface ($JS.API), which makes, changes, lists and purges; the
   one exception is to read the last value of a subject that is named whole.
3. Each hears answers under an inbox of its own: who hears `_INBOX.>` hears everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detector.agent import subjects

Role = Literal["agent", "enroller", "gateway", "centre", "keeper"]
_NAME = "{{name()}}"


@dataclass(frozen=True)
class Rights:
    """Subjects, with NATS' wildcards, that one may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def _last(bucket: str, key: str) -> str:
    """Where the last value of a key is asked for (ADR-31 of NATS)."""
    return f"$JS.API.DIRECT.GET.KV_{bucket}.{subjects.key_subject(bucket, key)}"


_INBOX = f"{subjects.inbox(_NAME)}.>"
RIGHTS: dict[Role, Rights] = {
    # One laptop: tells of itself, reads what is signed and what is asked of it.
    "agent": Rights(
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
    ),
    # Who holds a one-time token; its name is the token's.
    "enroller": Rights((f"{subjects.ENROL}.{_NAME}",), (_INBOX,)),
    # `tlsight bypass sync` at an intercepting proxy.
    "gateway": Rights(
        (
            subjects.key_subject(subjects.SYNC, f"gateways.{_NAME}.>"),
            _last(subjects.SYNC, f"gateways.{_NAME}.>"),
            _last(subjects.SYNC, "centre.>"),
        ),
        (
            subjects.key_subject(subjects.SYNC, "centre.>"),
            subjects.key_subject(subjects.SYNC, f"gateways.{_NAME}.>"),
            _INBOX,
        ),
    ),
    # Where bypass rules are decided: that bucket, and no other, whose names it lists and which it clears.
    "centre": Rights(
        (
            subjects.key_subject(subjects.SYNC, ">"),
            _last(subjects.SYNC, ">"),
            f"$JS.API.STREAM.INFO.KV_{subjects.SYNC}",
            f"$JS.API.STREAM.PURGE.KV_{subjects.SYNC}",
        ),
        (subjects.key_subject(subjects.SYNC, ">"), _INBOX),
    ),
    # The fleet itself, on its own machine: `tlsight fleet`.
    "keeper": Rights((">",), (">",)),
}
