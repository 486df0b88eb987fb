"""What hostile clients can bring about: nothing passes by itself, and nobody's candidates are harmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from addons.bypass.attempt import Attempt
from addons.bypass.clients import networks
from addons.bypass.learning import Candidate, Learned, Learner, replay
from addons.bypass.weighing import LearningOptions
from tests.addons import learning_attacks as attacks
from tests.addons.learning_attacks import APP, START, THEIRS, VICTIM, fails, honest, refuses, trusts

OPTIONS = LearningOptions()
Attack = Callable[[], Iterator[Attempt]]


def learned(attempts: Iterable[Attempt], options: LearningOptions = OPTIONS) -> Learned:
    return replay(attempts, options, None)


def one(found: Learned, host: str = VICTIM) -> Candidate | None:
    return next((c for c in found.candidates if c.host == host), None)


def test_users_who_logged_in_are_evidence_for_a_trial_and_addresses_are_not() -> None:
    users = one(learned(honest("ann", "ben")))
    assert users is not None
    assert (users.clients, users.proven, users.may_try) == (("user:ann", "user:ben"), 2, True)
    strangers = [a for n in (1, 2) for a in (trusts(f"10.0.0.{n}"), *[refuses(f"10.0.0.{n}")] * 2)]
    addresses = one(learned(strangers))
    assert addresses is not None
    assert (addresses.clients, addresses.proven, addresses.may_try) == (
        ("10.0.0.1", "10.0.0.2"), 0, False,
    )  # fmt: skip
    declared = one(learned(strangers, LearningOptions(devices=networks("10.0.0.0/24"))))
    assert declared is not None
    assert (declared.proven, declared.may_try) == (2, True)


@pytest.mark.parametrize(
    "attack",
    [
        attacks.one_device_many_ipv6,
        attacks.alert_40_by_another_server,
        attacks.one_visit_to_mtls,
        attacks.many_faces,
        attacks.loud_and_glitch,
    ],
)
def test_what_one_client_does_makes_no_candidate(attack: Attack) -> None:
    assert learned(attack()).candidates == ()


def test_an_address_and_the_user_behind_it_are_not_two() -> None:
    declared = LearningOptions(devices=networks("10.0.0.0/8"))
    assert learned(attacks.one_person_twice(), declared).candidates == ()


@pytest.mark.parametrize(
    "attack", [attacks.self_signed_at_a_claimed_name, attacks.success_at_a_claimed_name]
)
def test_what_another_server_does_under_a_claimed_name_clears_nothing(attack: Attack) -> None:
    found = one(learned(attack()))
    assert found is not None
    assert found.may_try


def test_a_server_that_asks_everybody_for_a_certificate_is_never_tried_out() -> None:
    found = one(learned(attacks.everybody_at_mtls()), "mtls.test")
    assert found is not None
    assert (found.kind, found.proven, found.may_try) == ("upstream-mtls", 10, False)


@pytest.mark.parametrize("bound", [False, True])
def test_made_up_names_push_out_no_real_host(bound: bool) -> None:
    learner = Learner()
    for attempt in attacks.made_up_names(40_000, bound=bound):
        learner.take(attempt)
    found = learner.learned(START + timedelta(days=1))
    assert [c.host for c in found.candidates] == [VICTIM]
    assert found.candidates[0].may_try
    assert len(learner._evidence.hosts) <= 600
    assert len(learner._left_out) <= 2000
    assert found.totals["over-quota" if bound else "unbound"] > 39_000


@pytest.mark.parametrize("bound", [False, True])
def test_a_flood_from_fifty_thousand_addresses_harms_no_real_candidate(bound: bool) -> None:
    learner = Learner()
    for attempt in attacks.many_addresses(bound=bound):
        learner.take(attempt)
    found = learner.learned(START + timedelta(days=1))
    real = one(found)
    assert real is not None
    assert real.clients == ("user:ann", "user:ben")
    assert real.may_try
    assert not any(c.may_try for c in found.candidates if c.host != VICTIM)
    assert len(learner._evidence.hosts) <= 20_000
    assert len(learner._evidence.clients) <= 20_000


def test_a_bad_certificate_holds_for_its_address_and_gets_old() -> None:
    text = "Certificate verify failed: expired"
    there = fails("10.0.0.9", error=text)
    elsewhere = fails("10.0.0.9", address="198.51.100.8", error=text)
    assert learned([*honest("ann", "ben"), there]).candidates == ()
    assert learned([*honest("ann", "ben"), there]).invalid == (VICTIM,)
    assert one(learned([*honest("ann", "ben"), elsewhere])) is not None
    later = honest("ann", "ben", at=START + timedelta(days=8))
    assert one(learned([there, *later])) is not None
    unknown = [m for a in honest("ann", "ben") for m in [replace(a, address=None)]]
    assert learned([*unknown, elsewhere]).candidates == ()  # in doubt it is inspected


def test_an_attempt_of_which_nobody_could_tell_is_no_evidence() -> None:
    before = [replace(a, bound=None) for a in honest("ann", "ben")]
    found = learned(before)
    assert found.candidates == ()
    assert found.totals == {"unknown": 8}


def test_one_client_can_fail_at_so_many_hosts_a_day_and_no_more() -> None:
    learner = Learner()
    for client in ("ann", "ben"):
        for n in range(1000):
            host = f"h{n}.test"
            learner.take(trusts("10.0.0.1", user=client))
            for _ in range(2):
                learner.take(refuses("10.0.0.1", host=host, user=client))
    assert len(learner.learned(START).candidates) <= 60


def test_many_proven_clients_outvote_one_that_imitates_them_but_not_for_a_trial() -> None:
    users = [f"user{n}" for n in range(6)]
    veto = trusts("10.9.9.9", START + timedelta(hours=1), VICTIM, ja4=APP)
    assert learned([*honest("ann", "ben"), veto]).candidates == ()
    found = one(learned([*honest(*users), veto]))
    assert found is not None
    assert "A few with the same fingerprint take it" in found.text
    assert not one(learned([*honest(*users[:3]), veto]))


def test_one_user_and_a_bad_moment_of_another_are_no_evidence_for_a_trial() -> None:
    eve = [trusts("10.0.0.1", user="eve"), *[refuses("10.0.0.1", user="eve")] * 50]
    once = [trusts("10.0.0.2", user="ann"), refuses("10.0.0.2", user="ann")]
    found = one(learned([*eve, *once]))
    assert found is not None
    assert not found.may_try
    again = one(learned([*eve, *once, refuses("10.0.0.2", user="ann")]))
    assert again is not None
    assert again.may_try


def test_even_parts_of_an_uneven_weight_are_the_whole() -> None:
    for weight in (0.9, 1.8, 3.6):
        found = one(learned(honest("ann", "ben", "cem"), LearningOptions(clients=3, weight=weight)))
        assert found is not None
        assert found.may_try


def test_addresses_outvote_nobody_however_many() -> None:
    veto = trusts("10.9.9.9", START, VICTIM, ja4=APP)
    crowd = [a for n in range(60) for a in (trusts(f"10.0.1.{n}"), *[refuses(f"10.0.1.{n}")] * 2)]
    assert learned([*crowd, veto]).candidates == ()


def test_a_program_with_a_trust_store_of_its_own_is_told_as_that() -> None:
    """A browser without the CA on machines that have it: it refuses everywhere, and no host is to blame."""
    found: list[Attempt] = []
    for user in ("ann", "ben"):
        found.append(trusts("10.0.0.1", user=user))
        for n in range(8):
            found += [refuses("10.0.0.1", host=f"site{n}.test", user=user)] * 3
            found += [refuses("10.0.0.1", host=f"www.site{n}.com", user=user)] * 3
    learner = Learner()
    for attempt in found:
        learner.take(attempt)
    assert learner.learned(START).candidates == ()
    why = learner.why("www.site1.com", START)
    assert {m.reason for m in why.missing} >= {"program-lacks-ca", "few-clients"}


def test_a_pin_that_falls_back_is_told_with_its_numbers() -> None:
    learner = Learner()
    for attempt in honest("ann", "ben"):
        learner.take(attempt)
    for n, user in enumerate(("ann", "ben"), 1):
        learner.take(trusts(f"10.0.0.{n}", START + timedelta(hours=1), VICTIM, ja4=APP, user=user))
    why = learner.why(VICTIM, START + timedelta(hours=1))
    assert not why.candidate
    told = {m.reason: m for m in why.missing}
    assert set(told["falls-back"].clients) == {"user:ann", "user:ben"}
    assert told["few-clients"].text == "refusals: 0 clients count, 2 are needed"


def test_clients_that_only_probe_are_told_as_that() -> None:
    learner = Learner()
    for n in (1, 2):
        for host in ("a.com", "b.org", "c.net", VICTIM):
            for _ in range(5):
                learner.take(
                    Attempt(START, "client", host, 443, f"10.0.0.{n}", "quiet", ja4=APP, ms=2.0,
                            address=THEIRS, bound=True)
                )  # fmt: skip
    why = learner.why(VICTIM, START)
    assert {m.reason for m in why.missing} >= {"only-probes"}
    assert all(client.silent for client in learner.learned(START).lacking)


def test_another_program_of_the_same_client_takes_nothing_back() -> None:
    """The app pins; the browser on the same device does not."""
    browser = [trusts(f"10.0.0.{n}", START, VICTIM, user=u) for n, u in ((1, "ann"), (2, "ben"))]
    found = one(learned([*honest("ann", "ben"), *browser]))
    assert found is not None
    assert found.ja4 == APP


def test_why_tells_what_was_left_out_of_a_host_that_is_not_known() -> None:
    learner = Learner()
    for attempt in attacks.alert_40_by_another_server():
        learner.take(attempt)
    why = learner.why(VICTIM, START)
    assert [(m.reason, m.clients) for m in why.missing] == [("unbound", ("10.0.0.66",))]
    assert "2 attempts" in why.missing[0].text


def test_why_tells_how_many_clients_a_server_has_failed_for() -> None:
    learner = Learner()
    for attempt in attacks.one_visit_to_mtls():
        learner.take(attempt)
    told = {m.reason: m for m in learner.why("mtls.test", START + timedelta(hours=1)).missing}
    assert told["few-clients"].text == "upstream-mtls: 1 clients count, 2 are needed"
    assert told["few-clients"].clients == ("user:ann",)
    assert told["same-client"].text.startswith("4 attempts")


def test_the_port_is_the_one_that_most_proven_clients_failed_at() -> None:
    odd = [a for n in range(9) for a in (trusts(f"10.1.0.{n}"), refuses(f"10.1.0.{n}"))]
    crowd = [replace(a, port=8443) if a.outcome == "failed" else a for a in odd]
    found = one(learned([*honest("ann", "ben"), *crowd]))
    assert found is not None
    assert (found.port, found.clients) == (443, ("user:ann", "user:ben"))


def test_refusals_at_different_ports_are_not_added_up() -> None:
    ann, ben = honest("ann"), [replace(a, port=8443, user="ben") for a in honest("ben")]
    assert learned([*ann, *ben]).candidates == ()
    learner = Learner()
    for attempt in (*ann, *ben):
        learner.take(attempt)
    assert {m.reason for m in learner.why(VICTIM, START).missing} >= {"other-port", "few-clients"}


def test_a_bad_certificate_at_another_port_says_nothing() -> None:
    """Hosts have ports for their administrators, with certificates that nobody verifies."""
    text = "Certificate verify failed: self-signed"
    other = replace(fails("10.0.0.66", error=text), port=8443)
    assert one(learned([*honest("ann", "ben"), other])) is not None
