"""How open the way out is, as the agent tells it: what was found when it last looked, since when, and what follows. Pure.

Rules
-----
1. Where nothing is checked, nothing is clean: who reads "no finding" must read this beside it.
2. blocked: the way out looks open, and in three runs or more, for a period or an hour at least, whichever is less,
   nobody that was asked completed a handshake. A proxy that takes every connection and then says nothing is told by
   that alone. It is told once when it begins and once when it ends.
3. A run that asked nobody says nothing.
4. What lasts no longer than a period needs nobody's attention: who logs in at a portal does it within that time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from detector.report.event_json import MoodWord, NoticeCode, blindness

Looked = Literal["open", "captive", "offline", "unknown"]
_RUNS = 3
_HOUR = 3600.0


class Mood(msgspec.Struct, frozen=True):
    """As it is kept.

    Attributes:
        word: what is told.
        since: when that began.
        every: the period in seconds.
        silent: runs in a row in which nobody completed a handshake though the way looked open.
        silent_since: when the first of them was.

    """

    word: MoodWord
    since: datetime
    every: float = _HOUR
    silent: int = 0
    silent_since: datetime | None = None

    def lasts(self, now: datetime) -> bool:
        """It is one in which nothing is checked, and has been for longer than a period."""
        return bool(blindness(self.word)) and now - self.since > timedelta(seconds=self.every)


class Said(msgspec.Struct, frozen=True):
    """A notice."""

    code: NoticeCode
    text: str


class Felt(msgspec.Struct, frozen=True):
    """The mood afterwards, and what is to be told of it."""

    mood: Mood
    said: tuple[Said, ...] = ()


def looked(before: Mood | None, seen: Looked, every: float, now: datetime) -> Felt:
    """After a look at the surroundings. What is blocked stays so until a handshake, or another mood, ends it."""
    if before is None:
        return _turned(Mood("", now, every), seen, now)
    before = msgspec.structs.replace(before, every=every, since=min(before.since, now))
    if before.word == "blocked" and seen in ("open", "unknown"):
        return Felt(before)
    if seen in ("captive", "offline"):
        before = msgspec.structs.replace(before, silent=0, silent_since=None)
    return _turned(before, seen, now)


def ran(before: Mood, asked: int, silent: int, now: datetime) -> Felt:
    """After a run that asked so many, of whom so many gave no handshake to judge."""
    if not asked or before.word in ("captive", "offline"):
        return Felt(before)
    if silent < asked:
        calm = msgspec.structs.replace(before, silent=0, silent_since=None)
        return _turned(calm, "open", now) if before.word == "blocked" else Felt(calm)
    first = before.silent_since or now
    mood = msgspec.structs.replace(before, silent=before.silent + 1, silent_since=min(first, now))
    long = timedelta(seconds=min(before.every, _HOUR))
    if before.word != "blocked" and mood.silent >= _RUNS and now - first >= long:
        return _turned(mood, "blocked", now, since=first)
    return Felt(mood)


def _turned(before: Mood, word: MoodWord, now: datetime, since: datetime | None = None) -> Felt:
    if word == before.word:
        return Felt(before)
    said: list[Said] = []
    if before.word == "captive":
        said.append(Said("portal-left", "the captive portal is left"))
    if before.word == "blocked":
        text = "somebody that is asked completes a handshake again"
        if word != "open":
            text = f"the way out is {word}: no longer only that nobody answers"
        said.append(Said("answers-again", text))
    if word == "captive":
        text = "a captive portal stands in the way: only proof of an interception counts meanwhile"
        said.append(Said("captive-portal", text))
    if word == "blocked":
        text = f"in {before.silent} runs nobody that was asked completed a handshake though the way out looks open"
        said.append(Said("nothing-answers", f"{text}: nothing is checked"))
    return Felt(msgspec.structs.replace(before, word=word, since=since or now), tuple(said))
