"""The store of look-ups: what goes in comes out, and its troubles are one line and no loss."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from detector.ct.issuance import IssuanceLookup, LoggedIssuer
from detector.ct.tree_head import TreeHead
from detector.errors import StoreError
from detector.knowledge.ct_store import CtStore, default_path
from detector.model.observation import InclusionProof
from tests.knowledge.conftest import SmallDisk

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ONE, TWO, LEAF = "1" * 64, "2" * 64, "3" * 64


def issuer(spki: str | None = ONE, **changes: object) -> LoggedIssuer:
    found = LoggedIssuer(f"C=US, CN=CA {spki}", spki, 3, True, AT - timedelta(days=60), AT)
    return msgspec.structs.replace(found, **changes)


def lookup(host: str = "a.com", **changes: object) -> IssuanceLookup:
    found = IssuanceLookup(
        host=host, source="certspotter", fetched=AT, ttl=86400, trusted=True,
        issuers=(issuer(),), leaf_keys=(LEAF,), etag="x",
    )  # fmt: skip
    return msgspec.structs.replace(found, **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "ct.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[CtStore]:
    found = CtStore(path)
    yield found
    found.close()


def test_an_answer_comes_back_as_it_was(store: CtStore) -> None:
    assert store.save([lookup(), lookup("b.com")]) == 2
    assert store.lookups("a.com") == [lookup()]
    assert [found.host for found in store.all_lookups()] == ["a.com", "b.com"]


def test_the_judge_finds_keys_names_and_age(store: CtStore) -> None:
    store.save([lookup(issuers=(issuer(), issuer(TWO, exact=False)))])
    found = store.find("a.com")
    assert found is not None
    assert (found.spki, found.exact, found.complete) == ({ONE, TWO}, True, True)
    assert found.names == {f"CA {ONE}", f"CA {TWO}"}
    assert (found.fetched, found.until) == (AT, AT + timedelta(days=1))
    assert store.find("www.a.com") is None


def test_no_issuers_is_an_answer_too(store: CtStore) -> None:
    store.save([lookup(issuers=(), leaf_keys=())])
    found = store.find("a.com")
    assert found is not None
    assert not found


def test_an_answer_replaces_the_one_before_it(store: CtStore) -> None:
    store.save([lookup(issuers=(issuer(TWO),)), lookup(fetched=AT + timedelta(hours=1))])
    assert [found.issuers for found in store.lookups("a.com")] == [(issuer(),)]
    (rows,) = store._db.execute("SELECT count(*) FROM logged").fetchone()
    assert rows == 1


def test_an_untrusted_answer_never_counts_and_replaces_no_trusted_one(store: CtStore) -> None:
    store.save([lookup(issuers=(issuer(TWO),), trusted=False)])
    assert store.find("a.com") is None
    store.save([lookup(), lookup(issuers=(issuer(TWO),), trusted=False)])
    found = store.find("a.com")
    assert found is not None
    assert found.spki == {ONE}
    assert [one.trusted for one in store.lookups("a.com")] == [True, False]


def test_sources_are_told_apart_and_known_together(store: CtStore) -> None:
    names_only = issuer(None, name="C=US, O=X, CN=Other")
    store.save([lookup(), lookup(source="crt.sh", issuers=(names_only,), leaf_keys=())])
    found = store.find("a.com")
    assert found is not None
    assert (found.spki, found.names) == ({ONE}, {f"CA {ONE}", "Other"})
    assert found.source == "certspotter, crt.sh"


def test_a_proof_is_kept_for_good(store: CtStore) -> None:
    proof = InclusionProof(bytes(32), "static-ct", b"head", 7, (bytes(32), b"\xff" * 32))
    store.save_proof(LEAF, proof, AT)
    assert store.proof(LEAF) == proof
    assert store.proof(ONE) is None
    store._db.execute("UPDATE inclusion SET proof = x'c1'")
    assert store.proof(LEAF) is None


def test_the_largest_tree_head_of_a_log_is_remembered(store: CtStore) -> None:
    small, large = (TreeHead(n, b"r" * 32, n, ()) for n in (7, 9))
    for head in (small, large, small):
        store.save_tree_head(b"log", head)
    assert store.tree_head(b"log") == large
    assert store.tree_head(b"other") is None


def test_half_a_batch_is_none_of_it(store: CtStore) -> None:
    bad = lookup("b.com", issuers=(issuer(certificates=1 << 70),))
    with pytest.raises(OverflowError):
        store.save([lookup(), bad])
    assert store.lookups("a.com") == []


def test_the_file_is_private(store: CtStore, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_damaged_file_is_left_as_it_is_and_named(tmp_path: Path) -> None:
    path = tmp_path / "ct.sqlite3"
    path.write_bytes(b"this is no database" * 100)
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"not a database.*move the file away"):
            CtStore(path, read_only=read_only)
    assert path.read_bytes().startswith(b"this is no database")


def test_damage_inside_is_told_and_never_raised_at_the_judge(path: Path) -> None:
    store = CtStore(path)
    store.save(lookup(f"h{n}.com") for n in range(3000))
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 4)
        file.write(b"\xa5" * (size - size // 4))
    broken = CtStore(path, read_only=True)
    assert broken.find("h1500.com") is None
    assert "malformed" in str(broken.trouble)
    with pytest.raises(StoreError, match="move the file away"):
        list(broken.all_lookups())
    broken.close()


def test_a_check_never_makes_a_store(path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        CtStore(path, read_only=True)
    assert not path.parent.exists()


def test_a_store_of_another_version_is_not_touched(path: Path) -> None:
    CtStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="version 9"):
        CtStore(path, read_only=True)


def test_two_processes_write_at_once_and_lose_nothing(path: Path) -> None:
    running = [
        subprocess.Popen([*WRITER, str(path), name, "200"], stdout=subprocess.DEVNULL)
        for name in ("one", "two")
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    store = CtStore(path, read_only=True)
    assert sum(1 for _ in store.all_lookups()) == 400
    store.close()


def test_a_killed_writer_loses_nothing_that_it_had_saved(path: Path) -> None:
    process = subprocess.Popen([*WRITER, str(path), "one", "100000"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store = CtStore(path)
    assert all(store.find(f"one{number}.com") for number in told)
    store.save([lookup("after.com")])
    store.close()


def test_a_full_disk_is_one_line_and_the_last_good_answers_stay(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "ct.sqlite3"
    done = subprocess.run(
        [*small_disk.prefix, *WRITER, str(path), "one", "100000"],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "full; free some space" in line or (small_disk.prefix and "disk I/O error" in line)
    told = done.stdout.split()
    store = CtStore(path, read_only=True)
    assert store.find(f"one{told[-1]}.com")
    store.close()


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    path: Path, powerless: tuple[str, ...]
) -> None:
    store = CtStore(path)
    store.save([lookup()])
    store.close()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    start = (
        "from detector.knowledge.ct_store import CtStore; from pathlib import Path; import sys\n"
        "path = Path(sys.argv[1])\n"
    )
    read = start + "print(len(CtStore(path, read_only=True).find('a.com').spki))\n"
    write = start + "CtStore(path)\n"
    command = [*powerless, sys.executable, "-c"]
    done = subprocess.run([*command, read, str(path)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
    done = subprocess.run([*command, write, str(path)], capture_output=True, text=True)
    assert "StoreError" in done.stderr


def test_the_store_stands_beside_the_history(tmp_path: Path) -> None:
    found = default_path({"XDG_STATE_HOME": str(tmp_path)})
    assert found == tmp_path / "tlsight" / "ct.sqlite3"


_SCRIPT = """
import sys
from pathlib import Path
from detector.errors import StoreError
from detector.knowledge.ct_store import CtStore
from tests.knowledge.test_ct_store import lookup
try:
    store = CtStore(Path(sys.argv[1]))
    for n in range(int(sys.argv[3])):
        store.save([lookup(f"{sys.argv[2]}{n}.com")])
        print(n, flush=True)
except StoreError as error:
    sys.exit(str(error))
"""
WRITER = [sys.executable, "-c", _SCRIPT]
