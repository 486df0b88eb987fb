"""Verbs at the widths that terminals have: no line is wider, and what tells rows apart is whole."""

from __future__ import annotations

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
