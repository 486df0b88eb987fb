"""Real logs over HTTPS prove a leaf; hostile ones prove nothing, hang nothing, fill nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from detector.clock import now
from detector.judging.judge import judge_all
from detector.knowledge.ct_store import CtStore
from detector.lab.answer import Answer, Request
from detector.lab.pki import LabPki
from detector.lab.web import Handler
from detector.lookup.inclusion import keep_inclusion, with_inclusion, with_stored_inclusion
from detector.model.observation import Observation
from detector.net.fetch import Fetcher, FetchOptions
from tests.conftest import Observe
from tests.lookup.conftest import served_logs

Bend = Callable[[Request, Answer], Answer | Awaitable[Answer]]


def proved(
    world: LabPki,
    asking: FetchOptions,
    seen: Observation,
    bend: Bend = lambda _, answer: answer,
    store: CtStore | None = None,
) -> tuple[Observation, list[str], list[str]]:
    """The observation with its proof, the problems, and what was asked of the logs."""

    async def run() -> tuple[Observation, list[str], list[str]]:
        async with served_logs(world) as web, Fetcher(asking) as fetch:
            honest: Handler = web.handler

            async def handler(request: Request) -> Answer:
                answer = honest(request)
                assert isinstance(answer, Answer)
                bent = bend(request, answer)
                return bent if isinstance(bent, Answer) else await bent

            web.handler = handler
            found, problems = await with_inclusion(seen, world.knowledge(), fetch, store)
            return found, problems, [request.target.split("?")[0] for request in web.asked]

    return asyncio.run(run())


@pytest.fixture
def seen(world: LabPki, observe: Observe) -> Observation:
    for log in world.logs:
        log.grow(700)
    observation = observe("a.test", world.issue("a.test"))
    for log in world.logs:
        log.grow(77)
    return observation


def test_a_log_of_rfc_6962_proves_the_leaf(
    world: LabPki, asking: FetchOptions, seen: Observation
) -> None:
    found, problems, asked = proved(world, asking, seen)
    assert problems == []
    assert asked == ["/log0/ct/v1/get-sth", "/log0/ct/v1/get-proof-by-hash"]
    (judgement,) = judge_all([found], world.knowledge())
    assert (judgement.verdict, judgement.evidence[0].id) == ("direct", "ct-logged")


def test_a_static_log_proves_it_where_the_other_is_down(
    world: LabPki, asking: FetchOptions, seen: Observation
) -> None:
    def bend(request: Request, answer: Answer) -> Answer:
        return Answer(status=500) if "log0" in request.target else answer

    found, problems, asked = proved(world, asking, seen, bend)
    assert problems[0].endswith("get-sth: answers 500")
    assert asked[1] == "/log1/checkpoint"
    assert all(path.startswith("/log1/tile/") for path in asked[2:])
    (judgement,) = judge_all([found], world.knowledge())
    assert judgement.evidence[0].details["log"] == "Lab log two"


def test_a_partial_tile_that_is_gone_is_fetched_as_the_full_one(
    world: LabPki, asking: FetchOptions, seen: Observation
) -> None:
    """The log grew between the checkpoint and the tiles, and dropped partial tiles of the lowest level."""

    def bend(request: Request, answer: Answer) -> Answer:
        if "log0" in request.target:
            return Answer(status=500)
        if request.target.endswith("checkpoint"):
            world.logs[1].grow(1000)
            return answer
        gone = "/tile/0/" in request.target and ".p/" in request.target
        return Answer(status=404) if gone else answer

    found, _, asked = proved(world, asking, seen, bend)
    assert any(".p/" in path for path in asked)
    (judgement,) = judge_all([found], world.knowledge())
    assert judgement.evidence[0].id == "ct-logged"


async def silence(_: Request, __: Answer) -> Answer:
    await asyncio.sleep(60)
    return Answer()


def everywhere(answer: Answer) -> Bend:
    return lambda _, __: answer


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (everywhere(Answer(status=500)), "answers 500"),
        (everywhere(Answer(status=404)), "answers 404"),
        (everywhere(Answer(b"")), "tree head"),
        (everywhere(Answer(b"[" * 10_000)), "tree head"),
        (everywhere(Answer(bytes(64 << 20))), "sends more than 16384 bytes"),
        (everywhere(Answer(headers={"Content-Encoding": "gzip"}, body=b"garbage")), "packed"),
        (lambda _, answer: replace(answer, body=answer.body[: len(answer.body) // 2]), ""),
        (lambda _, answer: replace(answer, body=answer.body[::-1]), ""),
        (silence, "no whole answer within"),
    ],
)
def test_nothing_that_a_hostile_log_sends_becomes_a_proof(
    world: LabPki, asking: FetchOptions, seen: Observation, bend: Bend, why: str
) -> None:
    start = time.monotonic()
    patience = 1 if bend is silence else 20
    found, problems, _ = proved(world, replace(asking, timeout=patience), seen, bend)
    assert found == seen
    assert len(problems) == 2
    assert all(why in problem for problem in problems[: 1 if why == "tree head" else 2])
    assert time.monotonic() - start < 50


def test_a_leaf_without_a_log_to_ask_is_told(
    world: LabPki, asking: FetchOptions, observe: Observe
) -> None:
    bare = observe("a.test", world.issue("a.test", logs=()))
    found, problems, asked = proved(world, asking, bare)
    assert (found, problems, asked) == (bare, ["a.test: no log to ask for this leaf"], [])


def test_a_proof_is_kept_and_needs_no_request_again(
    world: LabPki, asking: FetchOptions, seen: Observation, store: CtStore, observe: Observe
) -> None:
    found, _, _ = proved(world, asking, seen)
    keep_inclusion(found, store, now())
    assert with_stored_inclusion(seen, store) == found
    other = observe("a.test", world.issue("a.test"))
    assert with_stored_inclusion(other, store) == other


def test_a_log_that_shows_another_history_than_before_proves_nothing(
    world: LabPki, asking: FetchOptions, seen: Observation, store: CtStore
) -> None:
    """A log under an attacker's hand: signed by its key, but not the tree it showed last time."""
    found, _, _ = proved(world, asking, seen, store=store)
    keep_inclusion(found, store, now())
    log = world.logs[0]
    shown = store.tree_head(log.log_id)
    assert shown is not None
    honest = list(log.leaves)
    # The certificate of the logs' own server is one more entry each time.
    log.leaves = [*honest[: shown.size - 2], bytes(32)]
    forked, problems, _ = proved(world, asking, seen, store=store)
    assert f"Lab log one: it signed two different trees of {shown.size} entries" in problems
    assert forked.inclusion[0].log_id == world.logs[1].log_id
    log.leaves = honest[:750]
    _, problems, _ = proved(world, asking, seen, store=store)
    assert f"Lab log one: its tree shrank from {shown.size} to 751 entries" in problems
    log.leaves = honest
    _, problems, _ = proved(world, asking, seen, store=store)
    assert problems == []
