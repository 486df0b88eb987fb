"""What is kept of hosts and clients: bounded, and no flood turns the bounds against others."""

from __future__ import annotations

from datetime import timedelta

from addons.bypass import evidence as module
from addons.bypass.clients import Client
from addons.bypass.evidence import Evidence, Host, Mark, Seen
from tests.addons.learning_attacks import APP, START

ANN = Client("user:ann", proven=True)
DAY = timedelta(days=1)


def stranger(n: int) -> Client:
    return Client(f"10.{n // 65536}.{n // 256 % 256}.{n % 256}", proven=False)


def mark(n: int = 0) -> Mark:
    return Mark(1.0, START + timedelta(seconds=n), None, 443)


def test_a_host_seen_by_users_or_on_several_days_outlives_a_flood_of_bound_names() -> None:
    kept = Evidence()
    kept.host("users.test", ANN, START)
    kept.host("steady.test", stranger(1), START - DAY)
    kept.host("steady.test", stranger(1), START)
    kept.host("today.test", stranger(1), START)
    for n in range(2 * module.MAX_HOSTS):
        kept.host(f"h{n}.made-up.test", stranger(100 + n // 50), START + timedelta(seconds=n))
    assert {"users.test", "steady.test"} <= kept.hosts.keys()
    assert "today.test" not in kept.hosts
    assert len(kept.hosts) <= module.MAX_HOSTS


def test_users_and_clients_of_earlier_days_outlive_a_flood_of_addresses() -> None:
    kept = Evidence()
    kept.client(ANN, START, bound=True)
    kept.client(stranger(1), START - DAY, bound=True)
    kept.client(stranger(1), START, bound=True)
    for n in range(2 * module.MAX_CLIENTS):
        kept.client(stranger(100 + n), START, bound=True)
    assert {ANN.name, stranger(1).name} <= kept.clients.keys()
    assert len(kept.clients) <= module.MAX_CLIENTS


def test_an_unbound_name_pushes_out_no_client() -> None:
    kept = Evidence()
    for n in range(module.MAX_CLIENTS):
        kept.client(stranger(n), START, bound=True)
    assert kept.client(ANN, START, bound=False) is None
    assert stranger(0).name in kept.clients
    assert kept.client(ANN, START, bound=True) is not None


def test_a_client_brings_in_so_many_hosts_a_day() -> None:
    kept = Evidence()
    for n in range(2 * module.NEW_HOSTS_A_DAY):
        kept.host(f"h{n}.test", ANN, START)
    assert len(kept.hosts) == module.NEW_HOSTS_A_DAY
    assert kept.host("known.test", stranger(1), START) is not None
    assert kept.host("known.test", ANN, START) is not None  # known already
    assert kept.host("new.test", ANN, START + DAY) is not None


def test_refusals_of_users_outlive_those_of_addresses() -> None:
    host = Host(START)
    host.refused(ANN, APP, mark())
    for n in range(500):
        host.refused(stranger(n), APP, mark(n))
    assert (ANN, APP) in host.refusals
    assert len(host.refusals) <= module.MAX_OF_HOST


def test_one_client_has_few_places_whatever_fingerprints_it_shows() -> None:
    host = Host(START)
    host.took(stranger(1), "browser", START)
    for n in range(500):
        host.refused(ANN, f"t{n}", mark(n))
        host.took(stranger(2), f"t{n}", START)
    assert len(host.refusals) == module.PRINTS_OF_CLIENT
    assert "browser" in host.successes
    assert len(host.successes) <= module.PRINTS_OF_CLIENT + 1


def test_fingerprints_of_several_clients_outlive_those_of_one() -> None:
    host = Host(START)
    for n in range(3):
        host.took(stranger(n), "browser", START)
    for n in range(500):
        host.took(stranger(100 + n), f"t{n}", START)
    assert len(host.successes["browser"]) == 3
    assert len(host.successes) <= module.MAX_OF_HOST


def test_a_client_says_so_much_in_a_day() -> None:
    seen = Seen(ANN, START)
    said = [seen.may_say(f"h{n}.test") for n in range(2 * module.HOSTS_A_DAY)]
    assert sum(said) == module.HOSTS_A_DAY
    assert seen.may_say("h0.test")
    assert sum(seen.may_say("h0.test") for _ in range(1000)) < module.REFUSALS_A_DAY
    seen.at(START + DAY)
    assert seen.may_say("new.test")


def test_a_clock_that_went_ahead_and_came_back_ends_nobody_s_day_for_good() -> None:
    seen = Seen(ANN, START)
    seen.at(START + 3650 * DAY)
    for n in range(module.HOSTS_A_DAY):
        assert seen.may_say(f"h{n}.test")
    seen.at(START)
    assert seen.may_say("new.test")


def test_what_is_kept_in_all_is_bounded() -> None:
    kept = Evidence()
    module_marks = module.MAX_MARKS
    for n in range(module_marks // module.MAX_OF_HOST + 2000):
        host = kept.host(f"h{n}.test", stranger(n // 400), START)
        assert host is not None
        for k in range(module.MAX_OF_HOST):
            host.refusals[stranger(k), APP] = mark()
        for _ in range(8):
            kept.host(f"h{n}.test", stranger(n // 400), START)
    assert sum(one.marks() for one in kept.hosts.values()) <= module_marks + 8 * 64 * 700
