"""`tlsight echo` as a command: its words, its errors, its exit codes; tests/live/test_echo.py has the real ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("https://echo.test/#ed25519=zz", "has a fragment that is no #ed25519="),
        ("https://echo.test/ --key 12", "--key: is no Ed25519 key: 64 hex digits"),
        ("https://echo.test/ --with wget", "'wget' is none of curl, openssl, python, chromium"),
        ("smtp://echo.test/", "is no https:// URL of an echo server"),
        ("serve --name echo.test --listen nowhere", "is no address and port to listen at"),
        ("serve --name echo.test --key x.pem", "--key: is of no --certificate"),
    ],
)
def test_words_that_cannot_be_used_are_told_in_one_line(
    tlsight: Run, words: str, told: str
) -> None:
    done = tlsight("echo", *words.split())
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3


def test_a_key_file_of_others_is_refused_before_anything_is_served(
    tlsight: Run, tmp_path: Path
) -> None:
    noise = tmp_path / "noise.pem"
    noise.write_bytes(b"noise")
    done = tlsight(
        "echo", "serve", "--name", "echo.test", "--listen", "127.0.0.1:0",
        "--state", str(tmp_path / "state"), "--certificate", str(noise), "--key", str(noise),
    )  # fmt: skip
    assert done.returncode == 2
    assert "cannot be served" in done.stderr
    assert "without a passphrase" in done.stderr


def test_nobody_there_is_no_answer(tlsight: Run) -> None:
    done = tlsight("echo", "https://127.0.0.1:9/", "--no-proxy", "--timeout", "1", "--json")
    assert done.returncode == 3
    assert '"fate":"nothing"' in done.stdout.replace(" ", "")
