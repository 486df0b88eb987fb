"""One table of alerts: what each means to whom, and what the connection refutes."""

from __future__ import annotations

import pytest

from detector.knowledge.causes import cause_table
from detector.model.alerts import NAMES, AlertContext, Side, meanings, rows

SIDES: tuple[Side, ...] = ("client", "server")


def first(code: int, receiver: Side = "client", **known: bool | int) -> str:
    return meanings(code, receiver, AlertContext(**known))[0].cause  # type: ignore[arg-type]


def test_every_meaning_is_a_known_cause_and_the_likeliest_comes_first() -> None:
    table = cause_table()
    order = ("likely", "possible", "unlikely")
    for row in rows():
        for side in SIDES:
            for offered in (None, 0x0301):
                found = meanings(row.code, side, AlertContext(offered=offered))
                assert {m.cause for m in found} <= set(table)
                ranks = [order.index(m.likelihood) for m in found]
                assert ranks == sorted(ranks), row.code


def test_each_description_has_one_row() -> None:
    assert len(NAMES) == len(rows())


def test_an_unregistered_alert_means_nothing_in_particular() -> None:
    assert [m.cause for m in meanings(200, "client")] == ["other-alert"]


@pytest.mark.parametrize(
    ("code", "known", "cause"),
    [
        (40, {}, "no-shared-cipher"),
        (40, {"offered": 0x0301}, "version-mismatch"),
        (40, {"asked": True, "shown": False, "answered": True}, "client-certificate-required"),
        (40, {"asked": True, "shown": True, "answered": True, "named": True}, "other-alert"),
        (42, {}, "client-certificate-rejected"),
        (42, {"asked": True, "shown": False}, "client-certificate-required"),
        (42, {"asked": False, "shown": False}, "other-alert"),
        (48, {"shown": True}, "client-certificate-rejected"),
        (70, {"offered": 0x0304}, "version-mismatch"),
        (80, {"asked": True, "shown": False}, "client-certificate-required"),
        (80, {"asked": False, "named": True}, "other-alert"),
        (109, {"named": True}, "other-alert"),
        (112, {"named": True}, "sni-unrecognized"),
        (112, {"named": False}, "sni-required"),
        (116, {}, "client-certificate-required"),
        (116, {"asked": False, "shown": False}, "client-certificate-required"),
        (120, {"protocols": True}, "alpn-mismatch"),
        (120, {"protocols": False}, "other-alert"),
    ],
)
def test_what_is_known_of_the_connection_refutes_causes(
    code: int, known: dict[str, bool | int], cause: str
) -> None:
    assert first(code, **known) == cause


def test_the_same_number_means_opposite_things_on_the_two_sides() -> None:
    assert first(48, "client") == "client-certificate-rejected"
    assert first(48, "server") == "untrusted-root"
