"""Nothing that is read is written to, and no two outputs go to one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.runs.overwriting import refuse_overwriting


def test_a_file_that_is_read_is_not_written_to(tmp_path: Path) -> None:
    read = tmp_path / "a.pcap"
    read.write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to(read)
    for name in (read, link, tmp_path / "." / "a.pcap"):
        with pytest.raises(ConfigError, match="is read itself"):
            refuse_overwriting({"--csv": name}, [str(read)])


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is written by --csv, too"):
        refuse_overwriting({"--csv": tmp_path / "x", "--html": str(tmp_path / "x")}, [])


def test_streams_contents_and_other_files_are_no_clash(tmp_path: Path) -> None:
    outputs = {"--csv": "-", "--html": None, "--plot": tmp_path / "p.svg"}
    refuse_overwriting(outputs, ["-", b"content", tmp_path / "other"])


def test_stdout_by_its_word_is_refused_where_the_text_goes_there() -> None:
    with pytest.raises(ConfigError, match=r"--html -: stdout is the text's; name a file, or /dev"):
        refuse_overwriting({"--html": Path("-")}, [])
