"""Installed lists: replaced whole, verified when read, never in the way when damaged."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.errors import StoreError
from detector.knowledge.assemble import assemble
from detector.knowledge.installed import Fetch, InstalledLists
from detector.knowledge.shipped import LogsOfAllTimes, ct_logs
from detector.lab.ct_log import LabLog
from detector.lists.ccadb import CaOwners
from detector.lists.crlset import CrlSet
from tests.knowledge.conftest import SmallDisk
from tests.lists.signing import EXPECTED, a_list, signed
from tests.lists.test_log_list import BODY, SIGNATURE

AT = datetime(2026, 11, 23, tzinfo=UTC)


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    lists = InstalledLists(tmp_path / "deep" / "lists")
    lists.save_log_list("all_logs_list", BODY, SIGNATURE)
    lists.save_ca_owners(CaOwners({"k": "Owner"}, {"d": "Owner"}))
    lists.save_crl_set(CrlSet(7, ("k",), ()))
    lists.note_fetch("a", Fetch(AT, '"x"'))
    lists.note_fetch("b", Fetch(AT))
    found = lists.log_list("all_logs_list")
    assert found is not None
    assert found.version == "89.25"
    assert lists.ca_owners() == CaOwners({"k": "Owner"}, {"d": "Owner"})
    assert lists.crl_set() == CrlSet(7, ("k",), ())
    assert lists.fetches() == {"a": Fetch(AT, '"x"'), "b": Fetch(AT)}
    assert lists.troubles == []


def test_an_empty_folder_is_no_trouble(tmp_path: Path) -> None:
    lists = InstalledLists(tmp_path / "nothing")
    assert lists.log_list("log_list") is None
    assert lists.ca_owners() is None
    assert (lists.fetches(), lists.troubles) == ({}, [])


def test_the_judge_knows_the_logs_and_keys_that_are_installed(tmp_path: Path) -> None:
    lists, log = InstalledLists(tmp_path, EXPECTED), LabLog("New log")
    body = a_list("2026-11-20", log)
    lists.save_log_list("log_list", body, signed(body))
    lists.save_crl_set(CrlSet(7, ("a",), ("b",)))
    lists.save_ca_owners(CaOwners({"k": "Owner"}, {}))
    known = assemble(lists=lists, local=False)
    assert known.logs[log.log_id].name == "New log"
    assert set(ct_logs()) < set(known.logs)
    assert known.interception == {"a", "b"}
    assert known.owners() == {"k": "Owner"}


@pytest.mark.parametrize("place", [0, 600, -1])
def test_damage_on_the_disk_is_noticed_and_the_shipped_table_stands(
    tmp_path: Path, place: int
) -> None:
    lists = InstalledLists(tmp_path)
    lists.save_log_list("all_logs_list", BODY, SIGNATURE)
    file = tmp_path / "all_logs_list.signed"
    data = bytearray(file.read_bytes())
    data[place] ^= 0x20
    file.write_bytes(data)
    (tmp_path / "crlset.json").write_bytes(b"{")
    known = assemble(lists=lists, local=False)
    assert known.logs == LogsOfAllTimes(ct_logs())
    assert len(lists.troubles) == 2
    assert "not used; run tlsight update" in lists.troubles[0]


_WRITER = """
import sys
from pathlib import Path
from detector.errors import StoreError
from detector.knowledge.installed import InstalledLists
from tests.lists.test_log_list import BODY, SIGNATURE
lists = InstalledLists(Path(sys.argv[1]))
try:
    while True:
        lists.save_log_list("all_logs_list", BODY, SIGNATURE)
        print("saved", flush=True)
except StoreError as error:
    sys.exit(str(error))
"""


def test_a_kill_in_the_middle_of_an_update_leaves_a_whole_list(tmp_path: Path) -> None:
    for delay in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(5 + delay):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        lists = InstalledLists(tmp_path)
        assert lists.log_list("all_logs_list") is not None
        assert lists.troubles == []


def test_two_updates_at_once_leave_a_whole_list(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        for _ in range(40):
            assert writer.stdout.readline() == b"saved\n"
        lists = InstalledLists(tmp_path)
        assert lists.log_list("all_logs_list") is not None
    for writer in writers:
        writer.kill()
        writer.communicate()


def test_a_full_disk_keeps_the_last_good_list_and_leaves_nothing_behind(
    small_disk: SmallDisk,
) -> None:
    lists = InstalledLists(small_disk.folder)
    lists.save_log_list("all_logs_list", BODY, SIGNATURE)
    with (small_disk.folder / "ballast").open("wb", buffering=0) as ballast:
        try:
            while not small_disk.prefix:
                ballast.write(bytes(4096))
        except OSError:
            pass
    prefix = ("prlimit", "--fsize=50000") if small_disk.prefix else ()
    done = subprocess.run(
        [*prefix, sys.executable, "-c", _WRITER, str(small_disk.folder)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert "cannot be written" in line
    assert "the last good file is kept" in line
    assert InstalledLists(small_disk.folder).log_list("all_logs_list") is not None
    assert not list(small_disk.folder.glob(".*"))


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, powerless: tuple[str, ...]
) -> None:
    tmp_path.chmod(0o555)
    done = subprocess.run(
        [*powerless, sys.executable, "-c", _WRITER, str(tmp_path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    tmp_path.chmod(0o755)
    (line,) = done.stderr.splitlines()
    assert "Permission denied" in line


def test_a_file_where_the_folder_should_be_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        InstalledLists(tmp_path / "file" / "lists").save_crl_set(CrlSet(1, (), ()))


# Notes one list, as a run of `tlsight update` does.
_NOTES = """
import sys
from pathlib import Path
from detector import clock
from detector.knowledge.installed import Fetch, InstalledLists
InstalledLists(Path(sys.argv[1])).note_fetch(sys.argv[2], Fetch(clock.now(), sys.argv[2]))
"""


def test_what_six_runs_note_at_once_is_all_kept(tmp_path: Path) -> None:
    names = [f"list{number}" for number in range(6)]
    children = [
        subprocess.Popen([sys.executable, "-c", _NOTES, str(tmp_path), name]) for name in names
    ]
    assert [child.wait(60) for child in children] == [0] * 6
    assert sorted(InstalledLists(tmp_path).fetches()) == names
