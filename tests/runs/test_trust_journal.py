"""What was written, kept to be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import StoreError
from detector.runs.trust_journal import (
    ChangedFile,
    FixEntry,
    FixJournal,
    missing_folders,
    put_back,
    restored,
)


def changed(path: Path, before: bytes | None, after: bytes) -> FixEntry:
    return FixEntry("git", files=(ChangedFile(str(path), before, after),))


def test_entries_come_back_and_are_nobody_elses(tmp_path: Path) -> None:
    journal = FixJournal({"XDG_STATE_HOME": str(tmp_path)})
    entry = FixEntry("git", ("/a",), (ChangedFile("/b", None, b"\xff"),), ("/c",), ("/d",))
    journal.write(entry)
    assert (journal.programs(), journal.entry("git")) == (["git"], entry)
    assert (journal.folder / "git.json").stat().st_mode & 0o777 == 0o600
    journal.forget("git")
    assert (journal.programs(), journal.entry("git")) == ([], None)


def test_a_broken_entry_is_one_line(tmp_path: Path) -> None:
    journal = FixJournal({"XDG_STATE_HOME": str(tmp_path)})
    journal.folder.mkdir(parents=True)
    (journal.folder / "git.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        journal.entry("git")


def test_a_file_that_nobody_touched_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "rc"
    for before in (None, b"old\n"):
        path.write_bytes(b"new\n")
        (change,) = restored("git", changed(path, before, b"new\n"), tmp_path)
        put_back(change)
        assert (path.read_bytes() if path.exists() else None) == before


def test_of_a_file_that_somebody_changed_only_our_lines_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "rc"
    path.write_bytes(b"first\nold\nours\nlast\n")
    (change,) = restored("git", changed(path, b"old\n", b"old\nours\n"), tmp_path)
    put_back(change)
    assert path.read_bytes() == b"first\nold\nlast\n"


@pytest.mark.parametrize("now", [b"ours\nours\n", b"nothing\n"])
def test_where_our_lines_cannot_be_told_they_are_named(tmp_path: Path, now: bytes) -> None:
    path = tmp_path / "rc"
    path.write_bytes(now)
    with pytest.raises(StoreError, match="take out yourself: ours"):
        list(restored("git", changed(path, b"", b"ours\n"), tmp_path))


def test_data_stays_while_a_line_names_it(tmp_path: Path) -> None:
    journal = FixJournal({"XDG_STATE_HOME": str(tmp_path / "state")})
    data = tmp_path / "data/trust/ca.pem"
    data.parent.mkdir(parents=True)
    data.write_text("")
    for program in ("git", "pip"):
        journal.write(FixEntry(program, data=(str(data),)))
    journal.forget("git")
    assert data.exists()
    journal.forget("pip")
    assert not data.parent.exists()


def test_folders_that_are_still_in_use_are_anothers_to_remove(tmp_path: Path) -> None:
    journal = FixJournal({"XDG_STATE_HOME": str(tmp_path / "state")})
    folder = tmp_path / "made"
    assert missing_folders(folder / "inner/x") == [str(folder), str(folder / "inner")]
    folder.mkdir()
    (folder / "x").write_text("")
    journal.write(FixEntry("pip"))
    journal.remove_folders((str(folder),))
    assert journal.entry("pip") == FixEntry("pip", folders=(str(folder),))
