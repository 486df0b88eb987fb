"""What two ways say of a bypass: a test for each row of the table."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from addons.bypass.proof import TABLE, Proof, Reason, State, proof, unprovable
from addons.bypass.way import Trouble, Way

AT = datetime(2026, 11, 30, tzinfo=UTC)
OWN = Way(
    proxy=None, address="192.0.2.1", verdict="direct", summary="Direct.", completed=True, leaf="k1",
    chain=("c1",), issuer="CN=Public CA", signer="public", scts=("log",), ja3s="j",
)  # fmt: skip
FORGED = msgspec.structs.replace(
    OWN, verdict="intercepted", summary="Intercepted.", leaf="k9", chain=("c9",),
    issuer="CN=mitmproxy", signer="gateway", maker="mitmproxy", scts=(),
)  # fmt: skip
ODD = msgspec.structs.replace(OWN, verdict="suspect", summary="Suspect.", leaf="k2", chain=("c2",))
SILENT = Way(
    proxy="p:1", address=None, verdict="inconclusive", summary="Inconclusive.",
    trouble=Trouble("silent-drop", "it stays silent"),
)  # fmt: skip


def by(way: Way, **changes: object) -> Way:
    return msgspec.structs.replace(way, **changes)


def failing(fault: str | None = None, alert: int | None = None) -> Way:
    return by(SILENT, trouble=Trouble("x", "why", fault, alert))  # type: ignore[arg-type]


def said(through: Way, direct: Way | None) -> tuple[State, Reason]:
    found = proof(AT, "bank.example", 443, None, through, direct)
    return found.state, found.reason


ROWS: dict[Reason, tuple[State, Way, Way | None]] = {
    "proxys-ca": ("decrypted", by(ODD, of_ca=True), ODD),
    "not-the-proxys-ca": ("other-gateway", by(FORGED, of_ca=False), OWN),
    "same-signer": ("other-gateway", by(FORGED, leaf="k8"), FORGED),
    "judged": ("decrypted", FORGED, OWN),
    "same-key": ("passes", OWN, OWN),
    "proven": ("passes", OWN, by(OWN, leaf="k2")),
    "other-maker": ("decrypted", by(ODD, maker="Squid"), by(ODD, leaf="k3")),
    "proxy-login": ("cannot-tell", failing("login"), OWN),
    "blocked": ("cannot-tell", failing("policy"), OWN),
    "proxy-trouble": ("cannot-tell", failing("down"), OWN),
    "unfinished": ("cannot-tell", by(OWN, completed=False, trouble=Trouble("x", "why")), OWN),
    "unreachable": ("cannot-tell", failing("refused"), SILENT),
    "no-handshake": ("cannot-tell", SILENT, OWN),
    "several-keys": ("cannot-tell", ODD, by(ODD, leaf="k3")),
    "unproven": ("cannot-tell", ODD, None),
}


@pytest.mark.parametrize("reason", ROWS)
def test_each_row_decides_its_own_case(reason: Reason) -> None:
    state, through, direct = ROWS[reason]
    assert said(through, direct) == (state, reason)


def test_every_row_of_the_table_has_its_case() -> None:
    assert [row.reason for row in TABLE] == list(ROWS)


def test_a_suspect_chain_with_the_servers_own_key_passes() -> None:
    assert said(ODD, ODD) == ("passes", "same-key")
    told = proof(AT, "bank.example", 443, None, ODD, ODD).text
    assert "whether another gateway decrypts cannot be told (Suspect.)" in told
    assert "another gateway" not in proof(AT, "bank.example", 443, None, OWN, OWN).text


def test_one_key_without_a_completed_handshake_is_no_proof() -> None:
    unfinished = by(OWN, completed=False, trouble=Trouble("x", "why"))
    assert said(unfinished, OWN)[0] == "cannot-tell"
    assert said(OWN, unfinished) == ("passes", "proven")
    assert said(ODD, by(ODD, completed=False))[0] == "cannot-tell"


def test_a_leaf_that_nobody_can_read_is_like_no_other() -> None:
    """None equals None, and proves nothing."""
    unread = by(ODD, leaf=None, chain=())
    assert said(unread, unread) == ("cannot-tell", "unproven")


def test_two_interceptors_in_a_row_are_both_named() -> None:
    other = by(FORGED, leaf="k7", signer="other", maker="Squid", issuer="CN=Squid")
    found = proof(AT, "bank.example", 443, None, FORGED, other)
    assert found.state == "decrypted"
    assert found.text == "still decrypted by mitmproxy; past the proxy Squid decrypts too"
    assert found.by == "mitmproxy"


def test_who_decrypts_is_called_by_maker_and_issuer() -> None:
    squid = by(FORGED, maker="squid", issuer="CN=Corp CA")
    assert proof(AT, "b.example", 443, None, squid, OWN).by == "squid (CN=Corp CA)"
    assert proof(AT, "b.example", 443, None, by(squid, maker=None), OWN).by == "CN=Corp CA"
    nobody = by(FORGED, maker=None, issuer="")
    assert proof(AT, "b.example", 443, None, nobody, OWN).by == "somebody who shows no name"


def test_interceptors_whose_key_is_unknown_are_not_taken_for_one() -> None:
    nameless = by(FORGED, signer=None)
    assert said(nameless, by(nameless, leaf="k7")) == ("decrypted", "judged")


def test_an_alert_by_policy_is_told_from_the_servers_own() -> None:
    assert said(failing(alert=49), OWN) == ("cannot-tell", "blocked")
    assert said(failing(alert=49), failing(alert=49)) == ("cannot-tell", "unreachable")


def test_the_judge_alone_says_so() -> None:
    found = proof(AT, "bank.example", 443, None, FORGED, None)
    assert found.text == "still decrypted by mitmproxy, as the chain alone says"
    assert said(OWN, None) == ("passes", "proven")


def test_a_record_says_what_is_shared_and_round_trips() -> None:
    found = proof(AT, "bank.example", 443, ".bank.example", OWN, by(OWN, ja3s=None))
    same = found.same
    assert (same.leaf_key, same.chain, same.scts, same.ja3s) == (True, True, True, None)
    assert proof(AT, "b", 443, None, SILENT, OWN).same.leaf_key is None
    assert msgspec.json.decode(msgspec.json.encode(found), type=Proof) == found


def test_a_rule_of_which_nobody_can_be_asked_cannot_be_told() -> None:
    found = unprovable(AT, 443, ".bank.example", "no name was seen")
    assert (found.state, found.host, found.rule) == ("cannot-tell", None, ".bank.example")
    assert found.text == "cannot tell: no name was seen"
