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


def test_a_pipe_needs_no_word(tlsight: Run) -> None:
    done = tlsight("explain", stdin=f"step 1\n{MESSAGE}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "certificate-expired" in done.stdout


def test_the_clipboard_takes_the_place_of_a_text_and_a_watched_command_is_named(
    tlsight: Run,
) -> None:
    for words in (("-c", "some", "text"), ("--watch", "-c"), ("-c", "--watch", "curl")):
        assert tlsight("explain", *words).returncode == 2
    assert "no command is given" in tlsight("explain", "--watch").stderr


def test_without_a_tool_for_the_clipboard_the_remedy_is_told(tlsight: Run) -> None:
    done = tlsight("explain", "--clipboard", DISPLAY="", WAYLAND_DISPLAY="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "COMMAND 2>&1 | tlsight explain" in done.stderr


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


def test_a_file_that_is_not_there_is_an_error_and_no_message(tlsight: Run, tmp_path: Path) -> None:
    done = tlsight("explain", tmp_path / "nothing.log")
    assert done.returncode == 2
    assert "No such file" in done.stderr
    assert tlsight("explain", tmp_path).returncode == 2


def test_an_empty_word_is_a_text_of_which_nothing_is_about_tls(tlsight: Run) -> None:
    done, piped = tlsight("explain", ""), tlsight("explain", stdin="")
    assert (done.returncode, done.stdout, done.stderr) == (3, piped.stdout, piped.stderr)


def test_a_file_of_windows_and_of_any_size_is_read(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "build.log"
    path.write_bytes(("step\r\n" * 100_000 + MESSAGE + "\r\n").encode("utf-16"))
    record = json.loads(tlsight("explain", path, "--json").stdout)
    assert record["causes"][0]["id"] == "certificate-expired"
    assert record["failures"][0]["lines"] == [[100_001, 100_001]]


def test_json_names_the_tool_the_host_and_the_lines_that_mend_it(tlsight: Run) -> None:
    text = "npm error request to https://registry.npmjs.org/x failed, reason: self-signed certificate in certificate chain"
    (failure,) = json.loads(tlsight("explain", text, "--json").stdout)["failures"]
    assert failure["tool"]["id"] == "npm"
    assert (failure["host"], failure["port"]) == ("registry.npmjs.org", 443)
    cause = failure["causes"][0]
    assert cause["id"] == "tls-intercepted"
    assert 0.5 < cause["probability"] < 1
    assert any("NODE_EXTRA_CA_CERTS" in line["lines"]["sh"] for line in failure["settings"])
    assert {"sh", "powershell", "dockerfile", "systemd", "ci"} == set(
        failure["settings"][0]["lines"]
    )


def test_who_may_decrypt_is_asked_before_anything_is_trusted(tlsight: Run) -> None:
    text = "npm error request to https://registry.npmjs.org/x failed, reason: self-signed certificate in certificate chain"
    said = " ".join(tlsight("explain", text).stdout.split())
    assert said.index("never take one from the connection") < said.index("NODE_EXTRA_CA_CERTS")


def test_a_watched_command_keeps_its_output_and_its_code(tlsight: Run) -> None:
    done = tlsight("explain", "--watch", "sh", "-c", f"echo out; echo '{MESSAGE}' >&2; exit 9")
    assert (done.returncode, done.stdout) == (9, "out\n")
    assert done.stderr.startswith(MESSAGE)
    assert "certificate-expired" in done.stderr


def test_a_watched_command_that_succeeds_or_fails_otherwise_is_left_alone(tlsight: Run) -> None:
    done = tlsight("explain", "--watch", "sh", "-c", f"echo '{MESSAGE}' >&2")
    assert (done.returncode, done.stderr) == (0, f"{MESSAGE}\n")
    done = tlsight("explain", "--watch", "sh", "-c", "echo 'no such table' >&2; exit 4")
    assert (done.returncode, done.stderr) == (4, "no such table\n")


def test_options_behind_the_watched_command_are_its_own(tlsight: Run) -> None:
    assert (
        tlsight("explain", "--watch", "sh", "--help").stdout != tlsight("explain", "--help").stdout
    )


def test_the_watched_command_says_whom_it_asked(tlsight: Run) -> None:
    script = "echo 'SSL certificate problem: unable to get local issuer certificate' >&2; exit 60"
    done = tlsight("explain", "--json", "--watch", "sh", "-c", script, "https://localhost:9443/")
    assert done.returncode == 60
    (failure,) = json.loads(done.stderr.splitlines()[-1])["failures"]
    assert (failure["host"], failure["port"]) == ("localhost", 9443)


def test_a_watched_program_that_says_nothing_is_known_by_its_code(
    tlsight: Run, tmp_path: Path
) -> None:
    program = tmp_path / "wget"
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o700)
    done = tlsight("explain", "--watch", program, "-q", "https://localhost:9443/")
    assert done.returncode == 5
    assert "untrusted-root" in done.stderr
