"""Which signers are computed, in what order, and what follows. Keys with the exponent 3 are quick."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import structs

from detector import clock
from detector.judging.judge import judge_all
from detector.knowledge.history import History
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from detector.runs.gcd import Limits
from detector.runs.memory import Memory
from detector.runs.signers import Progress, Signers, with_signers
from tests.conftest import Observe
from tests.evidence.test_recovered import Mimic

QUICK = Limits(exponents=(3,))
KEYS = tuple(rsa.generate_private_key(3, 2048) for _ in range(3))


class Counted(Progress):
    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self.outcomes: list[str] = []

    def begin(self, hosts: tuple[str, str], bits: int, estimate: float) -> None:
        assert bits == 2048
        assert estimate > 0
        self.pairs.append(hosts)

    def end(self, elapsed: float, outcome: str) -> None:
        assert elapsed >= 0
        self.outcomes.append(outcome)


def alone(observe: Observe, authority: Authority, *hosts: str) -> list[Observation]:
    return [observe(host, [authority.issue(host).der]) for host in hosts]


def forger(number: int = 0, name: str = "Somebody's") -> Authority:
    return Authority(name, key=KEYS[number], profile=False)


def test_two_hosts_of_one_signer_are_intercepted_and_the_key_is_paid_once(
    known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    seen = alone(observe, forger(), "alpha.com", "github.com")
    told = Counted()
    path = tmp_path / "history.sqlite3"
    for computed in (1, 1):
        memory = Memory(History(path, clock.now))
        knowledge = with_signers(known, seen, memory, told, QUICK)
        memory.close()
        assert knowledge.signers == (forger().spki,)
        assert [j.verdict for j in judge_all(seen, knowledge)] == ["intercepted"] * 2
        assert len(told.pairs) == computed
    assert told.outcomes == ["found the key that signed both"]


def test_a_signer_under_many_names_is_found_across_them(known: Knowledge, observe: Observe) -> None:
    seen = [
        *alone(observe, forger(0, "One"), "alpha.com"),
        *alone(observe, forger(0, "Two"), "beta.org"),
        *alone(observe, forger(0, "Three"), "gamma.net"),
    ]
    told = Counted()
    knowledge = with_signers(known, seen, Memory(), told, QUICK)
    assert knowledge.signers == (forger().spki,)
    assert len(told.pairs) == 1


def test_each_signer_is_computed_once_and_leaves_of_one_name_come_first(
    known: Knowledge, observe: Observe
) -> None:
    seen = [
        *alone(observe, forger(0, "One"), "a.com", "b.org", "c.net"),
        *alone(observe, forger(1, "Two"), "d.com", "e.org", "f.net"),
        *alone(observe, forger(2, "Three"), "g.com"),
    ]
    told = Counted()
    found = with_signers(known, seen, Memory(), told, QUICK).signers
    assert set(found) == {forger(0).spki, forger(1).spki}
    assert told.pairs == [("a.com", "b.org"), ("d.com", "e.org")]


def test_two_signers_under_one_name_are_told_apart(known: Knowledge, observe: Observe) -> None:
    one, two = (Mimic("Somebody's", key=KEYS[n], profile=False) for n in (0, 1))
    seen = [*alone(observe, one, "a.com"), *alone(observe, two, "b.org", "c.net")]
    told = Counted()
    assert with_signers(known, seen, Memory(), told, QUICK).signers == (forger(1).spki,)
    assert told.outcomes == ["no key signed both", "found the key that signed both"]


def test_leaves_of_many_signers_cost_no_more_than_a_few_computations(
    known: Knowledge, observe: Observe
) -> None:
    seen = [alone(observe, forger(n, f"CA {n}"), f"{n}.com")[0] for n in range(3)]
    told = Counted()
    two = structs.replace(QUICK, pairs=2)
    assert with_signers(known, seen, Memory(), told, two).signers == ()
    assert len(told.pairs) == 2


def test_honest_hosts_that_forgot_one_public_intermediate_are_not_accused(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    public = pki.authority("A brand new intermediate", key=KEYS[0])
    seen = alone(observe, public, "alpha.com", "beta.org")
    knowledge = with_signers(known, seen, Memory(), limits=QUICK)
    assert knowledge.signers == (public.spki,)
    for judgement in judge_all(seen, knowledge):
        assert judgement.verdict != "intercepted"
        assert "sct-verified" in {e.id for e in judgement.evidence}


def test_what_needs_no_computing_does_not_wait(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    work = Signers(known)
    own = forger()
    for chain in (
        pki.issue("a.com").chain,
        (own.issue("a.com").der, own.der),
        (Authority("ECDSA").issue("a.com").der,),
        (own.der,),
        (b"\x30\x00",),
        (),
    ):
        assert not work.add(observe("a.com", chain))
    assert work.add(observe("a.com", [own.issue("a.com").der]))


def test_each_key_is_kept_as_soon_as_it_is_there(known: Knowledge, observe: Observe) -> None:
    kept: list[Sequence[bytes]] = []
    work = Signers(known, keep=kept.append, limits=QUICK)
    for seen in (
        *alone(observe, forger(0, "One"), "a.com", "b.org"),
        *alone(observe, forger(1, "Two"), "c.com", "d.org"),
    ):
        work.add(seen)
    steps = work.steps()
    for _ in steps:
        if kept:
            break
    steps.close()  # Ctrl-C
    assert kept == [(forger(0).spki,)]
