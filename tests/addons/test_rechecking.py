"""Whether a rule is needed: what was found in, the answer out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network

import msgspec
import pytest

from addons.bypass.proof import Proof, Same
from addons.bypass.proof import Reason as ProofReason
from addons.bypass.proof import State as ProofState
from addons.bypass.rechecking import (
    TABLE,
    Case,
    Inspected,
    Rechecked,
    Server,
    Use,
    recheck,
)
from addons.bypass.rule import Rule

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
BANK = Rule(host="bank.example", created=date(2026, 1, 1), owner="net")
MTLS = msgspec.structs.replace(BANK, evidence="upstream-mtls: The server asks.")
OLD = msgspec.structs.replace(BANK, evidence="upstream-version: No version is shared.")
USED = Use(312, 4_500_000, date(2026, 11, 29))


def server(answer: str = "completed", *, thorough: bool = True) -> Server:
    text = f"bank.example:443 past the proxy: {answer}"
    return Server("bank.example", 443, answer, text, "TLSv1.3", thorough)  # type: ignore[arg-type]


def through(state: ProofState, reason: ProofReason) -> Proof:
    nothing = Same(None, None, None, None)
    return Proof(
        "tlsight.bypass-proof/1", NOW, "bank.example", 443, "bank.example", state, reason, reason,
        None, nothing,
    )  # fmt: skip


def answer(case: Case) -> tuple[str, str]:
    found = recheck(case, None)
    return found.state, found.reason


def of(rule: Rule = BANK, use: Use = USED, **more: object) -> Case:
    return Case(rule, NOW, use, **more)  # type: ignore[arg-type]


PASSES = through("passes", "same-key")
CASES = [
    (of(msgspec.structs.replace(BANK, expires=date(2026, 11, 1))), "ended", "ended"),
    (of(idle="it is too slow"), "now-breaks", "not-in-force"),
    (of(proofs=(through("decrypted", "judged"),)), "now-breaks", "ineffective"),
    (of(proofs=(through("cannot-tell", "no-handshake"),)), "now-breaks", "blocked"),
    (of(use=Use(3, 9, date(2026, 11, 5)), servers=(server("silent"),)), "now-breaks", "gone"),
    (of(use=Use(), servers=(server("silent"),)), "now-breaks", "gone"),
    (of(proofs=(through("cannot-tell", "proxy-login"),)), "cannot-tell", "proxy-trouble"),
    (of(use=Use(), seen=False), "cannot-tell", "no-traffic"),
    (of(msgspec.structs.replace(BANK, created=NOW.date()), Use()), "cannot-tell", "young"),
    (of(use=Use(0, 0, date(2026, 9, 1))), "no-longer-needed", "unused"),
    (of(use=Use(), proofs=(PASSES,)), "no-longer-needed", "unused"),
    (of(MTLS, servers=(server("asks"),)), "needed", "asks-for-certificate"),
    (of(OLD, servers=(server("old"),)), "needed", "old-version"),
    (of(MTLS, servers=(server(),)), "no-longer-needed", "mended"),
    (of(OLD, servers=(server(),)), "no-longer-needed", "mended"),
    (of(inspected=Inspected(refused=1, taken=5)), "needed", "refused"),
    (of(inspected=Inspected(taken=2)), "no-longer-needed", "taken"),
    (of(inspected=Inspected(taken=1)), "needed", "used"),
    (of(proofs=(PASSES,)), "needed", "used"),
]


@pytest.mark.parametrize(("case", "state", "reason"), CASES, ids=[one[2] for one in CASES])
def test_the_first_row_that_holds_decides(case: Case, state: str, reason: str) -> None:
    assert answer(case) == (state, reason)
    assert recheck(case, None).text


def test_every_row_has_a_case() -> None:
    assert {row.reason for row in TABLE} == {reason for _, _, reason in CASES}


def test_a_server_that_completes_says_nothing_of_a_rule_for_an_app_that_pins() -> None:
    pinned = msgspec.structs.replace(BANK, evidence="certificate-pinned: 3 clients refuse.")
    found = recheck(of(pinned, servers=(server(),)), None)
    assert (found.state, found.reason) == ("needed", "used")
    assert "cannot be seen from here" in found.text


def test_a_plain_probe_mends_nothing() -> None:
    assert answer(of(MTLS, servers=(server(thorough=False),))) == ("needed", "used")


def test_one_of_several_hosts_that_answers_keeps_a_rule_from_being_gone() -> None:
    case = of(use=Use(), servers=(server("silent"), server()))
    assert answer(case) == ("no-longer-needed", "unused")


def test_of_a_rule_that_no_probe_can_stand_for_the_evidence_says_so() -> None:
    ja4 = msgspec.structs.replace(BANK, ja4="t13d1516h2_8daaf6152771_02713d6af862")
    assert "no probe can take the JA4 that it is for" in recheck(of(ja4), None).evidence
    client = msgspec.structs.replace(BANK, client=ip_network("10.0.0.0/8"))
    assert (
        "no probe was made from 10.0.0.0/8, which it is for" in recheck(of(client), None).evidence
    )
    assert not any(
        "no probe" in one for one in recheck(of(client, proofs=(PASSES,)), None).evidence
    )


def test_since_goes_back_as_far_as_the_state_does() -> None:
    first = recheck(of(use=Use(), servers=(server("silent"),)), None)
    later = msgspec.structs.replace(
        of(use=Use(), servers=(server("silent"),)), now=NOW + timedelta(days=7)
    )
    again = recheck(later, first)
    assert (again.since, again.at) == (NOW, NOW + timedelta(days=7))
    assert recheck(msgspec.structs.replace(later, servers=()), again).since == later.now


def test_what_is_kept_reads_back_as_it_was() -> None:
    found = recheck(of(proofs=(PASSES,), servers=(server(),)), None, (NOW,))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Rechecked) == found


def test_what_clients_pass_to_is_not_gone_and_neither_is_all_of_it_at_once() -> None:
    away = (server("silent"),)
    assert answer(of(servers=away)) == ("needed", "used")
    assert away[0].text in recheck(of(servers=away), None).evidence
    long_ago = Use(0, 0, date(2026, 9, 1))
    assert answer(of(use=long_ago, servers=away)) == ("now-breaks", "gone")
    assert answer(of(use=long_ago, servers=away, offline=True)) == ("no-longer-needed", "unused")
