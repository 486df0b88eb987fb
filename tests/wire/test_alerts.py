import pytest

from detector.errors import WireError
from detector.wire.alerts import NAMES, alert_name, parse_alerts


def test_every_registered_description_has_its_name() -> None:
    assert len(NAMES) == 37
    assert [NAMES[n] for n in (48, 52, 112, 116, 117, 120, 121)] == [
        "unknown_ca",
        "too_many_cids_requested",
        "unrecognized_name",
        "certificate_required",
        "general_error",
        "no_application_protocol",
        "ech_required",
    ]


def test_pythons_own_table_agrees_where_it_has_a_name() -> None:
    import ssl

    for description in ssl.AlertDescription:
        # OpenSSL spells user_cancelled with two l, RFC 5246 with one.
        theirs = description.name.removeprefix("ALERT_DESCRIPTION_").lower()
        assert NAMES[description.value] == theirs.replace("cancelled", "canceled")


def test_an_unregistered_number_keeps_its_number() -> None:
    assert alert_name(200) == "alert(200)"


def test_two_alerts_in_one_record_are_two_alerts() -> None:
    found = parse_alerts(bytes((1, 0)) + bytes((2, 48)))
    assert [(a.level, a.name) for a in found] == [(1, "close_notify"), (2, "unknown_ca")]


@pytest.mark.parametrize("payload", [b"", b"\x02", b"\x02\x28\x01"])
def test_a_cut_alert_is_an_error(payload: bytes) -> None:
    with pytest.raises(WireError):
        parse_alerts(payload, base=5)
