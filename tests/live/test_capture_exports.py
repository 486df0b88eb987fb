"""Exports read by the programs they are for: Wireshark's tools, tcpdump, OpenSSL, and a reader of Zeek's logs."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path

import pytest

from detector.capture.keylog import KeyLog
from detector.capture.tally import Tally
from detector.runs.packets import Capture
from detector.wire.hello import ClientHello, client_hello_record
from tests.capture import packets as p
from tests.capture.test_keylog import conversation
from tests.capture.zeek_traces import zeek_trace, zeek_traces
from tests.cli.conftest import Run, command
from tests.live.programs import find

pytestmark = pytest.mark.live
NAME = "a\tb\\x41,\n#close"
READ = """
import json, sys
from parsezeeklogs import read_zeek
print(json.dumps([list(read_zeek(path)) for path in sys.argv[1:]], default=str))
"""


@pytest.fixture
def tlsight(tmp_path: Path) -> Run:
    return command(tmp_path)


def said_by(*words: object) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shark(path: Path, *fields: str, show: str = "frame") -> list[list[str]]:
    """Fields of the packets that a display filter shows."""
    asked = [word for field in fields for word in ("-e", field)]
    out = said_by(find("tshark"), "-r", path, "-Y", show, "-T", "fields", *asked)
    return [line.split("\t") for line in out.splitlines()]


def test_wiresharks_tools_and_tcpdump_read_what_is_written(tmp_path: Path, tlsight: Run) -> None:
    """All of Zeek's traces in one file: link types, units, tunnels, damaged ones."""
    out = tmp_path / "all.pcapng"
    traces = [path for path in zeek_traces() if path.suffix != ".gz"]
    tlsight("pcap", "--write", out, *traces)
    wanted = 0
    for path in traces:
        wanted += sum(c.packets for c in Capture(KeyLog()).connections(str(path), Tally())
                      if c.hello is not None)  # fmt: skip
    count = int(said_by(find("capinfos"), "-M", "-c", out).split()[-1])
    assert count >= wanted > 4000
    said_by(find("editcap"), out, tmp_path / "again.pcapng")
    assert said_by(find("capinfos"), "-M", "-c", tmp_path / "again.pcapng").split()[-1] == str(
        count
    )
    assert len(shark(out, "frame.number")) == count
    one = tmp_path / "one.pcapng"
    tlsight("pcap", "--write", one, zeek_trace("tls/dhe.pcap"))
    assert said_by(find("tcpdump"), "-nr", one).count(" IP ") == len(shark(one, "frame.number"))


def test_comments_stand_where_it_shows(tmp_path: Path, tlsight: Run) -> None:
    out = tmp_path / "a.pcapng"
    tlsight("pcap", "--write", out, zeek_trace("tls/certificate-request-failed.pcap"))
    told = shark(out, "tcp.seq", "frame.comment", "tls.alert_message.desc", show="frame.comment")
    assert "tlsight: connection 1: verdict " in told[0][1]
    assert "failed: " in told[0][1]
    (alert,) = [row for row in told if "this is the alert that ended it" in row[1]]
    assert alert[2] == "40"


def test_nanoseconds_and_lengths_on_the_wire_are_kept(tmp_path: Path, tlsight: Run) -> None:
    trace, out = tmp_path / "nano.pcapng", tmp_path / "out.pcapng"
    said_by(
        find("editcap"), "-s", "1000", "-t", "0.000000123", "-F", "nsecpcap",
        zeek_trace("tls/ecdhe.pcap"), tmp_path / "nano.pcap",
    )  # fmt: skip
    tlsight("pcap", "--write", out, tmp_path / "nano.pcap")
    fields = ("frame.time_epoch", "frame.len", "frame.cap_len", "tcp.seq_raw", "tcp.len")
    before = shark(tmp_path / "nano.pcap", *fields)
    assert any(row[0].endswith("123") for row in before)
    assert any(row[1] != row[2] for row in before)
    assert shark(out, *fields) == before
    said_by(find("editcap"), tmp_path / "nano.pcap", trace)
    tlsight("pcap", "--write", out, trace)
    assert shark(out, *fields) == before


def test_wireshark_opens_what_the_key_log_inside_opens(tmp_path: Path, tlsight: Run) -> None:
    made: list[bytes] = []
    secrets = b""
    for number in (0, 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        talk = p.Talk(own=50000 + number).open()
        for from_client, data in conversation(folder):
            talk.send(from_client, data)
        made += talk.close().packets
        secrets += (folder / "keys.txt").read_bytes()
    trace, out = tmp_path / "keys.pcapng", tmp_path / "out.pcapng"
    trace.write_bytes(p.pcapng(made, 101, secrets))
    tlsight("pcap", "--write", out, trace)
    types = "tls.handshake.type == 11 && tls.handshake.certificate"
    assert len(shark(out, "tcp.srcport", show=types)) == 2


def test_openssl_reads_the_chains(tmp_path: Path, tlsight: Run) -> None:
    tlsight("pcap", "--certificates", tmp_path, zeek_trace("tls/google-duplicate.pcap"))
    (path, *_) = sorted(tmp_path.glob("*.pem"))
    assert "subject=" in said_by(find("openssl"), "x509", "-in", path, "-noout", "-subject")


@pytest.mark.online
@pytest.mark.timeout(300)
def test_a_reader_of_zeeks_logs_reads_ours(tmp_path: Path, tlsight: Run) -> None:
    traces = [path for path in zeek_traces() if path.parent.name == "tls" and path.suffix != ".gz"]
    tlsight("pcap", "--zeek", tmp_path / "logs", *traces, hostile(tmp_path))
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    said_by(python, "-m", "pip", "install", "-q", "parsezeeklogs>=3")
    logs = [tmp_path / "logs" / f"{name}.log" for name in ("ssl", "x509")]
    ssl, x509 = json.loads(said_by(python, "-c", READ, *logs))
    plain = [one for one in logs[0].read_text().splitlines() if one[0] != "#"]
    assert len(ssl) == len(plain) > 80
    assert {row["version"] for row in ssl} > {"TLSv12", "TLSv13", "TLSv13-draft23", "DTLSv12"}
    assert {row["established"] for row in ssl} == {True, False}
    (basic,) = [row for row in ssl if row["server_name"] == "ssl.gstatic.com"]
    assert len(basic["cert_chain_fps"]) == 2
    assert basic["client_cert_chain_fps"] == []
    assert NAME in {row["server_name"] for row in ssl}
    (leaf,) = [row for row in x509 if row["fingerprint"] == basic["cert_chain_fps"][0]]
    assert leaf["certificate.key_length"] == 1024
    assert leaf["san.dns"] == ["*.gstatic.com", "gstatic.com", "*.metric.gstatic.com"]


def hostile(folder: Path) -> Path:
    """A capture with a name in it that would break lines and columns."""
    hello = client_hello_record(
        ClientHello(
            0x0303, bytes(32), b"", (0xC02F,), b"\0",
            ((0, b"\0" + (len(NAME) + 3).to_bytes(1) + b"\0\0" + len(NAME).to_bytes(1) + NAME.encode()),),
        )
    )  # fmt: skip
    talk = p.Talk().open().send(True, hello).send(False, b"\x15\x03\x03\0\x02\x02\x28").close()
    path = folder / "hostile.pcap"
    path.write_bytes(p.pcap(talk.packets, 101))
    return path
