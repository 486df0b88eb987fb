"""What readings of several hosts on several networks come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from detector.judging.path_answer import MOST_PLACES, PathAnswer, Seen, path_answer
from detector.model.paths import BrowserGot, Network, PathReading, Remembered

AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
YESTERDAY = AT - timedelta(days=1)
HOME, OFFICE = Network("aa" * 16, "home", YESTERDAY), Network("bb" * 16, "office", AT)
PUBLIC = PathReading(verdict="direct", issuer="CN=R13", version="TLSv1.3", alpn="h2")
SQUID = PathReading(verdict="intercepted", who="Squid", issuer_key="ab", version="TLSv1.3")
SILENT = PathReading(verdict="inconclusive", failure="timeout")


def before(reading: PathReading, times: int = 1) -> tuple[Remembered, ...]:
    return (Remembered(reading, YESTERDAY, YESTERDAY, times),)


def seen(reading: PathReading, host: str = "a.example", **earlier: PathReading) -> Seen:
    ids = {"home": HOME.id, "office": OFFICE.id}
    kept = {ids[name]: before(one, 5) for name, one in earlier.items()}
    return Seen(host, reading, "Because.", kept=reading.answered, earlier=kept)


def at_office(*hosts: Seen, only_here: bool = False) -> PathAnswer:
    return path_answer(hosts, OFFICE, (HOME, OFFICE), AT, only_here=only_here)


def test_the_first_reading_has_nothing_to_be_compared_with() -> None:
    found = at_office(seen(PUBLIC))
    assert found.answer == "first"
    assert (
        found.text
        == "At office: direct. It is the first reading; the next one is compared with it."
    )


def test_an_interceptor_at_the_office_alone_is_told_against_home() -> None:
    found = at_office(seen(SQUID, home=PUBLIC))
    assert (found.answer, found.text) == (
        "differs",
        "At office: intercepted by Squid; at home: direct.",
    )


def test_what_is_as_before_here_still_differs_from_home_unless_only_here_is_asked_for() -> None:
    host = seen(SQUID, home=PUBLIC, office=SQUID)
    assert at_office(host).answer == "differs"
    assert at_office(host, only_here=True).answer == "same"


def test_what_changed_here_is_named() -> None:
    found = at_office(
        seen(SQUID, "a.example", office=PUBLIC), seen(PUBLIC, "b.example", office=PUBLIC)
    )
    assert found.text == "At office: 1 intercepted by Squid, 1 direct. Changed here: a.example."


def test_where_nobody_answers_nothing_is_compared() -> None:
    found = at_office(seen(SILENT, home=PUBLIC, office=PUBLIC))
    assert (found.answer, found.hosts[0].compared) == ("nobody", ())


def test_networks_of_one_name_are_one() -> None:
    upstairs = Network("cc" * 16, "office", YESTERDAY)
    host = Seen("a.example", SQUID, "", kept=True, earlier={upstairs.id: before(PUBLIC)})
    found = path_answer([host], OFFICE, (upstairs, OFFICE), AT)
    (compared,) = found.hosts[0].compared
    assert (compared.network, compared.here, found.answer) == ("office", True, "differs")


def test_of_many_networks_the_latest_are_compared_with() -> None:
    many = [Network(f"{n:032x}", f"net {n:02}", YESTERDAY - timedelta(days=n)) for n in range(20)]
    host = Seen("a.example", PUBLIC, "", True, {one.id: before(PUBLIC) for one in many})
    compared = path_answer([host], OFFICE, many, AT).hosts[0].compared
    assert [one.network for one in compared] == [f"net {n:02}" for n in range(MOST_PLACES + 1)]


def test_a_reading_of_the_future_is_no_earlier_one() -> None:
    later = (Remembered(PUBLIC, AT + timedelta(days=9), AT + timedelta(days=9)),)
    host = Seen("a.example", SQUID, "", True, {OFFICE.id: later})
    assert path_answer([host], OFFICE, (), AT).answer == "first"


def test_the_hybrid_key_exchange_counts_where_several_hosts_lost_it_and_none_has_it() -> None:
    had = replace(PUBLIC, browser=BrowserGot("TLSv1.3", "X25519MLKEM768"))
    lost = replace(PUBLIC, browser=BrowserGot("TLSv1.3", "x25519"))
    stripped = [seen(lost, f"{name}.example", office=had) for name in "abc"]
    assert at_office(*stripped).answer == "differs"
    assert at_office(stripped[0]).answer == "same"
    assert at_office(*stripped, seen(had, "d.example", office=had)).answer == "same"
