"""What the centre keeps of a batch, and what a gateway's word weighs."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.attempt import Attempt
from addons.bypass.clients import Client
from addons.bypass.evidence import MARKS_OF_GATEWAY, Host, Mark
from addons.bypass.weighing import Weighed
from addons.sync.loop import LONGEST, pause
from addons.sync.reports import PER_BATCH, Batch, Passed, attributed, batch_of, batches, report_of
from addons.sync.sealed import UnsealedError, opened, secret_of, stamped, vouched
from tests.addons.conftest import START
from tests.addons.learning_attacks import refuses

KEEP = timedelta(days=30)
SECRET = secret_of("token")


def taken(*attempts: Attempt, site: str | None = None) -> list[Attempt]:
    return attributed(Batch(attempts, ()), "north", site, START, KEEP).attempts


@pytest.mark.parametrize(
    ("client", "site", "kept"),
    [
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "hq", "10.0.0.5@hq"),
        ("::ffff:10.0.0.5", "hq", "10.0.0.5@hq"),
        ("100.64.3.4", "hq", "100.64.3.4@hq"),
        ("fd00:1::2%eth0", "hq", "fd00:1::/56@hq"),
        ("8.8.8.8", "hq", "8.8.8.8"),
        ("2001:4860:4860::8888", "hq", "2001:4860:4860::8888"),
        ("a" * 500, "hq", "a" * 64),
    ],
)
def test_private_addresses_have_the_place_that_was_enrolled(
    client: str, site: str | None, kept: str
) -> None:
    (one,) = taken(refuses(client, START), site=site)
    assert (one.client, one.via) == (kept, "north")


def test_what_cannot_be_is_left_out_and_told() -> None:
    good = refuses("10.0.0.1", START)
    bad = [
        msgspec.structs.replace(good, **change)
        for change in (
            {"host": "no host"},
            {"host": "x" * 300},
            {"port": 0},
            {"port": 70_000},
            {"at": START.replace(tzinfo=None)},
            {"at": START - timedelta(days=31)},
        )
    ]
    odd = [Passed(START, "a.example", "r", *numbers) for numbers in (
        (-1, 0, 0, 0.0), (1, 1 << 60, 0, 0.0), (1, 0, 0, float("nan")), (1, 0, 0, float("inf")),
    )]  # fmt: skip
    found = attributed(Batch((good, *bad), tuple(odd)), "north", None, START, KEEP)
    assert (len(found.attempts), found.passages, found.left_out) == (1, [], 10)


def test_a_gateways_word_about_its_users_and_itself_is_its_word() -> None:
    lie = msgspec.structs.replace(
        refuses("10.0.0.1", START + timedelta(days=900)),
        user="ＡＮＮ ",
        via="south",
        error="e" * 9999,
    )
    (one,) = taken(lie)
    assert (one.user, one.via, one.at, len(one.error)) == ("ann", "north", START, 300)


@given(st.integers(0, 5000), st.integers(0, 30))
def test_batches_hold_everything_once(count: int, passages: int) -> None:
    attempts = [refuses("10.0.0.1", START + timedelta(seconds=n)) for n in range(count)]
    passed = [Passed(START, f"h{n}.example", "r", 1, 2, 3, 4.0) for n in range(passages)]
    found = [batch_of(content) for content in batches(attempts, passed)]
    assert [one for batch in found for one in batch.attempts] == attempts
    assert [one for batch in found for one in batch.passages] == passed
    assert all(len(one.attempts) + len(one.passages) <= PER_BATCH for one in found)


def test_a_seal_is_good_for_one_thing_of_one_gateway() -> None:
    blob = stamped("batch 1", "north", b"content", SECRET)
    assert vouched("batch 1", "north", blob, SECRET) == b"content"
    for kind, name, secret in (
        ("batch 2", "north", SECRET),
        ("report", "north", SECRET),
        ("batch 1", "south", SECRET),
        ("batch 1", "north", secret_of("other")),
    ):
        with pytest.raises(UnsealedError):
            vouched(kind, name, blob, secret)


@given(st.binary(max_size=200))
def test_bytes_of_anybody_are_an_error_in_words(blob: bytes) -> None:
    for ask in (
        lambda: opened("head", blob, "00" * 32),
        lambda: vouched("report", "north", blob, SECRET),
        lambda: batch_of(blob),
        lambda: report_of(blob),
    ):
        with pytest.raises(UnsealedError):
            ask()


def shares(*clients: tuple[str, str | None, float]) -> dict[str, float]:
    marks = [
        (Client(name if via is None else f"{name} at {via}", False, via), None, None, weight)
        for name, via, weight in clients
    ]
    return Weighed(marks).shares(2.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("clients", "voices", "weight"),
    [
        # Without other gateways all is as ever.
        ([("a", None, 1.0), ("b", None, 5.0)], 2, 3.0),
        # However many there are, one gateway is one voice, with the weight of one client.
        ([(f"c{n}", "north", 1.0) for n in range(9)], 1, 2.0),
        ([("a", "north", 1.0), ("b", "south", 1.0)], 2, 2.0),
        # One device by two gateways is one.
        ([("a", "north", 1.0), ("a", "south", 1.0)], 1, 1.0),
        ([("a", None, 1.0), ("a", "north", 1.0)], 1, 1.0),
        # But a gateway that has somebody else besides has a voice: the assignment is the best there is.
        ([("a", "north", 1.0), ("a", "south", 1.0), ("b", "south", 1.0)], 2, 2.0),
        ([("a", "north", 1.0), ("b", "north", 1.0), ("a", "south", 1.0)], 2, 2.0),
        ([("a", None, 1.0), ("a", "north", 1.0), ("b", "north", 1.0)], 2, 2.0),
    ],
)
def test_a_gateway_is_one_voice(
    clients: list[tuple[str, str | None, float]], voices: int, weight: float
) -> None:
    found = shares(*clients)
    assert (len(found), sum(found.values())) == (voices, weight)


def test_a_gateway_that_makes_up_clients_pushes_out_nobody_elses_evidence() -> None:
    host = Host(START)
    own = Client("10.0.0.1", False)
    host.refused(own, "app", Mark(1.0, START, None, 443))
    for n in range(500):
        made_up = Client(f"10.1.{n // 250}.{n % 250} at north", False, "north")
        host.refused(made_up, "app", Mark(2.0, START + timedelta(days=1), None, 443))
    other = Client("10.0.0.2 at south", False, "south")
    host.refused(other, "app", Mark(0.1, START, None, 443))
    by = [client.via for client, _ in host.refusals]
    assert (by.count("north"), by.count("south"), by.count(None)) == (MARKS_OF_GATEWAY, 1, 1)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from([None, "n", "s", "w"])), max_size=12
    )
)
def test_nobody_and_no_gateway_counts_twice(marks: list[tuple[str, str | None]]) -> None:
    found = shares(*((name, via, 1.0) for name, via in marks))
    persons = {name for name, _ in marks}
    voices = {name for name, via in marks if via is None} | {f"via {v}" for _, v in marks if v}
    assert len(found) <= min(len(persons), len(voices))
    assert len(found) >= len({name for name, via in marks if via is None})


@given(st.floats(0.1, 3600), st.integers(0, 500), st.floats(0, 1))
def test_a_wait_is_never_long_beyond_measure(every: float, failures: int, chance: float) -> None:
    wait = pause(every, failures, more=False, chance=chance)
    assert 0.75 * every <= wait <= 1.25 * max(every, LONGEST)
    assert pause(every, failures, more=True, chance=chance) < 1
