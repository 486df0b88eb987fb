"""The page's users in their file."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher, Type
from argon2.low_level import hash_secret
from hypothesis import given
from hypothesis import strategies as st

from addons.review.people import ROLES, Person
from addons.review.users_file import User, UsersFile, changing, hashed, parsed, read_users
from detector.errors import ConfigError, StoreError

PASSWORD = "a long enough passphrase"
QUICK = PasswordHasher(1, 64, 1).hash(PASSWORD)  # as somebody else's program may have made it
DUMMY = f"alice:admin:{QUICK}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "review-users"
    path.write_text(f"# ours\n\n{DUMMY}bob:viewer:{QUICK}\n")
    path.chmod(0o600)
    return path


def test_a_password_lets_its_own_user_in_and_nobody_else(path: Path) -> None:
    users = UsersFile(path)
    assert users.check("alice", PASSWORD) == User("alice", "admin", QUICK)
    for name, password in (
        ("alice", "another one"), ("alice", ""), ("nobody", PASSWORD), ("", PASSWORD),
        ("Alice", PASSWORD), ("alice", PASSWORD + "x" * 2000), ("alice\udcff", PASSWORD),
        ("alice", "\udcff"), ("alice", PASSWORD + "\0"),
    ):  # fmt: skip
        assert users.check(name, password) is None, name


def test_an_unknown_name_is_refused_also_with_the_password_that_it_is_asked_against(
    path: Path,
) -> None:
    """Both users have the same one, so that whichever hash is asked would let him in."""
    users = UsersFile(path)
    for n in range(20):
        assert users.check(f"nobody{n}", PASSWORD) is None


def test_what_a_file_says_counts_at_once_and_a_bad_one_lets_nobody_in(path: Path) -> None:
    users = UsersFile(path)
    assert users.get("bob") == User("bob", "viewer", QUICK)
    path.write_text(DUMMY)
    assert users.get("bob") is None
    assert users.get("alice") is not None
    path.chmod(0o644)
    assert users.get("alice") is None
    assert users.check("alice", PASSWORD) is None
    path.chmod(0o600)
    assert users.get("alice") is not None
    path.write_text(DUMMY + "half a li")
    assert users.get("alice") is None
    path.unlink()
    assert users.get("alice") is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("alice:admin", "hash"),
        ("alice", "role"),
        (f"alice:root:{QUICK}", "role"),
        (f"al ice:admin:{QUICK}", "name"),
        (f":admin:{QUICK}", "name"),
        (f"{'a' * 65}:admin:{QUICK}", "name"),
        (DUMMY * 2, "above"),
        ("alice:admin:$1$x$y", "hash"),
        ("alice:admin:{SHA}xxx", "hash"),
        (f"alice:admin:{QUICK}".replace("argon2id", "argon2d"), "hash"),
        (f"alice:admin:{QUICK}".replace("argon2id", "argon2i"), "hash"),
        (f"alice:admin:{QUICK}".replace("v=19", "v=16"), "hash"),
        (f"alice:admin:{QUICK}".replace("m=64", "m=99999999"), "hash"),
        (f"alice:admin:{QUICK}".replace("t=1", "t=99999"), "hash"),
        (f"alice:admin:{QUICK}".replace("p=1", "p=-1"), "hash"),
        ("alic\u00e9:admin:x", "ASCII"),
    ],
)
def test_a_line_with_anything_wrong_refuses_the_file(line: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parsed(line.encode(), "users")


@given(st.binary(max_size=200))
def test_no_content_is_anything_but_users_or_our_error(content: bytes) -> None:
    try:
        parsed(content, "users")
    except ConfigError:
        pass


def test_a_file_of_its_owner_alone_that_is_there_and_no_longer_than_is_read(path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(StoreError, match="others can read it"):
        UsersFile(path)
    path.chmod(0o600)
    path.write_text("#" * (2 << 20))
    with pytest.raises(ConfigError, match="too long"):
        read_users(path)
    path.write_text("# nobody\n")
    with pytest.raises(ConfigError, match="nobody could log in"):
        UsersFile(path)
    path.unlink()
    with pytest.raises(StoreError, match="not there"):
        UsersFile(path)


def test_a_new_file_is_private_and_two_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "users"

    def add(name: str) -> None:
        with changing(path, tmp_path / "no-store") as users:
            users[name] = User(name, "viewer", QUICK)

    threads = [threading.Thread(target=add, args=(f"u{n}",)) for n in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(read_users(path)) == 12
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["users"]


def test_passwords_that_are_easy_are_refused_and_others_kept_as_argon2id() -> None:
    for password in (
        "short",
        "x" * 30,
        "alice1alice1"[:11],
        "alice-alice!",
        "p" * 2000,
        "\udcff" * 20,
    ):
        with pytest.raises(ConfigError):
            hashed("alice-alice", password)
    kept = hashed("alice", PASSWORD)
    assert kept.startswith("$argon2id$v=19$")
    assert PasswordHasher().verify(kept, PASSWORD)
    assert PASSWORD not in kept


def test_a_hash_of_another_program_counts() -> None:
    """As `argon2 salt -id -m 16 -t 3 -p 4 -e` of the reference implementation and Authelia make it."""
    made = hash_secret(PASSWORD.encode(), b"0123456789abcdef", 3, 65536, 4, 32, Type.ID).decode()
    assert parsed(f"alice:viewer:{made}".encode(), "x")["alice"].hash == made


def test_roles_may_what_they_may() -> None:
    may = {
        role: [deed for deed in ("read", "decide", "administer") if Person("x", role).may(deed)]
        for role in ROLES
    }  # type: ignore[arg-type]
    assert may == {
        "viewer": ["read"],
        "approver": ["read", "decide"],
        "admin": ["read", "decide", "administer"],
    }
