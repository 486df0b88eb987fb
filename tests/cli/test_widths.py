"""Verbs at the widths that terminals have: no line is wider, and what tells rows apart is whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from detector.lab.pki import Authority
from tests.cli.conftest import Run

WIDTHS = (60, 80, 100, 200)
HOST = "outlook-with-a-long-label.mail.protection.regional.division.example.co.uk"
CAPTURE = Path(__file__).parents[1] / "data" / "captures" / "clock_steady.pcap"
FAILED = (
    "2026/11/23 09:0{}:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A000418:SSL"
    " routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 192.0.2.{},"
    " server: {}\n"
)


def whole(text: str) -> str:
    """Without what a terminal's width puts in between."""
    return "".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_logs_name_the_server_and_the_cause(width: int, tlsight: Run, tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text("".join(FAILED.format(n, n, HOST) for n in range(3)))
    done = tlsight("logs", str(log), COLUMNS=str(width))
    assert done.returncode == 1, done.stderr
    assert max(map(cell_len, done.stdout.splitlines())) <= width
    assert HOST in whole(done.stdout)
    assert "untrusted-root" in done.stdout
    assert "…" not in done.stdout


@pytest.mark.parametrize("width", WIDTHS)
def test_trust_names_the_store_and_the_root(width: int, tlsight: Run, tmp_path: Path) -> None:
    root = tmp_path / "machine"
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    ca = Authority("An Authority With A Rather Long Name", organization="Example Corporation")
    bundle.write_text(ca.pem)
    done = tlsight("trust", "--root", str(root), COLUMNS=str(width))
    assert done.returncode == 1, done.stderr
    assert max(map(cell_len, done.stdout.splitlines())) <= width
    assert "anauthoritywitharatherlongname" in whole(done.stdout).lower()
    assert "certificates.crt" in done.stdout
    assert "ca-certificates.crt" in whole(done.stdout)
    assert "not public" in done.stdout


@pytest.mark.parametrize("width", WIDTHS)
def test_pcap_names_the_server(width: int, tlsight: Run) -> None:
    done = tlsight("pcap", "-v", "--summary", str(CAPTURE), COLUMNS=str(width))
    lines = done.stdout.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "…" not in done.stdout


@pytest.mark.parametrize("width", WIDTHS)
def test_check_and_diagnose_name_the_target(width: int, tlsight: Run) -> None:
    where = f"{HOST}:8443"
    words = ("--connect", "127.0.0.1:1", where)
    for verb in ("check", "diagnose"):
        done = tlsight(verb, *words, COLUMNS=str(width))
        assert done.returncode in (1, 3)
        assert max(map(cell_len, map(str.rstrip, done.stdout.splitlines()))) <= width
        assert whole(done.stdout).count(where + "at127.0.0.1:1") == 1
        assert "…" not in done.stdout


@pytest.mark.parametrize("width", WIDTHS)
def test_lab_list_has_no_wider_line_and_each_text_whole(width: int, tlsight: Run) -> None:
    lines = tlsight("lab", "list", COLUMNS=str(width)).stdout.splitlines()
    assert max(map(cell_len, lines)) <= width
    texts = whole("".join(line[56:] if width >= 80 else line for line in lines))
    for line in tlsight("lab", "list", "--json").stdout.splitlines():
        assert whole(json.loads(line)["text"]) in texts


@pytest.mark.parametrize("width", WIDTHS)
def test_trust_why_tears_prose_and_no_line_that_is_pasted(
    width: int, tlsight: Run, tmp_path: Path
) -> None:
    bundle = f"/opt/{'a-long-folder/' * 4}bundle.pem"
    told = {"REQUESTS_CA_BUNDLE": bundle, "PIP_CERT": bundle}
    done = tlsight("trust", "why", "pip", COLUMNS=str(width), **told)
    lines = done.stdout.splitlines()
    ends = lines.index("Where the owner of a root has answered for it, the line is:")
    assert max(map(cell_len, lines[:ends])) <= width
    assert whole(f"PIP_CERT = {bundle}") in whole(done.stdout)
    ca = tmp_path / f"{'a-long-name-' * 8}.pem"
    ca.write_text(Authority("Example").pem)
    done = tlsight("trust", "why", "node", "--ca", ca, COLUMNS=str(width))
    assert f"  sh         export NODE_EXTRA_CA_CERTS={ca}" in done.stdout.splitlines()


@pytest.mark.parametrize("width", WIDTHS)
def test_doctor_pads_no_line(width: int, tlsight: Run) -> None:
    lines = tlsight("doctor", "--offline", COLUMNS=str(width)).stdout.splitlines()
    assert len(lines) > 10
    assert all(line == line.rstrip() and cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_pins_show_names_host_and_key(width: int, tlsight: Run, tmp_path: Path) -> None:
    pins = tmp_path / "pins.toml"
    key = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    pins.write_text(f'[[pin]]\nhost = "{HOST}"\nspki = ["sha256//{key}"]\nnote = "why, and who"\n')
    done = tlsight("pins", "show", "--pins", str(pins), COLUMNS=str(width))
    assert done.returncode == 0, done.stderr
    assert max(map(cell_len, done.stdout.splitlines())) <= width
    # Two names side by side are torn line by line; each keeps all its letters.
    assert sum(character in HOST for character in whole(done.stdout)) >= len(HOST)
    assert key[:12] in done.stdout
    assert key[-4:] in done.stdout
