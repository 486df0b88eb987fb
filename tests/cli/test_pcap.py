"""`tlsight pcap`, as it is used."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench.captures import write_handshakes
from detector.forensics.groups import KINDS
from tests.capture import packets as p
from tests.capture.conftest import tls12, tls13
from tests.capture.test_preamble import BEFORE
from tests.capture.zeek_traces import zeek_trace
from tests.cli.conftest import Run
from tests.logs.test_programs import TRANSCRIPTS

__all__ = ["tls12", "tls13"]

Said = list[tuple[bool, bytes]]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.pcap"
    write_handshakes(path, 1)
    return path


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_is_one_object_a_connection(trace: Path, tlsight: Run) -> None:
    done = tlsight("pcap", "--json", "--no-store", str(trace))
    assert done.returncode == 1  # these clients are content, but no public program has the root
    records = objects(done.stdout)
    assert len(records) > 80
    assert {r["schema"] for r in records} == {"tlsight.pcap/1"}
    assert {r["version"] for r in records} == {"TLSv1.2", "TLSv1.3"}
    assert {r["sni"] for r in records} == {"www.example.org"}
    assert all(r["ja3"] and r["ja3s"] and r["ja4"] for r in records)
    assert {len(r["chain"]) for r in records if r["version"] == "TLSv1.2"} == {2}  # type: ignore[arg-type]


def test_a_summary_is_by_server_name_hello_and_cause(trace: Path, tlsight: Run) -> None:
    records = objects(tlsight("pcap", "--json", "--summary", str(trace)).stdout)
    assert {r["by"] for r in records} == {"capture", "server", *KINDS} - {"browser"}
    (server,) = [r for r in records if r["by"] == "server"]
    assert server["key"] == "192.0.2.1:443"


@pytest.mark.parametrize("way", ["file", "packed", "stdin"])
def test_files_packed_files_and_stdin_are_the_same(way: str, trace: Path, tlsight: Run) -> None:
    wanted = len(objects(tlsight("pcap", "--json", str(trace)).stdout))
    if way == "stdin":
        from_file = ("sh", "-c", 'file=$1; shift; exec "$@" < "$file"', "sh", str(trace))
        done = tlsight("pcap", "--json", "-", prefix=from_file)
    else:
        packed = trace.with_suffix(".pcap.gz")
        packed.write_bytes(gzip.compress(trace.read_bytes()))
        done = tlsight("pcap", "--json", str(packed))
    assert len(objects(done.stdout)) == wanted


def test_a_log_and_a_capture_tell_one_story(
    refused_trace: Path, tmp_path: Path, tlsight: Run
) -> None:
    log = tmp_path / "error.log"
    log.write_text(TRANSCRIPTS[4][0].replace("192.0.2.7:60196", f"{p.CLIENT}:50000")
                   .replace("24/Nov/2026:00:23:31.154", "21/Sep/2026:14:13:20.000") + "\n")  # fmt: skip
    for done in (
        tlsight("pcap", "--logs", str(log), "-v", str(refused_trace), TZ="UTC"),
        tlsight("logs", "--pcap", str(refused_trace), str(log), TZ="UTC"),
    ):
        assert "1 of 1 logged failures are in the capture" in done.stdout.replace("\n", " ")


@pytest.fixture
def refused_trace(tls12: Said, tmp_path: Path) -> Path:
    """A client that says unknown_ca."""
    talk = p.Talk().open()
    for from_client, data in tls12[:4]:
        talk.send(from_client, data)
    talk.send(True, b"\x15\x03\x03\0\x02\x02\x30").close()
    path = tmp_path / "refused.pcap"
    path.write_bytes(p.pcap(talk.packets, 101))
    return path


def test_a_browser_that_is_none_is_told(tls13: Said, tmp_path: Path, tlsight: Run) -> None:
    talk = p.Talk(port=3128).open()
    for from_client, data in [*BEFORE["http-connect"], *tls13]:
        talk.send(from_client, data)
    path = tmp_path / "proxy.pcap"
    path.write_bytes(p.pcap(talk.close().packets, 101))
    (record,) = objects(tlsight("pcap", "--json", str(path)).stdout)
    assert record["before"]["target"] == "a.example:443"  # type: ignore[index]
    assert record["hello"]["interception"] == "likely"  # type: ignore[index]
    assert record["hello"]["claims"] == "Firefox 128"  # type: ignore[index]
    done = tlsight("pcap", "--connections", "--ua", "Mozilla/5.0 Chrome/140.0", str(path))
    assert "not the hello of the browser it claims to be" in done.stdout.replace("\n", " ")


def test_connections_never_taken_are_told_on_ports_of_tls(tmp_path: Path, tlsight: Run) -> None:
    talk = p.Talk(port=7777).send(True, flags=p.SYN).send(False, flags=p.RST | p.ACK)
    path = tmp_path / "refused.pcap"
    path.write_bytes(p.pcap(talk.packets, 101))
    assert tlsight("pcap", "--json", str(path)).returncode == 3
    (record,) = objects(tlsight("pcap", "--json", "--port", "7777", str(path)).stdout)
    assert record["causes"][0]["id"] == "connection-refused"  # type: ignore[index]


def test_addresses_and_names_are_replaced_on_request(trace: Path, tlsight: Run) -> None:
    for words in (("--json",), ("--summary",), ("--connections",), ("--json", "--summary")):
        done = tlsight("pcap", "--anonymize", *words, str(trace))
        assert "192.0.2.1" not in done.stdout
        assert "example.org" not in done.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "give files, or --interface"),
        (("no-such.pcap",), "No such file"),
        (("--keylog", "no-such.keys", "FILE"), "No such file"),
        (("--keylog", "FILE", "FILE"), "no secret of TLS in it"),
        (("--plot", "a.pdf", "FILE"), "neither .svg nor .png"),
        (("--interface", "no-such-if0"), "no-such-if0"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: tuple[str, ...], complaint: str, trace: Path, tlsight: Run
) -> None:
    done = tlsight("pcap", *(str(trace) if word == "FILE" else word for word in words))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_no_capture_is_told(tmp_path: Path, tlsight: Run) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!doctype html>")
    done = tlsight("pcap", str(path))
    assert done.returncode == 2
    assert "neither pcap nor pcapng at byte 0; give a pcap or pcapng file" in done.stderr


def test_a_capture_cut_in_a_packet_is_read_and_told(trace: Path, tlsight: Run) -> None:
    trace.write_bytes(trace.read_bytes()[:-33])
    done = tlsight("pcap", str(trace))
    assert "the capture ends in the middle of a packet" in done.stdout


def test_addresses_are_shown_as_they_are(tls12: Said, tmp_path: Path, tlsight: Run) -> None:
    """Rich takes `[fd00...]` for a style and `:b:` for an emoji."""
    talk = p.Talk("fd00:a:b::1", "2001:db8:a:b::1").open()
    for from_client, data in tls12[:4]:
        talk.send(from_client, data)
    talk.send(True, b"\x15\x03\x03\0\x02\x02\x30").close()
    path = tmp_path / "six.pcap"
    path.write_bytes(p.pcap(talk.packets, 101))
    for words in (("--connections",), ("-v",)):
        done = tlsight("pcap", *words, str(path), COLUMNS="200")
        assert "[fd00:a:b::1]:50000 → [2001:db8:a:b::1]:443" in done.stdout
        rows = [line.split() for line in done.stdout.splitlines() if line.startswith("14:13:20")]
        assert [row[1:4] for row in rows] == [
            ["www.example.org", "[2001:db8:a:b::1]:443", "fd00:a:b::1"]
        ]


@pytest.mark.parametrize("bad", ["torn.pcap.gz", "page.html", "missing.pcap"])
def test_of_several_files_a_bad_one_costs_only_itself(
    bad: str, refused_trace: Path, tmp_path: Path, tlsight: Run
) -> None:
    path = tmp_path / bad
    packed = gzip.compress(refused_trace.read_bytes())
    if bad.startswith("torn"):
        path.write_bytes(packed[:60] + bytes(60) + packed[120:])
    elif bad.startswith("page"):
        path.write_text("<!doctype html>")
    alone = tlsight("pcap", "--json", str(path))
    assert alone.returncode == 2
    assert alone.stderr.count("\n") == 1
    good = objects(tlsight("pcap", "--json", str(refused_trace)).stdout)
    for files in ((str(path), str(refused_trace)), (str(refused_trace), str(path))):
        done = tlsight("pcap", "--json", *files)
        assert done.returncode == 1
        found = [{**o, "source": 0} for o in objects(done.stdout)]
        assert [o for o in found if o in good] == good
        assert sum(line.startswith(f"tlsight: {path}") for line in done.stderr.splitlines()) == 1
        assert bad in done.stderr


def test_a_file_that_was_not_read_is_no_clean_result(tmp_path: Path, tlsight: Run) -> None:
    quiet = tmp_path / "quiet.pcap"
    quiet.write_bytes(p.pcap([]))
    done = tlsight("pcap", "--json", str(quiet), str(tmp_path / "missing.pcap"))
    assert done.returncode == 2
    assert tlsight("pcap", "--json", str(quiet)).returncode == 3


def test_an_outer_name_is_told_as_such(tlsight: Run) -> None:
    trace = str(zeek_trace("tls/tls13-ech.pcap"))
    assert "cloudflare-ech.com (outer name)" in " ".join(tlsight("pcap", trace).stdout.split())
    found = objects(tlsight("pcap", "--json", trace).stdout)
    assert {one["ech"] for one in found} == {"outer"}


@pytest.mark.parametrize("option", ["--csv", "--html", "--plot", "--write"])
def test_the_capture_itself_is_never_written_to(option: str, trace: Path, tlsight: Run) -> None:
    name = trace.with_suffix(".svg") if option == "--plot" else trace
    before = trace.read_bytes()
    name.write_bytes(before)
    done = tlsight("pcap", option, str(name), str(name))
    assert done.returncode == 2
    assert "is read itself" in done.stderr
    assert name.read_bytes() == before


def test_a_packed_capture_that_is_cut_gives_what_the_cut_one_gives(
    trace: Path, tmp_path: Path, tlsight: Run
) -> None:
    packed = gzip.compress(trace.read_bytes(), compresslevel=0)
    cut = tmp_path / "cut.pcap.gz"
    cut.write_bytes(packed[: len(packed) * 2 // 3])
    done = tlsight("pcap", "--json", str(cut))
    assert objects(done.stdout)
    assert "the capture ends in the middle of a packet" in done.stderr


def test_what_only_the_servers_together_show_is_told_beside_json(tlsight: Run) -> None:
    done = tlsight("pcap", "--json", str(zeek_trace("tls/tls1_1.pcap")))
    assert done.returncode == 1
    assert "1 server with faults that clients of today refuse" in done.stderr
