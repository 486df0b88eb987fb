"""Whether a portal stands before the internet and wants a log-in, before anything is checked through it.

Asked over plain HTTP is what systems ask (data/connectivity.toml), of owners drawn at random: two first, two more where
neither is answered as it should be: a filter may well block two. What follows from the answers:

    open      one answered as its owner does
    captive   none did, and all answers that came, of two owners at least, are such as portals give: 511 (RFC 6585), a redirect to
              another host, a page of HTML. A single wrong answer is a filter, a broken host or a proxy's page as well.
    offline   no way out at all, or no resolver to be reached
    unknown   everything else: a firewall drops port 80, a proxy refuses, a resolver answers that there is no such name

A portal may let the usual questions pass and keep everything else: where checks met a log-in page on the TLS port of
unrelated hosts, and shook hands with none, that is a portal too (`with_checks`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Literal
from urllib.parse import urlsplit

from detector.knowledge.connectivity import Connectivity, connectivity_checks
from detector.net.plain_http import PlainAnswer, ask_plainly
from detector.net.routes import Routing

PortalState = Literal["open", "captive", "offline", "unknown"]
Ask = Callable[[str], Awaitable[PlainAnswer]]
_AT_ONCE, _ROUNDS = 2, 2
_OPINIONS = 2


async def portal(
    chance: Random,
    *,
    own: Iterable[Connectivity] = (),
    routing: Routing | None = None,
    seconds: float = 5.0,
    ask: Ask | None = None,
) -> PortalState:
    """What is in the way now; takes `seconds` twice at most. Raises ConfigError for a broken table alone.

    Args:
        chance: who is asked.
        own: an organisation's own questions, in the place of the well-known ones; the only one counts alone.
        routing: by which proxy.
        seconds: for one question.
        ask: who asks; the network when left out.

    """
    rows = list(own) or list(connectivity_checks())
    chance.shuffle(rows)
    way = routing or Routing()
    asked = ask or (lambda url: ask_plainly(url, way, seconds))
    answers: list[tuple[Connectivity, PlainAnswer]] = []
    state: PortalState = "unknown"
    for start in range(0, min(len(rows), _AT_ONCE * _ROUNDS), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        answers += zip(some, await asyncio.gather(*(asked(row.url) for row in some)), strict=True)
        state = concluded(answers, enough=min(_OPINIONS, len({row.owner for row in rows})))
        if state in ("open", "offline"):
            break
    return state


def concluded(
    answers: Sequence[tuple[Connectivity, PlainAnswer]], *, enough: int = _OPINIONS
) -> PortalState:
    """What follows from answers, where `enough` owners' answers are enough."""
    if any(_is_right(row, answer) for row, answer in answers):
        return "open"
    came = [(row, answer) for row, answer in answers if answer.failure is None]
    if came and all(_is_a_portals(row, answer) for row, answer in came):
        return "captive" if len({row.owner for row, _ in came}) >= enough else "unknown"
    if answers and all(one.failure in ("no-way", "no-resolver") for _, one in answers):
        return "offline"
    return "unknown"


def with_checks(state: PortalState, *, portals: int, shaken: int) -> PortalState:
    """The same with what a round of checks met.

    Args:
        state: what was concluded before.
        portals: unrelated hosts on whose TLS port a log-in page answered (cause captive-portal).
        shaken: hosts with which a handshake was completed.

    """
    if shaken:
        return "open" if state != "captive" else state
    return "captive" if portals >= _OPINIONS else state


def _is_right(row: Connectivity, answer: PlainAnswer) -> bool:
    said = answer.body.strip()
    return answer.failure is None and answer.status == row.status and said == row.body.encode()


def _is_a_portals(row: Connectivity, answer: PlainAnswer) -> bool:
    if answer.status == 511:
        return True
    if 300 <= answer.status < 400:
        try:
            there = urlsplit(answer.location).hostname
        except ValueError:
            return False
        asked = urlsplit(row.url).hostname or ""
        return there is not None and there != asked and not asked.endswith("." + there)
    page = answer.body.lstrip().lower()
    return answer.status == 200 and page.startswith(
        (b"<html", b"<!doctype html", b"<head", b"<script")
    )
