"""What takes two people: that a wide rule (wide.py) comes in force, lets more pass, or goes on for longer.

Rules
-----
1. Where no rule is in force, the new one becomes a draft, which another approves.
2. A rule in force would end at once if it became a draft, so a list and an undoing that prolong one are refused.
3. To renew one, somebody asks for its new end, which is in the trail, and another who asks for no later one does it.
   Who asks is asking about the rule as it is: after any change of it nobody has asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from addons.bypass.change import Change
from addons.bypass.due import life
from addons.bypass.reach import end_moment
from addons.bypass.rule import Rule, end_of, kept_rule
from addons.bypass.wide import is_wide
from addons.review.pages import states
from addons.store.bypass_store import BypassStore
from addons.store.stored import StoredRule
from detector.errors import ConfigError
from detector.model.no_json import NO_JSON

ASKED = "ask-renewal"
_LATELY = 50


class Asked(NamedTuple):
    """Somebody's wish that a rule goes on."""

    by: str
    at: str
    expires: date
    why: str


def takes_two(before: Rule | None, after: Rule) -> bool:
    """Whether a rule lets pass what is wide and what the one in force before it did not."""
    if not is_wide(after):
        return False
    if before is None or not is_wide(before) or before.bind != after.bind:
        return True
    was, will = end_moment(before), end_moment(after)
    return was is not None and (will is None or will > was)


def held(change: Change, now: datetime) -> Change:
    """The change, or the draft that it becomes. Raises ConfigError for one that would end a rule in force."""
    after = change.after
    if after is None or after.row is None or after.state == "draft":
        return change
    before = _in_force(change, now)
    if not takes_two(before, kept_rule(after.row)):
        return change
    if before is not None:
        remedy = "ask for its new end on its page, or end it first; in a list, leave it out"
        why = "is in force and wide: that it lets more pass, or goes on, takes two people"
        raise ConfigError(change.pattern, why, remedy=remedy)
    return msgspec.structs.replace(
        change, after=msgspec.structs.replace(after, state="draft", until=None)
    )


def needs_another(one: StoredRule, expires: date, now: datetime) -> bool:
    """Whether one person alone may not renew the rule until then."""
    longer = msgspec.structs.replace(one.rule, expires=expires)
    return one.state != "draft" and takes_two(_at_work(one, now), longer)


def asked(store: BypassStore, one: StoredRule) -> Iterator[Asked]:
    """Who asks that the rule, as it is, goes on; the latest first."""
    digest = _digest(one)
    for event in store.past.about([one.rule.pattern], _LATELY):
        if event.action != ASKED or event.subject != one.rule.pattern:
            continue
        try:
            wish = msgspec.json.decode(event.details, type=_Wish)
            expires = end_of(wish.expires)
        except (*NO_JSON, ValueError):
            continue
        if wish.about == digest:
            yield Asked(event.by, event.at, expires, wish.why)


def is_asked(store: BypassStore, one: StoredRule, expires: date, by: str) -> bool:
    """Whether somebody else asks that it goes on for so long at least."""
    wanted = _end(one, expires)
    return any(wish.by != by and _end(one, wish.expires) >= wanted for wish in asked(store, one))


def ask(store: BypassStore, one: StoredRule, expires: date, why: str) -> None:
    """Put the wish into the trail."""
    until = msgspec.structs.replace(one.rule, expires=expires).until
    store.note(ASKED, one.rule.pattern, _Wish(_digest(one), until, why))


class _Wish(msgspec.Struct, frozen=True):
    """An entry's details.

    Attributes:
        about: digest of the rule as it was then.

    """

    about: str
    expires: str
    why: str


def _end(one: StoredRule, expires: date) -> datetime:
    found = end_moment(msgspec.structs.replace(one.rule, expires=expires))
    assert found is not None
    return found


def _in_force(change: Change, now: datetime) -> Rule | None:
    there = change.before
    if there is None or there.row is None:
        return None
    until = datetime.fromisoformat(there.until) if there.until else None
    return _at_work(StoredRule(0, kept_rule(there.row), there.state, until), now)  # type: ignore[arg-type]


def _at_work(one: StoredRule, now: datetime) -> Rule | None:
    """The rule where a person's decision has put it in force; a trial is none."""
    return one.rule if one.state == "approved" and life(one, now).stage != "ended" else None


def _digest(one: StoredRule) -> str:
    shown = msgspec.json.encode(states.of_rule(one))
    return hashlib.sha256(shown).hexdigest()[:32]
