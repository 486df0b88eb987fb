"""What a form showed beside what is there by now: a decision is about what somebody saw.

A form carries the state that it showed, label by label. Where it differs from what is there when the form comes, nothing
is done, and the page says what has changed. The state is the visitor's own word: whoever changes it deceives himself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from addons.bypass.shown import shown_json
from detector.errors import ConfigError

State = Mapping[str, str]
_LONGEST, _MOST = 160, 40


class Difference(NamedTuple):
    """One label; empty text where it was not, or is no longer, there."""

    label: str
    then: str
    now: str


class StaleError(Exception):
    """The form was made for another state; has what differs."""

    def __init__(self, differences: list[Difference]) -> None:
        super().__init__("What this form was about has changed since you saw it.")
        self.differences = differences


def told(state: State) -> str:
    """The state as a form's field; long texts as their beginning and their digest."""
    encoded = msgspec.json.encode({label: _short(text) for label, text in state.items()})
    return shown_json(
        encoded
    ).decode()  # a page replaces what is not printable, and JSON's escapes are


def same(field: str, state: State) -> None:
    """Do nothing where a form's field tells of this state. Raises StaleError, or ConfigError for no such field."""
    try:
        then = msgspec.json.decode(field, type=dict[str, str])
    except msgspec.MsgspecError:
        then = {}
    if not then or len(then) > _MOST:
        raise ConfigError("form", "does not say what it showed", remedy="load the page again")
    now = {label: _short(text) for label, text in state.items()}
    differences = [
        Difference(label, then.get(label, ""), now.get(label, ""))
        for label in dict.fromkeys((*then, *now))
        if then.get(label, "") != now.get(label, "")
    ]
    if differences:
        raise StaleError(differences)


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{text[:_LONGEST]}… ({len(text):,} characters, {digest})"
