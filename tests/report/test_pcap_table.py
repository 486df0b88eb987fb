"""The servers of a capture as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from rich.cells import cell_len

from detector.forensics.browsers import HelloOpinion
from detector.forensics.outcomes import UNSEEN
from detector.report.check_json import CauseRecord
from detector.report.layout import torn
from detector.report.pcap_json import FailureRecord, OddHelloRecord, SummaryRecord
from detector.report.pcap_table import ServerTable

AT = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
FAILURE = FailureRecord(
    "untrusted-root", "The client sends unknown_ca (48): no public program has the chain's root.",
    3, "certificate", "client", "rst", 48, "unknown_ca", False, AT, AT + timedelta(minutes=7), 4711, 0,
    "10.0.0.9",
)  # fmt: skip
SERVER = SummaryRecord(
    "tlsight.pcap-summary/1", "server", "192.0.2.5:443", 12, 3, 2, {"untrusted-root": 3},
    name="www.example.org", protocols={"tls": 12}, verdict="suspect",
    verdicts={"suspect": 4, "direct": 8}, reason="Nobody here knows the issuer.",
    reached={"finished": 9, "certificate": 3}, failures=[FAILURE], first=AT, last=AT,
)  # fmt: skip


def drawn(*records: SummaryRecord, width: int = 80) -> list[str]:
    return [line.plain for line in ServerTable(width).lines(records)]


def changed(**given: object) -> SummaryRecord:
    return msgspec.structs.replace(SERVER, **given)


def test_a_server_is_one_line_and_its_cause_another() -> None:
    assert drawn(SERVER, width=100) == [
        "when UTC  server                         from       failed  verdict",
        "14:13:20  www.example.org 192.0.2.5:443  2 clients    3/12  suspect",
        "  ✗ 3 × untrusted-root: The client sends unknown_ca (48): no public program has the chain's root.",
        "    [after the certificate, ended by the client (alert 48); 14:13:20 to 14:20:20; first #4711 from",
        "    10.0.0.9]",
        "  ? suspect (4 of 12): Nobody here knows the issuer.",
    ]


SOLE = changed(
    verdict="inconclusive", reason=UNSEEN["hidden"], client="198.51.100.200", clients=1,
    last=AT + timedelta(days=1), key="198.51.100.201:64000",
)  # fmt: skip
LONG = changed(
    name="a-very-long-name-of-a-machine." + "sub." * 40 + "example.org",
    key="[2001:db8:1234:5678:9abc:def0:1234:5678]:65535",
    client="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", clients=1, protocols={"quic": 12},
)  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("record", [SERVER, SOLE, LONG], ids=["short", "sole", "long"])
def test_nothing_is_wider_than_the_terminal_and_nothing_is_left_out(
    record: SummaryRecord, width: int
) -> None:
    lines = drawn(record, width=width)
    assert max(map(cell_len, lines)) <= width
    assert "…" not in "".join(lines)
    joined = "".join("".join(lines).split())
    for text in (record.key, record.name or "", FAILURE.text, record.reason or ""):
        if record is SERVER:
            assert "".join(text.split()) in joined
    start = lines[0].index("server")
    stop = lines[0].index("from")
    cell = "".join(line[start:stop].rstrip() for line in lines[1:] if not line.startswith("  ✗"))
    if record is LONG:
        assert (record.name or "") in cell
        assert record.key in cell.replace(record.name or "", "")[: len(record.key) + 4]


def test_wide_terminals_have_room_for_how_far_it_came() -> None:
    head, row, *_ = drawn(SERVER, width=120)
    assert head.split() == ["when", "UTC", "server", "from", "reached", "failed", "verdict"]
    assert "Certificate" in row


def test_why_nobody_saw_who_answers_is_told_once_for_all() -> None:
    hidden = changed(verdict="inconclusive", failures=[], reason=UNSEEN["hidden"], failed=0)
    early = changed(verdict="inconclusive", failures=[], reason=UNSEEN["too-early"], failed=0)
    lines = drawn(hidden, early, hidden)
    assert [line[-2:] for line in lines[1:4]] == ["e¹", "e²", "e¹"]
    assert lines[4:] == [f"¹ {UNSEEN['hidden']}", f"² {UNSEEN['too-early']}"]


def test_what_a_peer_wrote_steers_no_terminal() -> None:
    evil = changed(name="\x1b[2J[red]\u202ea.example", reason="[bold]\x07 says the peer")
    text = "\n".join(drawn(evil))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[red]" in text
    assert "[bold]" in text


def test_faults_that_no_client_met_and_odd_hellos_have_their_lines() -> None:
    fault = CauseRecord("certificate-expired", "server", "error", "It expired on 2026-01-01.")
    odd = OddHelloRecord(
        12, HelloOpinion("likely", "Chrome 140", "squid", ("Chrome sends GREASE.",))
    )
    lines = drawn(changed(faults=[fault], hellos={"likely": 2}, odd_hello=odd))
    assert "  ! certificate-expired: It expired on 2026-01-01." in lines
    text = " ".join(" ".join(lines).split())
    assert "2 hellos are not that of Chrome 140" in text
    assert "squid sends this very hello. (#12)" in text


def test_times_of_several_days_have_their_day() -> None:
    later = AT + timedelta(days=2)
    lines = drawn(changed(failures=[]), changed(failures=[], first=later, last=later))
    assert lines[1].startswith("09-21 14:13:20")
    assert any(line.startswith("09-23 14:13:20") for line in lines)


@pytest.mark.parametrize("width", [1, 5, 17, 40])
def test_a_text_is_torn_without_losing_a_letter(width: int) -> None:
    text = "plain words, [2001:db8::1]:443 and an-unbroken" + "x" * 50 + " end"
    lines = torn(text, width)
    assert max(map(cell_len, lines)) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
