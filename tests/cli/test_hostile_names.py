"""Names of files and targets that steer terminals, in every verb that repeats them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

NAME = "a\x1b[31m\x1b]0;x\x07\u202eb\nQQ\x9b"
MISSING, GARBAGE, FOLDER = "MISSING", "GARBAGE", "FOLDER"
COMMANDS = (
    ("judge", MISSING), ("judge", GARBAGE), ("logs", MISSING), ("logs", GARBAGE), ("pcap", MISSING),
    ("pcap", GARBAGE), ("pcap", "--keylog", MISSING, GARBAGE), ("check", "-l", MISSING), ("check", "-l", GARBAGE),
    ("check", "--policy", GARBAGE, "127.0.0.1:1"), ("check", "--pins", GARBAGE, "127.0.0.1:1"),
    ("check", "--roots", GARBAGE, "127.0.0.1:1"), ("check", "--ct-logs", MISSING, "127.0.0.1:1"),
    ("check", "--issuers", GARBAGE, "127.0.0.1:1"), ("check", "--store", GARBAGE, "127.0.0.1:1"),
    ("check", "--history", GARBAGE, "127.0.0.1:1"), ("check", "--save", FOLDER, "127.0.0.1:1"),
    ("check", NAME), ("diagnose", NAME), ("diagnose", "--client-cert", GARBAGE, "127.0.0.1:1"),
    ("pins", "show", "--pins", GARBAGE), ("pins", "learn", NAME, "--pins", MISSING),
    ("policy", "lint", GARBAGE), ("policy", "lint", MISSING), ("update", "--from", MISSING),
    ("update", "--from", FOLDER), ("update", NAME),
    ("explain", NAME), ("ct", "import", GARBAGE), ("engine", "learn", "x", GARBAGE), ("lab", "serve", NAME),
    ("logs", "--plot", FOLDER, GARBAGE), (NAME,), ("check", f"--{NAME}"),
)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words).replace(NAME, "NAME"))
def test_no_name_and_no_content_reaches_the_terminal_raw_or_is_a_crash(
    tlsight: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / f"{NAME}.garbage").write_bytes(b"\x1b]0;owned\x07 \xe2\x80\xae = [[[ \n" * 3)
    (tmp_path / f"{NAME}.folder").mkdir()
    files = {
        MISSING: str(tmp_path / f"{NAME}.missing"),
        GARBAGE: str(tmp_path / f"{NAME}.garbage"),
        FOLDER: str(tmp_path / f"{NAME}.folder"),
    }
    done = tlsight(*(files.get(word, word) for word in words))
    text = done.stdout + done.stderr
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\nQQ" not in text
    assert done.returncode in (0, 2, 3, 4)
    assert "Traceback" not in text
    assert "unexpected error" not in text
