"""`tlsight logs`, as it is used."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zstandard

from detector.lab.pki import LabPki
from docs.evidence_pictures import a_log
from tests.cli.conftest import Run
from tests.logs.test_programs import TRANSCRIPTS

NGINX = TRANSCRIPTS[0][0]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "error.log"
    path.write_bytes(a_log())
    return path


def test_causes_are_ranked_by_clients_and_noise_is_apart(log: Path, tlsight: Run) -> None:
    done = tlsight("logs", "--timezone", "UTC", str(log))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "796 lines of nginx: 735 failed handshakes, 60 of noise"
    rows = [line.split() for line in lines]
    order = [row[2] for row in rows if len(row) > 2 and row[0].isdigit() and row[1].isdigit()]
    assert order == ["untrusted-root", "version-mismatch", "certificate-expired", "not-tls"]
    assert "untrusted-root from 198 clients since 2026-09-23 09:11:53" in done.stdout
    assert "somebody may stand in between" in done.stdout.replace("\n", " ")


def test_json_is_one_object_a_group(log: Path, tlsight: Run) -> None:
    done = tlsight("logs", "--json", "--timezone", "UTC", str(log))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert {r["schema"] for r in records} == {"tlsight.logs/1"}
    first = records[0]
    assert (first["cause"], first["complainant"], first["clients"]) == (
        "untrusted-root",
        "client",
        198,
    )
    assert first["first"] == "2026-09-23T09:11:53Z"
    assert first["since"] == "nginx read its configuration again"
    assert first["alert"] == 48
    assert "10.20.30.0/24" in first["networks"]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst"])
def test_packed_logs_are_read_as_they_are(suffix: str, tmp_path: Path, tlsight: Run) -> None:
    pack = {
        "": bytes, ".gz": gzip.compress, ".xz": lzma.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }[suffix]  # fmt: skip
    path = tmp_path / f"error.log{suffix}"
    path.write_bytes(pack(a_log()))
    done = tlsight("logs", "--json", str(path))
    assert json.loads(done.stdout.splitlines()[0])["events"] == 620


def test_a_log_on_stdin(log: Path, tlsight: Run) -> None:
    done = tlsight("logs", "--json", "-", stdin=log.read_text())
    assert json.loads(done.stdout.splitlines()[0])["events"] == 620


def test_a_damaged_packed_log_is_one_line_of_complaint(tmp_path: Path, tlsight: Run) -> None:
    path = tmp_path / "error.log.gz"
    path.write_bytes(gzip.compress(a_log())[:2000])
    done = tlsight("logs", str(path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("no-such-file",), "No such file"),
        (("--format", "iptables", "FILE"), "none of nginx"),
        (("--plot", "a.gif", "FILE"), "neither .svg nor .png"),
        (("--timezone", "Mars/Olympus", "FILE"), "no time zone"),
        (("--certificate", "FILE", "FILE"), "certificate"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: tuple[str, ...], complaint: str, log: Path, tlsight: Run
) -> None:
    done = tlsight("logs", *(str(log) if word == "FILE" else word for word in words))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_no_log_is_told_with_the_remedy(tmp_path: Path, tlsight: Run) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n")
    done = tlsight("logs", str(path))
    assert done.returncode == 2
    assert "name it: --format" in done.stderr


def test_of_several_files_those_that_are_no_logs_are_told_and_left(
    log: Path, tmp_path: Path, tlsight: Run
) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("buy milk\n")
    done = tlsight("logs", str(other), str(log))
    assert done.returncode == 1
    assert "735 failed handshakes" in done.stdout
    assert "notes.txt: no known program's log" in done.stderr


def test_a_quiet_log_is_clean_and_says_what_it_may_hide(tmp_path: Path, tlsight: Run) -> None:
    path = tmp_path / "error.log"
    path.write_text(
        "2026/11/24 00:00:00 [error] 1#1: *1 open() failed, client: 192.0.2.1, server: a\n"
    )
    done = tlsight("logs", str(path))
    assert done.returncode == 0
    assert "may be hidden (nginx)" in done.stdout
    assert "error_log /var/log/nginx/error.log info;" in done.stdout


def test_the_configuration_in_force_decides_what_is_hidden(
    log: Path, tmp_path: Path, tlsight: Run
) -> None:
    config = tmp_path / "nginx.conf"
    config.write_text("server_name a;\nerror_log /var/log/nginx/error.log;\n")
    assert "hidden (nginx)" in tlsight("logs", "--config", str(config), str(log)).stdout
    config.write_text("server_name a;\nerror_log /var/log/nginx/error.log info;\n")
    assert "hidden (nginx)" not in tlsight("logs", "--config", str(config), str(log)).stdout


def test_a_replaced_certificate_is_a_change(log: Path, tmp_path: Path, tlsight: Run) -> None:
    pem = tmp_path / "site.pem"
    pem.write_text(LabPki().issue("shop.example").chain_pem)
    os.utime(pem, (1_790_154_690, 1_790_154_690))  # 09:11:30
    done = tlsight("logs", "--timezone", "UTC", "--certificate", str(pem), str(log))
    assert "the certificate of CN=shop.example was replaced at 2026-09-23 09:11:30" in done.stdout


def test_addresses_and_names_are_replaced_on_request(log: Path, tlsight: Run) -> None:
    for words in (("--json",), ("-v",)):
        done = tlsight("logs", "--anonymize", *words, str(log))
        assert "10.20.30" not in done.stdout
        assert "shop.example" not in done.stdout
        assert "untrusted-root" in done.stdout


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_growing_log_is_followed_through_its_rotation(
    tmp_path: Path, ending: signal.Signals
) -> None:
    """SIGTERM also where SIGINT is ignored, as in a script's background."""

    def as_started() -> None:
        ignored = ending == signal.SIGTERM
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)

    path = tmp_path / "error.log"
    path.write_text(NGINX + "\n")
    command = [sys.executable, "-m", "detector", "logs", "-f", "--format", "nginx", str(path)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=as_started,  # noqa: PLW1509
    ) as program:
        assert program.stdout is not None
        assert "untrusted-root 192.0.2.7" in program.stdout.readline()
        with path.open("a") as file:
            file.write(NGINX.replace("192.0.2.7", "192.0.2.8"))
            file.flush()
            time.sleep(0.3)
            file.write("\n")
        assert "192.0.2.8" in program.stdout.readline()
        path.rename(tmp_path / "error.log.1")
        path.write_text(NGINX.replace("192.0.2.7", "192.0.2.9") + "\n")
        assert "192.0.2.9" in program.stdout.readline()
        program.send_signal(ending)
        rest = program.stdout.read()
    assert "3 lines of nginx: 3 failed handshakes" in rest
    assert program.returncode == 1
