"""The agent's state: all or nothing at every statement, one keeper, and no end where a file is damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from detector.agent.finding import Held
from detector.agent.identity import identity, kept
from detector.agent.state import AgentState, alone, is_alone, is_damage
from detector.agent.status import events, status
from detector.errors import StoreError
from detector.report.event_json import DeviceRecord, EventRecord, FindingRecord, VersionsRecord

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def held(name: str) -> Held:
    return Held(FindingRecord(name, "suspect", "host:a.example:443", NOON, NOON))


def event(name: str) -> EventRecord:
    return EventRecord(
        "tlsight.event/1", f"{name:0>32}", "opened", NOON, DeviceRecord("0" * 32),
        VersionsRecord("1"), finding=held(name).record,
    )  # fmt: skip


def test_a_kill_at_any_statement_leaves_finding_event_and_fact_or_none_of_them(
    tmp_path: Path,
) -> None:
    statements = 0
    while True:
        statements += 1
        folder = tmp_path / str(statements)
        AgentState.open(folder).close()
        child = os.fork()
        if child == 0:
            left = [statements]

            def count(_: str, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            state = AgentState.open(folder)
            state.database.db.set_trace_callback(count)
            state.commit({}, {"a": held("a")}, [event("a")], 1 << 20, {"last-run": "x"})
            os._exit(0)
        _, code = os.waitpid(child, 0)
        with closing(AgentState.open(folder).database) as database:
            state = AgentState(database)
            told = tuple(database.db.execute("SELECT id FROM event"))
            parts = (len(state.findings()), len(told), state.fact("last-run"))
        assert parts in ((0, 0, None), (1, 1, "x"))
        if code == 0:
            assert parts == (1, 1, "x")
            break
    assert statements > 5


def test_a_full_database_keeps_what_was_kept_and_can_be_written_again(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    state.commit({}, {"a": held("a")}, [event("a")], 1 << 20)
    db = state.database.db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    many = {str(number): held(str(number)) for number in range(500)}
    with pytest.raises(StoreError, match="full"):
        state.commit({}, many, [event("b")], 1 << 20)
    assert set(state.findings()) == {"a"}
    db.execute("PRAGMA max_page_count = 100000")
    state.commit({"a": held("a")}, many, [event("b")], 1 << 20)
    assert len(state.findings()) == 500
    state.close()


def test_a_damaged_file_is_set_aside_with_its_log_and_a_new_one_begun(tmp_path: Path) -> None:
    AgentState.open(tmp_path).close()
    (tmp_path / "agent.sqlite3").write_bytes(b"\0garbage" * 4000)
    (tmp_path / "agent.sqlite3-wal").write_bytes(b"late")
    state = AgentState.open(tmp_path)
    assert state.aside == tmp_path / "agent.sqlite3.damaged-1"
    assert state.aside.read_bytes().startswith(b"\0garbage")
    assert state.findings() == {}
    state.close()
    (tmp_path / "agent.sqlite3").write_bytes(b"again")
    again = AgentState.open(tmp_path)
    assert again.aside == tmp_path / "agent.sqlite3.damaged-2"
    again.close()


def test_damage_deep_in_the_file_is_noticed_too(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    state.commit({}, {str(n): held(str(n)) for n in range(400)}, [], 1 << 20)
    state.database.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    state.close()
    path = tmp_path / "agent.sqlite3"
    data = bytearray(path.read_bytes())
    data[8192:24576] = os.urandom(16384)
    path.write_bytes(data)
    again = AgentState.open(tmp_path)
    assert again.aside is not None
    again.close()


def test_a_state_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    AgentState.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "agent.sqlite3")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="update tlsight") as caught:
        AgentState.open(tmp_path)
    assert not is_damage(caught.value)
    assert not (tmp_path / "agent.sqlite3.damaged-1").exists()


def test_a_row_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    state.commit({}, {"a": held("a")}, [], 1 << 20)
    with state.database.db as db:
        db.execute("INSERT INTO finding VALUES ('b', '', '', X'7B')")
    assert set(state.findings()) == {"a"}
    state.close()


def test_two_agents_over_one_state_are_refused(tmp_path: Path) -> None:
    assert is_alone(tmp_path)
    with alone(tmp_path):
        assert not is_alone(tmp_path)
        with pytest.raises(StoreError, match="another agent"), alone(tmp_path):
            raise AssertionError("two at once")
    assert is_alone(tmp_path)
    with alone(tmp_path):
        pass


def test_a_device_is_itself_again_after_its_state_was_lost(tmp_path: Path) -> None:
    first = identity(tmp_path, os.urandom)
    assert identity(tmp_path, os.urandom) == first == kept(tmp_path)
    assert (tmp_path / "device.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "device.json").write_bytes(b"{}")
    other = identity(tmp_path, os.urandom)
    assert other != first
    assert len(other.device) == 32


def test_a_device_of_a_fleet_is_who_the_fleet_says_and_shares_its_salt(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        letter = "a" if name == "one" else "b"
        (folder / "fleet.json").write_text(
            f'{{"name": "{letter * 32}", "signer": "00", "servers": []}}'
        )
    one, two = (identity(tmp_path / name, os.urandom) for name in ("one", "two"))
    assert (one.device, two.device) == ("a" * 32, "b" * 32)
    assert one.salt == two.salt


def test_the_salt_that_a_fleet_hands_out_counts_and_nobody_makes_it_of_the_public_key(
    tmp_path: Path,
) -> None:
    def salt(text: str) -> bytes:
        (tmp_path / "fleet.json").write_text(
            f'{{"name": "{"a" * 32}", "signer": "00", "salt": "{text}"}}'
        )
        return identity(tmp_path, os.urandom).salt

    assert salt("ab" * 32) == bytes.fromhex("ab" * 32)
    assert salt("") == salt("zz") == sha256(b"tlsight network salt00").digest()


def test_status_reads_without_writing(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    state.commit({}, {"a": held("a")}, [event("a")], 1 << 20, {"device": "0" * 32})
    state.close()
    before = (tmp_path / "agent.sqlite3").read_bytes()
    found = status({"HOME": str(tmp_path)}, tmp_path, None)
    assert [one.finding.id for one in found.findings] == ["a"]
    assert (found.running, found.device) == (False, "0" * 32)
    assert [one.id for one in events(tmp_path, 5)] == [f"{'a':0>32}"]
    assert (tmp_path / "agent.sqlite3").read_bytes() == before
    with pytest.raises(StoreError, match="no agent's state"):
        status({"HOME": str(tmp_path)}, tmp_path / "nowhere", None)
