"""Paths as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.console import Console

from detector.judging.path_answer import PathAnswer, Seen, path_answer
from detector.model.paths import Network, PathReading, Remembered
from detector.report.watch_path_json import networks_record
from detector.report.watch_path_text import render, render_networks

AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
HOME = Network("aa" * 16, "home", AT)
PUBLIC = PathReading(verdict="direct", alpn="h2", issuer="CN=R13")
SQUID = PathReading(verdict="intercepted", who="Squid\x1b[31m", issuer_key="ab")


def told(found: PathAnswer, **how: object) -> list[str]:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(render(found, **how))  # type: ignore[arg-type]
    return [line.rstrip() for line in captured.get().splitlines()]


def compared(now: PathReading, count: int = 1, network: Network = HOME) -> PathAnswer:
    before = (Remembered(PUBLIC, AT - timedelta(days=1), AT - timedelta(days=1)),)
    seen = [Seen(f"site{n}.example", now, "", True, {HOME.id: before}) for n in range(count)]
    return path_answer(seen, network, (HOME,), AT)


def test_what_differs_has_its_lines_and_no_escape_of_a_peers() -> None:
    lines = told(compared(SQUID))
    assert lines[0] == "At home: intercepted by Squid�[31m. Changed here: site0.example."
    assert lines[1] == "  ≠ site0.example  intercepted by Squid�[31m"
    assert (
        lines[2] == "      here 1 d ago it was direct, now: intercepted by Squid�[31m; HTTP/2 gone"
    )


def test_what_is_as_before_is_one_line_however_many_they_are() -> None:
    lines = told(compared(PUBLIC, 9))
    assert lines[0] == "At home: direct. No difference that counts."
    assert lines[1].endswith("site5.example and 3 more: as before")
    assert len(lines) == 2


def test_hosts_of_one_story_tell_it_once() -> None:
    lines = told(compared(SQUID, 8))
    assert lines[1].startswith("  ≠ site0.example, site1.example")
    assert lines[1].endswith("site5.example and 2 more  intercepted by Squid�[31m")
    assert len(lines) == 3


def test_silence_of_this_machine_is_told_once_and_said_not_to_be_compared() -> None:
    silent = PathReading(verdict="inconclusive", failure="dns-failure")
    seen = [Seen(f"site{n}.example", silent, "", kept=False) for n in range(3)]
    lines = told(path_answer(seen, HOME, (), AT))
    assert lines == [
        "At home: nobody answered, so there is nothing to compare.",
        "  · site0.example, site1.example, site2.example  no handshake (dns-failure)",
        "      not compared: it may be this machine's own network",
    ]


def test_notes_of_what_does_not_differ_are_told_where_they_are_asked_for() -> None:
    found = compared(PathReading(verdict="direct", alpn="h2", issuer="CN=E8"))
    assert not any("CN=E8" in line for line in told(found))
    assert told(found, verbose=True)[2] == "      here 1 d ago it was direct, now: signed by CN=E8"


def test_a_network_without_a_name_is_told_by_its_gateway_and_asked_for_one() -> None:
    lines = told(compared(PUBLIC, network=Network("bb" * 16, "", AT)), gateway="10.1.0.1")
    assert lines[0].startswith("At network bbbbbb (gateway 10.1.0.1): direct; at home: direct.")
    assert lines[-1] == "→ Give this network a name: tlsight watch-path --network NAME"


def test_networks_are_a_line_each() -> None:
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        record = networks_record((HOME, Network("bb" * 16, "", AT)), {HOME.id: (2, 7)})
        console.print(render_networks(record, AT + timedelta(hours=2)))
    rows = [line.split() for line in captured.get().splitlines()]
    assert rows[1] == ["home", "aaaaaa", "2", "h", "ago", "2", "7"]
    assert rows[2][:3] == ["(no", "name)", "bbbbbb"]
