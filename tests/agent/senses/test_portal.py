"""When a portal is in the way, and when something else is."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from detector.agent.senses.portal import Ask, PortalState, portal, with_checks
from detector.knowledge.connectivity import Connectivity, connectivity_checks
from detector.net.plain_http import PlainAnswer, PlainFailure

ROWS = {row.url: row for row in connectivity_checks()}
LOGIN = PlainAnswer(302, "http://login.hotel.example/?u=x")
PAGE = PlainAnswer(200, "", b"<!DOCTYPE html><title>Welcome</title>")


def right(url: str) -> PlainAnswer:
    row = ROWS[url]
    return PlainAnswer(row.status, "", row.body.encode() + b"\n")


def state(ask: Ask, seed: int = 1, own: tuple[Connectivity, ...] = ()) -> PortalState:
    return asyncio.run(portal(Random(seed), own=own, ask=ask))


def always(answer: PlainAnswer) -> Ask:
    async def ask(url: str) -> PlainAnswer:
        return answer

    return ask


def failing(failure: PlainFailure) -> Ask:
    return always(PlainAnswer(failure=failure))


def test_the_open_internet_is_open_and_two_are_asked() -> None:
    asked: list[str] = []

    async def ask(url: str) -> PlainAnswer:
        asked.append(url)
        return right(url)

    assert state(ask) == "open"
    assert len(asked) == 2


def test_who_is_asked_is_drawn() -> None:
    drawn: set[str] = set()

    async def ask(url: str) -> PlainAnswer:
        drawn.add(url)
        return right(url)

    for seed in range(40):
        assert state(ask, seed) == "open"
    assert drawn == set(ROWS)


@pytest.mark.parametrize("answer", [LOGIN, PAGE, PlainAnswer(511)])
def test_a_portal_that_answers_for_everybody_is_captive(answer: PlainAnswer) -> None:
    assert state(always(answer)) == "captive"


@pytest.mark.parametrize(
    "answer",
    [
        PlainAnswer(403, "", b"<html>Blocked by policy"), PlainAnswer(407), PlainAnswer(503),
        PlainAnswer(404, "", b"<html>"), PlainAnswer(200, "", b"blocked"), PlainAnswer(302, ""),
        PlainAnswer(301, "https://[", b""), PlainAnswer(302, "/elsewhere"),
    ],
)  # fmt: skip
def test_a_filter_a_proxy_or_a_broken_host_is_no_portal(answer: PlainAnswer) -> None:
    assert state(always(answer)) == "unknown"


def test_a_filter_that_answers_for_some_is_no_portal() -> None:
    """Whoever blocks what Microsoft and Google ask lets Debian's answer through."""

    async def ask(url: str) -> PlainAnswer:
        return PAGE if ROWS[url].owner in ("Microsoft", "Google") else right(url)

    assert {state(ask, seed) for seed in range(30)} == {"open"}


def test_a_site_that_moved_to_https_is_no_portal() -> None:
    async def ask(url: str) -> PlainAnswer:
        return PlainAnswer(301, url.replace("http://", "https://"))

    assert state(ask) == "unknown"


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("no-way", "offline"), ("no-resolver", "offline"), ("no-name", "unknown"),
        ("silent", "unknown"), ("refused", "unknown"), ("broken", "unknown"),
    ],
)  # fmt: skip
def test_no_answer_is_offline_only_where_there_is_no_way(
    failure: PlainFailure, said: PortalState
) -> None:
    assert state(failing(failure)) == said


def test_an_own_question_counts_alone() -> None:
    own = (Connectivity("http://check.corp.example/", "corp", 200, "fine"),)
    assert state(always(PlainAnswer(200, "", b" fine\n")), own=own) == "open"
    assert state(always(LOGIN), own=own) == "captive"


def test_what_checks_met_decides_where_the_questions_did_not() -> None:
    assert with_checks("open", portals=3, shaken=0) == "captive"
    assert with_checks("unknown", portals=1, shaken=0) == "unknown"
    assert with_checks("unknown", portals=0, shaken=2) == "open"
    assert with_checks("open", portals=3, shaken=1) == "open"
    # A portal lets some hosts through: a handshake does not end it.
    assert with_checks("captive", portals=2, shaken=1) == "captive"
