"""`tlsight explain` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run

MESSAGE = "curl: (60) SSL certificate problem: certificate has expired, https://shop.example.com"


def test_a_pasted_message_is_explained(tlsight: Run) -> None:
    done = tlsight("explain", MESSAGE)
    assert done.returncode == 0
    assert done.stdout.split()[:2] == ["likely", "certificate-expired"]
    assert "server acts: Renew the certificate" in done.stdout
    assert "to be sure: openssl s_client -connect shop.example.com:443" in done.stdout


def test_words_files_and_stdin_are_the_same(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "build.log"
    path.write_text(f"step 1\n{MESSAGE}\n")
    said = {
        tlsight("explain", path, "--json").stdout.split('"causes"')[1],
        tlsight("explain", "-", "--json", stdin=path.read_text()).stdout.split('"causes"')[1],
        tlsight("explain", *MESSAGE.split(), "--json").stdout.split('"causes"')[1],
    }
    assert len(said) == 1


def test_a_message_longer_than_any_name_of_a_file_is_a_message(tlsight: Run) -> None:
    pasted = f"HTTPSConnectionPool(host='shop.example.com', port=443): {'x' * 300} {MESSAGE}"
    done = tlsight("explain", pasted)
    assert (done.returncode, done.stderr) == (0, "")
    assert "certificate-expired" in done.stdout


def test_json_is_the_contract(tlsight: Run) -> None:
    record = json.loads(tlsight("explain", "SEC_ERROR_UNKNOWN_ISSUER", "--json").stdout)
    assert record["schema"] == "tlsight.explain/1"
    cause = record["causes"][0]
    assert set(cause) >= {"id", "likelihood", "party", "text", "identifiers", "tell_apart", "fix"}
    assert cause["identifiers"] == ["SEC_ERROR_UNKNOWN_ISSUER"]


def test_what_nobody_knows_exits_3_and_a_wrong_side_2(tlsight: Run) -> None:
    assert tlsight("explain", "all is well").returncode == 3
    done = tlsight("explain", "x", "--side", "middle")
    assert done.returncode == 2
    assert "neither client nor server" in done.stderr


def test_the_side_can_be_told(tlsight: Run) -> None:
    words = ("explain", "tlsv1 alert unknown ca", "--json")
    client = json.loads(tlsight(*words).stdout)["causes"][0]["id"]
    server = json.loads(tlsight(*words, "--side", "server").stdout)["causes"][0]["id"]
    assert (client, server) == ("client-certificate-rejected", "untrusted-root")
