"""What a row of a cause says, and what the whole table makes of it."""

from __future__ import annotations

from detector.knowledge.causes import cause_table
from detector.model.causes import STEPS, CauseInfo, CauseTable

TABLE = cause_table()


def row(name: str, **more: object) -> CauseInfo:
    return CauseInfo(name, "server", "certificate", "It is.", "Mend it.", "look", ("RFC",), **more)  # type: ignore[arg-type]


def test_every_row_stands_on_a_rung_and_says_whom_it_concerns() -> None:
    for info in TABLE.rows:
        assert info.step in STEPS
        assert info.party in ("client", "server", "network")
        assert info.text.endswith(".")
        assert info.fix.endswith(".")


def test_no_two_causes_leave_each_other_out() -> None:
    beside = TABLE.left_out_beside
    for name, others in beside.items():
        assert name not in others
        assert not any(name in beside.get(other, ()) for other in others), name


def test_a_bare_end_is_left_out_beside_whatever_explains_one() -> None:
    table = CauseTable((row("a", end=True, beside=("c",)), row("b", explains=True), row("c")))
    assert table.left_out_beside == {"a": frozenset(("b", "c"))}


def test_what_one_handshake_shows_has_a_rule() -> None:
    assert set(TABLE.one_handshake) <= set(TABLE.rules)


def test_a_cause_is_its_rows_partys_unless_somebody_else_has_to_act() -> None:
    assert TABLE.cause("dns-failure", "error", "No.").party == "network"
    assert TABLE.cause("dns-failure", "error", "No.", "client").party == "client"


def test_the_step_of_a_probe_is_the_rung_or_the_handshake() -> None:
    steps = {name: TABLE.dialling_step(name) for name in TABLE}
    assert steps["dns-failure"] == "dns"
    assert steps["connection-refused"] == "tcp"
    assert steps["proxy-refused"] == "proxy"
    assert steps["certificate-expired"] == steps["silent-drop"] == "tls"
