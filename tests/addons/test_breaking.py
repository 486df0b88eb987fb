"""Who breaks now: what is found, what is not, and how often it is wrong."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.attempt import AttemptClass
from addons.bypass.breaking import Breaking, Share, breaking, chance
from addons.bypass.clients import networks
from addons.bypass.tally import FAILED, TOOK, Alteration, Count, Passed, Seen, Trust
from tests.addons.conftest import START

NOW = START
HOUR = timedelta(hours=1)
TURN = NOW - HOUR
ROOT = Alteration(TURN, "root", "ab" * 32, "another CA")
GONE = Alteration(TURN, "rule", "bank.example", "the rule is gone")
PASSED = {"bank.example": [Passed("bank.example", 40, TURN)]}
ANN, BEN, KIM = "user:ann", "user:ben", "user:kim"


def counts(
    host: str, before: Mapping[AttemptClass, int], after: Mapping[AttemptClass, int],
    clients: Iterable[str] = (ANN, BEN), hours: int = 12,
) -> list[Count]:  # fmt: skip
    """What each client did at a host in every hour before the turn, and since."""
    found: list[Count] = []
    for client in clients:
        for hour in range(1, hours + 1):
            found += [Count(TURN - hour * HOUR, host, k, client, n) for k, n in before.items()]
        found += [Count(TURN, host, k, client, n) for k, n in after.items()]
    return found


def judged(
    found: Sequence[Count], *alterations: Alteration, passed: Mapping[str, Sequence[Passed]] | None = None,
    decides: Mapping[str, tuple[str, str]] | None = None, in_force: Iterable[str] = (), hosts: int = 50,
    clients: int = 2, devices: str = "",
) -> list[Breaking]:  # fmt: skip
    """Everything that these clients did is in the counts."""
    trust: dict[str, Trust] = {}
    for client in {one.client for one in found}:
        took = [one.slot for one in found if one.client == client and one.kind in TOOK]
        failed = {one.host for one in found if one.client == client and one.kind in FAILED}
        trust[client] = Trust(min(took, default=None), max(took, default=None), frozenset(failed))
    seen = Seen(
        found, hosts, trust, passed or {}, alterations, (decides or {}).get, frozenset(in_force)
    )
    return breaking(seen, NOW, clients=clients, devices=networks(devices))


def test_a_change_of_the_ca_is_to_blame_where_those_who_trusted_us_trust_us_nowhere_since() -> None:
    found = judged(counts("shop.example", {"trusted": 5}, {"refused": 5}), ROOT)
    (one,) = found
    assert (one.host, one.changed, one.subject, one.since) == (
        "shop.example",
        "root",
        "ab" * 32,
        TURN,
    )
    assert (one.party, one.count, one.proven, one.kind) == ("client", 2, 2, "refused")
    assert one.after == Share(6, 6)
    assert "install the proxy's CA" in one.remedy


def test_the_ca_is_not_to_blame_where_the_same_clients_trust_us_elsewhere() -> None:
    elsewhere = counts("other.example", {"trusted": 5}, {"trusted": 5})
    (one,) = judged([*counts("shop.example", {"trusted": 5}, {"refused": 5}), *elsewhere], ROOT)
    assert (one.host, one.changed, one.since) == ("shop.example", "nothing", TURN)


def test_a_rule_that_is_gone_is_named_though_nobody_was_inspected_before() -> None:
    (one,) = judged(counts("bank.example", {}, {"refused": 5}), GONE, passed=PASSED)
    assert (one.changed, one.subject, one.party, one.passed) == (
        "rule",
        "bank.example",
        "proxy",
        40,
    )
    assert "undo" in one.remedy


def test_a_rule_that_is_gone_breaks_nothing_where_clients_take_our_certificate() -> None:
    assert judged(counts("bank.example", {}, {"trusted": 5}), GONE, passed=PASSED) == []
    mixed = counts(
        "bank.example", {}, {"trusted": 90, "hung-up": 1}, [f"10.0.0.{n}" for n in range(40)]
    )
    assert len(judged(mixed, GONE, passed=PASSED, hosts=1)) == 1  # three in four units took it
    rare = counts("bank.example", {}, {"trusted": 90}, [f"10.0.0.{n}" for n in range(40)])
    rare += counts("bank.example", {}, {"hung-up": 1}, (ANN, BEN))
    assert judged(rare, GONE, passed=PASSED) == []


def test_a_rule_that_comes_first_now_is_named_in_the_place_of_the_one_that_stays() -> None:
    inspect = Alteration(TURN, "rule", ".example", "the rule .example says inspect")
    (one,) = judged(
        counts("bank.example", {}, {"refused": 5}), inspect, passed=PASSED,
        decides={"bank.example": ("inspect", ".example")}, in_force=["bank.example", ".example"],
    )  # fmt: skip
    assert (one.changed, one.subject) == ("rule", ".example")
    stays = judged(
        counts("bank.example", {}, {"refused": 5}), passed=PASSED, in_force=["bank.example"]
    )
    assert stays == []


def test_a_rule_that_went_unseen_is_known_by_what_it_passed_last() -> None:
    (one,) = judged(counts("bank.example", {}, {"refused": 5}), passed=PASSED)
    assert (one.changed, one.since) == ("rule", TURN)
    long_ago = {"bank.example": [Passed("bank.example", 40, NOW - timedelta(days=3))]}
    assert judged(counts("bank.example", {}, {"refused": 5}), passed=long_ago) == []


def test_what_passes_by_now_breaks_no_more() -> None:
    found = counts("bank.example", {}, {"refused": 5})
    assert judged(found, GONE, passed=PASSED, decides={"bank.example": ("pass", "x")}) == []


def test_a_site_that_was_always_broken_is_no_finding_whatever_changes() -> None:
    for kind in ("refused", "upstream-certificate-invalid", "hung-up"):
        always = counts("broken.example", {kind: 3}, {kind: 9})  # type: ignore[dict-item]
        elsewhere = counts("other.example", {"trusted": 5}, {})
        assert judged([*always, *elsewhere], ROOT) == []
        assert judged([*always, *elsewhere]) == []
        fresh = counts("broken.example", {}, {kind: 9})  # type: ignore[dict-item]
        assert judged([*fresh, *elsewhere]) == []


def test_a_site_whose_server_breaks_is_the_servers_matter() -> None:
    page = {"trusted": 5, "upstream-certificate-invalid": 5}
    (one,) = judged(counts("shop.example", {"trusted": 5}, page), ROOT)  # type: ignore[arg-type]
    assert (one.changed, one.kind, one.party) == (
        "nothing",
        "upstream-certificate-invalid",
        "server",
    )
    (one,) = judged(counts("shop.example", {"trusted": 5}, {"trusted": 5, "upstream-mtls": 5}))
    assert one.party == "proxy"


def test_one_client_raises_no_alarm_for_the_house_however_often_it_tries() -> None:
    alone = counts("shop.example", {"trusted": 5}, {"refused": 50_000}, [ANN])
    assert judged(alone, ROOT) == []
    assert (
        judged([*alone, *counts("shop.example", {"trusted": 5}, {"trusted": 1}, [BEN, KIM])]) == []
    )
    assert len(judged(alone, ROOT, clients=1, hosts=1)) == 1  # a house of one says so


def test_a_user_with_two_addresses_is_one_person_and_addresses_are_only_told_as_proven_where_declared() -> (
    None
):
    assert (
        judged(counts("a.example", {"trusted": 5}, {"refused": 5}, [ANN, "10.0.0.1"]), ROOT) == []
    )
    two = counts("a.example", {"trusted": 5}, {"refused": 5}, ["10.0.0.1", "10.0.0.2"])
    assert judged(two, ROOT)[0].proven == 0
    assert judged(two, ROOT, devices="10.0.0.0/24")[0].proven == 2


def test_clients_that_never_had_our_ca_break_nothing() -> None:
    found = [c for n in range(5) for c in counts(f"h{n}-x.example{n}", {}, {"refused": 5})]
    had = counts("h0-x.example0", {"trusted": 5}, {}, [KIM])
    assert judged([*found, *had], ROOT) == []
    assert judged([*found, *had]) == []
    bank = counts("bank.example", {}, {"refused": 5})
    assert judged([*found, *bank], GONE, passed=PASSED) == []


def test_few_attempts_say_nothing_and_a_few_more_do() -> None:
    once = counts("shop.example", {"trusted": 1}, {"refused": 1}, hours=3)
    assert judged(once, ROOT) == []
    many = counts("shop.example", {"trusted": 1}, {"refused": 3}, hours=6)
    assert len(judged(many, ROOT)) == 1


def exact(failed: int, tried: int, before_failed: int, before_tried: int) -> float:
    """The definition: of all ways to choose who comes after, those with so many failures."""
    from math import comb

    bad, good = failed + before_failed + 1, tried - failed + before_tried - before_failed + 19
    ways = sum(
        comb(bad, k) * comb(good, tried - k)
        for k in range(failed, min(bad, tried) + 1)
        if tried - k <= good
    )
    return ways / comb(bad + good, tried)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_the_chance_is_fishers(bad: int, good: int, bad_before: int, good_before: int) -> None:
    after, before = Share(bad, bad + good), Share(bad_before, bad_before + good_before)
    wanted = exact(bad, bad + good, bad_before, bad_before + good_before)
    assert abs(chance(after, before) - wanted) <= 1e-9 + wanted * 1e-6


def test_the_chance_of_very_many_is_quick_and_sane() -> None:
    assert chance(Share(10_000, 1_000_000), Share(10_000, 1_000_000)) > 0.3
    assert chance(Share(900_000, 1_000_000), Share(10_000, 1_000_000)) < 1e-12


def house(rng: random.Random, hosts: int, sticky: float) -> tuple[list[Count], dict[str, Trust]]:
    """A day after a change that changed nothing, and two before it. Hosts fail at 0 to 30 % of the tries of 2 to 30
    clients; `sticky` of the clients fail at a host for good.
    """
    found: list[Count] = []
    for number in range(hosts):
        share, busy = rng.choice((0.0, 0.01, 0.05, 0.3)), rng.choice((0.05, 0.3, 0.8))
        for client in range(rng.randint(2, 30)):
            never = rng.random() < sticky
            for hour in range(-48, 24):
                if rng.random() >= busy:
                    continue
                tries = rng.randint(1, 6)
                bad = tries if never else sum(rng.random() < share for _ in range(tries))
                slot, name = TURN + hour * HOUR, f"10.0.{number % 250}.{client}"
                if bad:
                    found.append(Count(slot, f"h{number}.example", "refused", name, bad))
                if tries > bad:
                    found.append(Count(slot, f"h{number}.example", "trusted", name, tries - bad))
    old = TURN - timedelta(days=3)
    return found, {one.client: Trust(old, old, frozenset()) for one in found}


def alarms(
    found: Sequence[Count], trust: Mapping[str, Trust], hosts: int, looks: int = 24
) -> set[str]:
    """Hosts found at any look, an hour after the other."""
    result: set[str] = set()
    for look in range(looks):
        now = TURN + (look + 1) * HOUR
        until = [one for one in found if one.slot < now]
        seen = Seen(until, hosts, trust, {}, [ROOT], lambda _: None, frozenset())
        result |= {one.host for one in breaking(seen, now)}
    return result


def test_a_day_on_which_nothing_changed_raises_no_alarm() -> None:
    rng = random.Random(7)
    wrong = sum(len(alarms(*house(rng, 60, 0.0), 60, 6)) for _ in range(3))
    assert wrong == 0
