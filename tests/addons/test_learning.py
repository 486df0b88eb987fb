"""Many attempts: pinned hosts are found, glitches and clients without the CA are not taken for them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from addons.bypass.attempt import Attempt
from addons.bypass.learning import Learned, Learner, replay
from addons.bypass.weighing import LearningOptions

START = datetime(2026, 11, 23, tzinfo=UTC)
DEFAULT = LearningOptions()


class Day:
    """Attempts one after the other, a second apart."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def add(
        self, client: str, host: str, outcome: str, *, side: str = "client", **more: object
    ) -> Day:
        at = START + timedelta(seconds=len(self.attempts))
        fields = {"ja4": f"t13-{client}", "bound": True, **more}
        self.attempts.append(Attempt(at, side, host, 443, client, outcome, **fields))  # type: ignore[arg-type]
        return self

    def trusts(self, client: str, *hosts: str) -> Day:
        for host in hosts:
            self.add(client, host, "accepted")
        return self

    def refuses(self, client: str, host: str, times: int = 1) -> Day:
        for _ in range(times):
            self.add(client, host, "failed", alert=46, alert_by="client")
        return self

    def learned(self, options: LearningOptions = DEFAULT, at: datetime | None = None) -> Learned:
        return replay(self.attempts, options, at)


def hosts(found: Learned) -> list[tuple[str, str]]:
    return [(one.host, one.kind) for one in found.candidates]


def test_two_trusting_clients_that_refuse_make_a_candidate() -> None:
    day = Day().trusts("a", "x.com", "y.org").trusts("b", "x.com")
    day.refuses("a", "bank.example", 2).refuses("b", "bank.example", 2)
    found = day.learned()
    assert hosts(found) == [("bank.example", "certificate-pinned")]
    assert found.candidates[0].clients == ("a", "b")


def test_one_client_or_one_glitch_is_no_evidence() -> None:
    assert hosts(Day().trusts("a", "x.com").refuses("a", "bank.example", 20).learned()) == []
    day = Day().trusts("a", "x.com").trusts("b", "x.com")
    assert hosts(day.refuses("a", "bank.example").refuses("b", "bank.example").learned()) == []


def test_a_success_by_the_same_fingerprint_clears_the_host() -> None:
    day = Day().trusts("a", "x.com").trusts("b", "x.com")
    day.refuses("a", "bank.example", 3).refuses("b", "bank.example", 3)
    assert hosts(day.learned()) != []
    day.add("c", "bank.example", "accepted", ja4="t13-a")
    assert hosts(day.learned()) == []


def test_a_client_that_fails_everywhere_lacks_the_ca_and_is_no_evidence() -> None:
    day = Day()
    for host in ("a.com", "b.org", "c.net", "d.de"):
        day.refuses("phone", host, 3)
        day.refuses("tablet", host, 3)
    found = day.learned()
    assert hosts(found) == []
    assert {one.client for one in found.lacking} == {"phone", "tablet"}


def test_failing_on_many_names_of_one_owner_is_not_lacking_the_ca() -> None:
    day = Day().trusts("a", "x.com").trusts("b", "y.com")
    for name in ("a.bank.example.com", "b.bank.example.com", "c.bank.example.com"):
        day.refuses("a", name, 3).refuses("b", name, 3)
    found = day.learned()
    assert len(found.candidates) == 3
    assert found.lacking == ()


def test_a_server_with_a_bad_certificate_is_never_a_candidate() -> None:
    day = Day().trusts("a", "x.com").trusts("b", "x.com")
    day.refuses("a", "old.example", 3).refuses("b", "old.example", 3)
    day.add("a", "old.example", "failed", side="server", error="Certificate verify failed: expired")
    found = day.learned()
    assert hosts(found) == []
    assert found.invalid == ("old.example",)


def test_a_server_that_wants_the_clients_certificate_is_told_as_that() -> None:
    day = Day()
    for client in ("a", "b"):
        day.add(client, "api.example", "failed", side="server", asked_certificate=True, alert=116)
    assert hosts(day.learned()) == [("api.example", "upstream-mtls")]
    assert not day.learned().candidates[0].may_try


def test_evidence_gets_old() -> None:
    day = Day().trusts("a", "x.com").trusts("b", "x.com")
    day.refuses("a", "bank.example", 2).refuses("b", "bank.example", 2)
    assert hosts(day.learned(at=START + timedelta(days=1))) != []
    assert hosts(day.learned(at=START + timedelta(days=30))) == []


def test_other_thresholds_give_other_answers_from_the_same_log() -> None:
    day = Day().trusts("a", "x.com").refuses("a", "bank.example", 4)
    assert hosts(day.learned()) == []
    assert hosts(day.learned(LearningOptions(clients=1))) == [
        ("bank.example", "certificate-pinned")
    ]


def test_memory_is_bounded_whatever_clients_ask_for() -> None:
    learner = Learner()
    for number in range(22_000):
        at = START + timedelta(seconds=number)
        name, client = f"h{number}.example{number}.com", f"c{number}"
        for host in (name, "one.com"):
            ja4 = str(number)
            learner.take(
                Attempt(at, "client", host, 443, client, "failed", alert=48, ja4=ja4, bound=True)
            )
        text = "Certificate verify failed"
        learner.take(
            Attempt(
                at, "server", name, 443, client, "failed", error=text, address=client, bound=True
            )
        )
        learner.take(
            Attempt(at, "server", "mtls.com", 443, client, "failed", asked_certificate=True, alert=116,
                    bound=True)
        )  # fmt: skip
        learner.take(Attempt(at, "client", name + ".x", 443, client, "failed", alert=48))
    kept = learner._evidence
    assert len(kept.hosts) <= 20_000
    assert len(kept.clients) <= 20_000
    assert len(learner._left_out) <= 2_000
    assert len(kept.hosts["one.com"].refusals) <= 64
    assert len(kept.hosts["mtls.com"].upstream) <= 64


def test_no_glitch_becomes_a_candidate_in_ten_thousand_sessions() -> None:
    """Wi-Fi-like: every twentieth session is cut, in the handshake or just after it, wherever it goes."""
    chance = random.Random(20261123)
    day = Day()
    clients = [f"10.0.0.{n}" for n in range(40)]
    sites = [f"www.site{n}.com" for n in range(200)]
    pinned = "api.pinned-bank.com"
    for _ in range(10_000):
        client, host = chance.choice(clients), chance.choice([*sites, pinned])
        family = f"t13-family{int(client.rpartition('.')[2]) % 4}"
        if host == pinned:
            day.add(client, host, "quiet", ms=3.0, ja4=family)
        elif chance.random() < 0.05:
            if chance.random() < 0.5:
                text = "may indicate that the client does not trust the proxy's certificate."
                day.add(client, host, "failed", error=text, ja4=family)
            else:
                day.add(client, host, "quiet", ms=chance.uniform(1, 400), ja4=family)
        else:
            day.add(client, host, "accepted", ja4=family)
    found = day.learned()
    assert hosts(found) == [(pinned, "certificate-pinned")]
    assert found.lacking == ()
