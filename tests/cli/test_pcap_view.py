"""`tlsight pcap`'s view: the table, what filters leave of it, and one connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.capture import packets as p
from tests.capture.conftest import refused, tls12, tls13
from tests.cli.conftest import Run

__all__ = ["refused", "tls12", "tls13"]

Said = list[tuple[bool, bytes]]
SIX = "fd00:a::9"


@pytest.fixture
def trace(tls12: Said, tls13: Said, refused: Said, tmp_path: Path) -> Path:
    """Two clients at two servers: one completes, one refuses, one is never answered, one speaks TLS 1.3."""
    packets: list[bytes] = []
    for talk, said in (
        (p.Talk("10.0.0.9", "192.0.2.5", own=50000), tls12),
        (p.Talk("10.0.0.8", "192.0.2.5", own=50001), refused),
        (p.Talk(SIX, "2001:db8::5", own=50002), tls13),
    ):
        talk.open()
        for from_client, data in said:
            talk.send(from_client, data)
        packets += talk.close().packets
    packets += p.Talk("10.0.0.9", "198.51.100.7", own=50003).send(True, flags=p.SYN).packets
    path = tmp_path / "trace.pcap"
    path.write_bytes(p.pcap(packets, 101, leaps={len(packets) - 1: 60.0}))
    return path


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_text_objects_and_exit_code_say_the_same(trace: Path, tlsight: Run) -> None:
    text = tlsight("pcap", str(trace))
    rows = objects(tlsight("pcap", "--json", str(trace)).stdout)
    whole, *servers = objects(tlsight("pcap", "--json", "--summary", str(trace)).stdout)
    failed = [row for row in rows if row["failed"]]
    assert text.returncode == 1
    assert (whole["by"], whole["connections"], whole["failed"]) == ("capture", 4, len(failed))
    assert f"4 connections with TLS: {len(failed)} failed" in text.stdout
    servers = [one for one in servers if one["by"] == "server"]
    assert sum(one["failed"] for one in servers) == len(failed)
    told = [failure for one in servers for failure in one["failures"]]
    assert {(f["number"], f["cause"], f["closed_by"], f["reached"]) for f in told} == {
        (row["number"], row["causes"][0]["id"], row["closed_by"], row["reached"]) for row in failed
    }
    flat = " ".join(text.stdout.split())
    for failure in told:
        assert f"✗ {failure['cause']}: " in flat
        assert f"#{failure['number']}" in flat


def test_the_default_view_says_when_who_to_whom_how_far_why_and_who_cut_it(
    trace: Path, tlsight: Run
) -> None:
    done = tlsight("pcap", str(trace), COLUMNS="80")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout
    flat = " ".join(done.stdout.split())
    assert "2026-09-21 14:13:20 to 14:14:20 UTC by the capture's clock" in flat
    assert "14:13:20 www.example.org 192.0.2.5:443 2 clients 1/2" in flat
    assert "[after the certificate, ended by the client (alert 48)" in flat
    assert "from 10.0.0.8]" in flat
    assert "198.51.100.7:443" in flat
    assert "connection-timeout: " in flat
    assert "[at the SYN, no end was seen; #" in flat
    assert "www.example.org [2001:db8::5]:443 fd00:a::9" in flat
    assert "BROKEN" not in flat  # ladders are for those who ask


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--client", "10.0.0.9"), 2),
        (("--client", "10.0.0.0/8", "--client", SIX), 4),
        (("--server", "192.0.2.0/24"), 2),
        (("--server", "192.0.2.5:444"), 0),
        (("--server", "www.example.org:443"), 3),
        (("--host", "*.example.org"), 3),
        (("--host", "198.51.100.7"), 1),
        (("--sni", "-"), 1),
        (("--failed",), 2),
        (("--cause", "connection-timeout"), 1),
        (("--failed", "--server", "192.0.2.5"), 1),
        (("--since", "+30"), 1),
        (("--until", "-30"), 3),
        (("--since", "14:14:00"), 1),
        (("--until", "2026-09-21T14:14:00Z"), 3),
    ],
)
def test_filters_leave_what_was_asked_for_everywhere(
    words: tuple[str, ...], numbers: int, trace: Path, tlsight: Run, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    text = tlsight("pcap", *words, "--html", str(page), str(trace))
    rows = objects(tlsight("pcap", *words, "--json", str(trace)).stdout)
    whole = objects(tlsight("pcap", *words, "--json", "--summary", str(trace)).stdout)[0]
    assert len(rows) == whole["connections"] == numbers
    assert f" {numbers} of 4 connections with TLS" in text.stdout
    assert f">{numbers} of 4<" in page.read_text().replace("\n", "")
    if not numbers:
        assert text.returncode == 3
        assert "none of the connections is what was asked for" in text.stdout


def test_a_filter_changes_no_verdict(trace: Path, tlsight: Run) -> None:
    rows = {row["number"]: row for row in objects(tlsight("pcap", "--json", str(trace)).stdout)}
    for row in objects(tlsight("pcap", "--json", "--client", "10.0.0.8", str(trace)).stdout):
        assert row == rows[row["number"]]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--client", "nobody"), "neither an address nor a network"),
        (("--server", "192.0.2.5:0x1"), "is no server"),
        (("--host", "a..b"), "neither a name nor an address"),
        (("--cause", "expired"), "did you mean certificate-expired"),
        (("--verdict", "bad"), "is none of direct"),
        (("--since", "soon"), "is no time"),
        (("--since", "-10", "--until", "+10"), "is before --since"),
        (("--connection", "2"), "no connection with TLS begins with packet 2"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_2(
    words: tuple[str, ...], complaint: str, trace: Path, tlsight: Run
) -> None:
    done = tlsight("pcap", *words, str(trace))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_server_that_is_asked_for_is_diagnosed(trace: Path, tlsight: Run) -> None:
    done = tlsight("pcap", "--server", "192.0.2.5", str(trace))
    assert "✓ client-hello" in done.stdout
    assert "BROKEN" in done.stdout


def failing(trace: Path, tlsight: Run) -> dict[str, Any]:
    (row,) = objects(
        tlsight("pcap", "--json", "--failed", "--client", "10.0.0.8", str(trace)).stdout
    )
    return row


def test_one_connection_is_told_message_by_message(trace: Path, tlsight: Run) -> None:
    row = failing(trace, tlsight)
    words = ("pcap", "--connection", str(row["number"]), str(trace))
    text = tlsight(*words)
    (record,) = objects(tlsight(*words[:-1], "--json", str(trace)).stdout)
    assert text.returncode == 1
    assert record["schema"] == "tlsight.pcap-connection/1"
    assert record["connection"] == row
    assert record["display_filter"] in text.stdout.splitlines()  # in one line, to be copied
    for step in record["steps"]:
        assert step["what"] in text.stdout
    assert "alert unknown_ca (48), fatal" in text.stdout
    assert "failed after the certificate, ended by the client (alert 48)" in text.stdout
    assert "✓ client-hello" in text.stdout  # its diagnosis


def test_one_connection_of_stdin_is_the_same(trace: Path, tlsight: Run) -> None:
    number = str(failing(trace, tlsight)["number"])
    from_file = ("sh", "-c", 'file=$1; shift; exec "$@" < "$file"', "sh", str(trace))
    piped = tlsight("pcap", "--connection", number, "-", prefix=from_file)
    assert piped.stdout == tlsight("pcap", "--connection", number, str(trace)).stdout


def test_one_connection_needs_one_file(trace: Path, tlsight: Run) -> None:
    for words in ((str(trace), str(trace)), ("--interface", "lo")):
        done = tlsight("pcap", "--connection", "1", *words)
        assert done.returncode == 2
        assert "give that file alone" in done.stderr


@pytest.mark.parametrize("number", [1, 2, 3])
def test_names_and_addresses_of_one_connection_are_hidden(
    number: int, trace: Path, tlsight: Run
) -> None:
    rows = objects(tlsight("pcap", "--json", str(trace)).stdout)
    place = str(sorted(row["number"] for row in rows)[number - 1])
    for words in ((), ("--json",)):
        done = tlsight("pcap", "--anonymize", "--connection", place, *words, str(trace))
        for secret in ("10.0.0.", "192.0.2.5", "example.org", "fd00:a", "2001:db8::5:"):
            assert secret not in done.stdout


def test_a_hello_that_is_not_its_browsers_shows_in_every_form(
    trace: Path, tlsight: Run, tmp_path: Path
) -> None:
    claim = ("--ua", "Mozilla/5.0 Chrome/140.0", "--client", SIX)
    page = tmp_path / "page.html"
    forms = {
        "view": tlsight("pcap", *claim, "--html", str(page), str(trace)).stdout,
        "connections": tlsight("pcap", *claim, "--connections", str(trace)).stdout,
        "summary": tlsight("pcap", *claim, "--summary", str(trace)).stdout,
        "page": page.read_text(),
    }
    for name, text in forms.items():
        assert "Chrome 140" in text, name
    (row,) = objects(tlsight("pcap", *claim, "--json", str(trace)).stdout)
    groups = objects(tlsight("pcap", *claim, "--json", "--summary", str(trace)).stdout)
    assert row["hello"]["claims"] == "Chrome 140"
    assert groups[0]["hellos"] == {row["hello"]["interception"]: 1}
    assert [g["key"] for g in groups if g["by"] == "browser"] == [
        f"{row['hello']['interception']}: Chrome 140"
    ]


def test_five_hundred_servers_are_forty_lines_the_worst_first(
    refused: Said, tls13: Said, tmp_path: Path, tlsight: Run
) -> None:
    packets: list[bytes] = []
    for number in range(500):
        talk = p.Talk(server=f"198.18.{number >> 8}.{number & 255}", own=40000 + number).open()
        for from_client, data in refused if number == 400 else tls13:
            talk.send(from_client, data)
        packets += talk.close().packets
    path = tmp_path / "many.pcap"
    path.write_bytes(p.pcap(packets, 101))
    done = tlsight("pcap", str(path))
    rows = [line for line in done.stdout.splitlines() if line.startswith("14:13:")]
    assert len(rows) == 40
    assert "198.18.1.144:443" in rows[0]
    assert "and 460 more servers, none of them with failures; -v shows them" in done.stdout
    assert sum("198.18." in line for line in tlsight("pcap", "-v", str(path)).stdout.splitlines()
               if line.startswith("14:13:")) == 500  # fmt: skip
