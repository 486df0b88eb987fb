"""Who belongs to a fleet: tokens are spent once, whatever dies when."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.fleet.members import Member, Members, RefusedTokenError
from detector.errors import ConfigError

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DEVICE = "d" * 32


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    found = Members(tmp_path / "members.sqlite3")
    yield found
    found.close()


def agent(user: str, device: str = DEVICE) -> Member:
    return Member(user, "agent", device, "", "linux", NOW.isoformat(), "t", None, "")


def token(members: Members, name: str = "t", uses: int = 1, device: str | None = None) -> str:
    members.make_token(name, "secret", NOW, NOW + timedelta(days=7), uses, "me", device)
    return name


def refused(
    members: Members, name: str, one: Member, secret: str = "secret", now: datetime = NOW
) -> str:
    with pytest.raises(RefusedTokenError) as told:
        members.enrol(name, secret, one, now)
    return told.value.reason


def test_a_token_is_good_once_also_after_a_restart(members: Members) -> None:
    token(members)
    members.enrol("t", "secret", agent("U1"), NOW)
    assert refused(members, "t", agent("U2", "e" * 32)) == "spent"
    again = Members(members.path)
    assert refused(again, "t", agent("U2", "e" * 32)) == "spent"
    again.close()


def test_the_same_key_may_ask_again_and_uses_nothing_up(members: Members) -> None:
    token(members, uses=2)
    for _ in range(5):
        assert members.enrol("t", "secret", agent("U1"), NOW) == ()
    members.enrol("t", "secret", agent("U2", "e" * 32), NOW)
    assert refused(members, "t", agent("U3", "f" * 32)) == "spent"


def test_of_twenty_that_come_at_once_one_is_let_in(members: Members) -> None:
    token(members)
    let_in: list[int] = []
    gate = threading.Barrier(20)

    def come(number: int) -> None:
        mine = Members(members.path)
        gate.wait()
        try:
            mine.enrol("t", "secret", agent(f"U{number}", f"{number:032x}"), NOW)
            let_in.append(number)
        except RefusedTokenError:
            pass
        finally:
            mine.close()

    threads = [threading.Thread(target=come, args=(number,)) for number in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(let_in) == 1
    assert len(members.all()) == 1


def test_wrong_secrets_make_a_token_void_and_an_end_ends_it(members: Members) -> None:
    token(members)
    assert refused(members, "other", agent("U1")) == "unknown"
    assert refused(members, "t", agent("U1"), now=NOW + timedelta(days=7)) == "ended"
    assert [refused(members, "t", agent("U1"), "guess") for _ in range(6)] == ["wrong"] * 5 + [
        "locked"
    ]
    assert refused(members, "t", agent("U1")) == "locked"


def test_a_known_device_is_taken_over_only_with_a_token_that_names_it(members: Members) -> None:
    token(members)
    members.enrol("t", "secret", agent("U1"), NOW)
    assert refused(members, token(members, "u"), agent("U2")) == "known"
    assert refused(members, token(members, "v", device="e" * 32), agent("U2")) == "other-device"
    assert members.enrol(token(members, "w", device=DEVICE), "secret", agent("U2"), NOW) == ("U1",)
    assert members.revoked() == {"U1": int(NOW.timestamp())}


def test_a_revoked_key_never_comes_back_and_a_revoked_device_does_with_a_new_key(
    members: Members,
) -> None:
    token(members)
    members.enrol("t", "secret", agent("U1"), NOW)
    assert members.revoke("agent", DEVICE, NOW, "stolen") == 1
    assert refused(members, token(members, "u"), agent("U1")) == "spent"
    members.enrol("u", "secret", agent("U2"), NOW)
    with pytest.raises(ConfigError, match="is no agent of this fleet"):
        members.revoke("agent", "f" * 32, NOW, "x")


def test_secrets_are_not_in_the_file(members: Members) -> None:
    members.make_token("t", "very-secret", NOW, NOW, 1, "me", None)
    with closing(sqlite3.connect(members.path)) as db, db:
        assert "very-secret" not in "\n".join(db.iterdump())
    db.close()
