"""`tlsight pcap --write --certificates --csv --zeek`, as they are used."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from detector.capture.keylog import KeyLog
from detector.capture.tally import Tally
from detector.runs.packets import Capture
from tests.capture.zeek_traces import zeek_trace
from tests.cli.conftest import Run

TRACE = "tls/google-duplicate.pcap"


def read(path: Path) -> int:
    """How many connections a capture has."""
    return len(list(Capture(KeyLog()).connections(str(path), Tally())))


def test_everything_is_exported_and_the_story_told_as_without(tmp_path: Path, tlsight: Run) -> None:
    trace = zeek_trace(TRACE)
    plain = tlsight("pcap", trace)
    done = tlsight(
        "pcap", "--write", tmp_path / "a.pcapng", "--csv", tmp_path / "a.csv",
        "--zeek", tmp_path / "logs", "--certificates", tmp_path / "certs", trace,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)
    assert done.stderr == plain.stderr
    assert read(tmp_path / "a.pcapng") == read(trace)
    records = [json.loads(x) for x in tlsight("pcap", "--json", trace).stdout.splitlines()]
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["ja4"] for row in rows] == [record["ja4"] for record in records]
    assert [row["verdict"] for row in rows] == [record["verdict"] for record in records]
    assert (tmp_path / "logs/x509.log").exists()
    assert len(list((tmp_path / "certs").glob("*.pem"))) >= 1


def test_connections_of_several_captures_are_found_in_their_own(
    tmp_path: Path, tlsight: Run
) -> None:
    """Each counts its packets from one."""
    traces = [zeek_trace(f"tls/{name}.pcap") for name in ("dhe", "ecdhe", "google-duplicate")]
    tlsight("pcap", "--write", tmp_path / "a.pcapng", *traces)
    assert read(tmp_path / "a.pcapng") == sum(map(read, traces))
    separate = [tlsight("pcap", "--json", trace).stdout for trace in traces]
    together = tlsight("pcap", "--json", tmp_path / "a.pcapng").stdout
    told = [json.loads(one)["sni"] for text in separate for one in text.splitlines()]
    assert sorted(map(str, told)) == sorted(
        str(json.loads(x)["sni"]) for x in together.splitlines()
    )


def test_stdout_may_be_the_export_and_then_is_nothing_else(tlsight: Run) -> None:
    trace = zeek_trace(TRACE)
    done = tlsight("pcap", "--csv", "-", trace)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert len(rows) == read(trace)
    assert {row["server_port"] for row in rows} == {"443"}


@pytest.mark.parametrize(
    ("words", "complaint", "code"),
    [
        (("--write", "x.pcapng", "-"), "which only a file allows; save the capture to a file", 2),
        (("--anonymize", "--csv", "x.csv", "TRACE"), "replaces nothing in exported files", 2),
        (("--anonymize", "--write", "x.pcapng", "TRACE"), "replaces nothing in exported", 2),
        (("--csv", "-", "--write", "-", "TRACE"), "only one of them can go to stdout", 2),
        (("--csv", "-", "--json", "TRACE"), "stdout is the export's", 2),
        (
            ("--csv", "/no-such-folder/x.csv", "TRACE"),
            "/no-such-folder/x.csv: cannot be written",
            4,
        ),
        (("--zeek", "/dev/null/x", "TRACE"), "/dev/null/x: cannot be made", 4),
        (("--write", "/dev/full", "TRACE"), "/dev/full: cannot be written: No space left", 4),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_line(
    words: tuple[str, ...], complaint: str, code: int, tlsight: Run
) -> None:
    done = tlsight("pcap", *(zeek_trace(TRACE) if word == "TRACE" else word for word in words))
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == code


def test_a_capture_that_is_cut_is_exported_as_far_as_it_goes(tmp_path: Path, tlsight: Run) -> None:
    trace = tmp_path / "cut.pcap"
    trace.write_bytes(zeek_trace(TRACE).read_bytes()[:-700])
    tlsight("pcap", "--write", tmp_path / "a.pcapng", trace)
    assert read(tmp_path / "a.pcapng") == read(trace)


def test_only_what_the_filters_leave_is_exported(tmp_path: Path, tlsight: Run) -> None:
    traces = [zeek_trace(f"tls/{name}.pcap") for name in ("ssl-to-http-server", "tls-conn-with-extensions")]  # fmt: skip
    for words, names in (
        (("--failed",), {"vk.com"}),
        (("--sni", "ssl.gstatic.com"), {"ssl.gstatic.com"}),
    ):
        out, table = tmp_path / "a.pcapng", tmp_path / "a.csv"
        tlsight("pcap", *words, "--write", out, "--csv", table, *traces)
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert 0 < len(rows) == read(out) < sum(map(read, traces))
        assert {row["sni"] for row in rows} == names


def test_where_nothing_is_left_the_files_are_empty_ones(tmp_path: Path, tlsight: Run) -> None:
    out = tmp_path / "a.pcapng"
    tlsight(
        "pcap",
        "--sni",
        "nobody.example",
        "--write",
        out,
        "--zeek",
        tmp_path / "z",
        zeek_trace(TRACE),
    )
    assert read(out) == 0
    assert [x for x in (tmp_path / "z/ssl.log").read_text().splitlines() if x[0] != "#"] == []


def test_a_packed_capture_is_read_twice_too(tmp_path: Path, tlsight: Run) -> None:
    out = tmp_path / "a.pcapng"
    tlsight("pcap", "--write", out, zeek_trace("tls/tls-fragmented-handshake.pcap.gz"))
    assert read(out) == 1
