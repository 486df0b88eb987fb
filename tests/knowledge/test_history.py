"""The history survives restarts, and its troubles are one line and no loss."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from detector.clock import now
from detector.errors import StoreError
from detector.evidence.examination import Examination
from detector.evidence.sharing import SharedKey, Sharing, Use
from detector.judging.judge import judge_examined
from detector.knowledge.history import MAX_SIGNERS, History, default_path
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from tests.conftest import NOW, Observe

LATER = NOW + timedelta(hours=1)
KEY, HERE = SharedKey("leaf", "k"), Use("x.org", "x.org", None)


def remember(path: Path, seen: Examination) -> None:
    history = History(path, now)
    history.record(seen, judge_examined(seen, Sharing()))
    history.close()


def test_keys_of_private_paths_come_back(
    corporate: Authority, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "history.sqlite3"
    remember(path, Examination(observe("a.com", corporate.issue("a.com")), known))
    sharing, history = Sharing(), History(path, now)
    history.fill(sharing)
    history.close()
    assert len(sharing._uses) == 2


def test_public_hosts_leave_only_how_they_looked(
    pki: LabPki, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    remember(path, Examination(observe("a.com", pki.issue("a.com")), known))
    history, sharing = History(path, now), Sharing()
    history.fill(sharing)
    assert sharing._uses == {}
    baseline = history.baseline("a.com", 443)
    assert baseline is not None
    assert (baseline.version, baseline.alpn, baseline.public) == ("TLSv1.3", "h2", True)
    assert history.baseline("b.com", 443) is None
    history.close()


def test_what_rested_on_given_roots_is_known_to_runs_with_the_same_alone(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    lab = replace(known, anchors="ab" * 32)
    remember(path, Examination(observe("a.com", pki.issue("a.com"), at=NOW), known))
    remember(path, Examination(observe("a.com", pki.issue("a.com"), at=LATER), lab))
    remember(path, Examination(observe("b.com", corporate.issue("b.com")), lab))
    history, sharing, same = History(path, now), Sharing(), Sharing()
    history.fill(sharing)
    history.fill(same, lab.anchors)
    found = [history.baseline("a.com", 443, anchors) for anchors in ("", lab.anchors, "cd" * 32)]
    history.close()
    assert (sharing._uses, len(same._uses)) == ({}, 2)
    assert [one and one.at for one in found] == [NOW, LATER, None]


def test_after_ninety_days_it_forgets(
    corporate: Authority, known: Knowledge, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite3"
    old = observe("a.com", corporate.issue("a.com"), at=NOW - timedelta(days=91))
    remember(path, Examination(old, known))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM key_use").fetchone() == (0,)


def test_the_file_is_private_and_strict(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path, now)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (mode,) = history._db.execute("PRAGMA journal_mode").fetchone()
    assert mode == "wal"
    with pytest.raises(sqlite3.IntegrityError):
        history._db.execute(
            "INSERT INTO baseline (host, port, leaf_spki, seen) VALUES ('a', 'no port', 'x', 'x')"
        )
    history.close()


def test_a_damaged_file_is_left_as_it_is_and_named(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        History(path, now)
    assert "move the file away" in str(caught.value)
    assert path.read_bytes().startswith(b"this is no database")


def test_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="version 9"):
        History(path, now)


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="history cannot be used"):
        History(tmp_path / "file" / "history.sqlite3", now)


def test_a_lock_held_by_another_process_is_an_error_not_a_hang(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path, now)
    history._uses.append(("leaf", "k", "a.com", 1, "a.com", None, NOW.isoformat(), 0, 0, 1, ""))
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        history.flush()
    other.close()
    history.close()


def test_two_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    History(path, now).close()
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from detector.clock import now\n"
        "from detector.knowledge.history import History\n"
        "h = History(Path(sys.argv[1]), now)\n"
        "for n in range(300):\n"
        "    who = f'{sys.argv[2]}-{n}.com'\n"
        "    h._uses.append(('leaf', who, who, 1, who, None, now().isoformat(), 0, 0, 1, ''))\n"
        "    h.flush()\n"
        "h.close()\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    running = [subprocess.Popen([*command, name]) for name in ("one", "two")]
    assert [p.wait(60) for p in running] == [0, 0]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM key_use").fetchone() == (600,)


def test_a_full_disk_is_one_error_and_what_was_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from detector.clock import now\n"
        "from detector.errors import StoreError\n"
        "from detector.knowledge.history import History\n"
        "h = History(Path(sys.argv[1]), now)\n"
        "try:\n"
        "    for n in range(100000):\n"
        "        h._uses.append(('leaf', str(n) * 50, 'a.com', 1, 'a.com', None, now().isoformat(), 0, 0, 1, ''))\n"
        "        h.flush()\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )

    def small_files() -> None:  # the nearest thing to a full disk that needs no mount
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        preexec_fn=small_files, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "history cannot be used" in done.stdout
    assert done.stderr == ""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM key_use").fetchone()[0] > 50
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_state_folder_follows_systemd_then_xdg(tmp_path: Path) -> None:
    assert default_path({"STATE_DIRECTORY": "/var/lib/x:/y"}) == Path("/var/lib/x/history.sqlite3")
    found = default_path({"XDG_STATE_HOME": str(tmp_path)})
    assert found == tmp_path / "tlsight" / "history.sqlite3"
    assert default_path({}).is_relative_to(os.path.expanduser("~"))  # noqa: PTH111


def test_signers_stay_when_all_else_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    long_ago = NOW - timedelta(days=400)
    history = History(path, lambda: long_ago)
    history.keep_signers([b"old"])
    history.close()
    history = History(path, now)
    history.keep_signers([b"new", b"newer"])
    history.keep_signers([b"new"])
    assert history.signers() == (b"new", b"newer", b"old")
    history.close()


def test_only_so_many_signers_are_kept(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3", now)
    history.keep_signers([str(n).encode() for n in range(MAX_SIGNERS)])
    history._now = lambda: NOW + timedelta(days=1)
    history.keep_signers([b"one more"])
    assert len(history.signers()) == MAX_SIGNERS
    assert history.signers()[0] == b"one more"
    history.close()
