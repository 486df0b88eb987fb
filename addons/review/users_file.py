"""A page's users: a file of their names, roles and hashes of passwords.

Rules
-----
1. A line is NAME:ROLE:HASH; the hash is argon2id's (RFC 9106) in its usual form, so that one made elsewhere can be
   put in. Lines that are empty or begin with # say nothing.
2. Only its owner may read it. A file with anything wrong in it lets nobody in: half of it may be the half without
   the line that was taken away.
3. It is read again when its stamp changes, and a session holds as long as its user's line is the same: who is
   removed, has another role or another password is out at the next request.
4. Whether a name is known takes no time to tell: an unknown one is asked against somebody's hash, and refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from addons.bypass.shown import harmless_logger
from addons.review.people import ROLES, Role, is_name
from addons.store.private_file import read_private, write_private
from detector.errors import ConfigError, StoreError
from detector.extras import demand

log = harmless_logger(__name__)
NAME = "review-users"
VERB = "tlsight bypass user"  # what changes the file, unless another page's is told
MIN_PASSWORD, MAX_PASSWORD = 12, 1024
_MOST_BYTES, _MOST = 1 << 20, 2_000  # the first one is as much as read_private gives
_MOST_MEMORY, _MOST_ROUNDS, _MOST_LANES = 1 << 20, 32, 32  # kibibytes, and RFC 9106's t and p
_HEADING = "# Users of a page of tlsight: NAME:ROLE:HASH. {} changes it.\n"


class User(msgspec.Struct, frozen=True):
    """A line."""

    name: str
    role: Role
    hash: str


Users = Mapping[str, User]


def read_users(path: Path, verb: str = VERB) -> dict[str, User]:
    """The users by name. Raises ConfigError with the line, StoreError for a file that others can read."""
    content = read_private(path)
    if content is None:
        raise StoreError(str(path), "is not there", remedy=f"{verb} add NAME makes it")
    if len(content) >= _MOST_BYTES:
        raise ConfigError(str(path), "is too long")
    return parsed(content, str(path), verb)


def parsed(content: bytes, where: str, verb: str = VERB) -> dict[str, User]:
    """As `read_users`, of the file's content."""
    try:
        lines = content.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise ConfigError(where, "has more than ASCII in it") from None
    found: dict[str, User] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        role, _, digest = rest.partition(":")
        at = f"{where}:{number}"
        known = next((one for one in ROLES if one == role), None)
        if not is_name(name):
            raise ConfigError(at, "no name, which has letters, digits and . _ @ + - alone")
        if known is None:
            raise ConfigError(at, "no role", remedy=f"write one of {', '.join(ROLES)}")
        if name in found:
            raise ConfigError(at, f"{name} stands above already")
        if not _is_usable(digest):
            raise ConfigError(at, "no hash of argon2id", remedy=f"{verb} password NAME")
        found[name] = User(name, known, digest)
    if len(found) > _MOST:
        raise ConfigError(where, f"has more than {_MOST} users")
    return found


def hashed(name: str, password: str) -> str:
    """What is kept of a password. Raises ConfigError for one that is too easy."""
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        raise ConfigError("password", "is no UTF-8") from None
    if len(password) < MIN_PASSWORD:
        raise ConfigError("password", f"has fewer than {MIN_PASSWORD} characters")
    if size > MAX_PASSWORD:
        raise ConfigError("password", f"has more than {MAX_PASSWORD} bytes")
    if name.lower() in password.lower() and len(password) - len(name) < MIN_PASSWORD:
        raise ConfigError("password", "is hardly more than the name")
    if len(set(password)) < 5:
        raise ConfigError("password", "has hardly any different characters")
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


@contextmanager
def changing(path: Path, beside: Path, verb: str = VERB) -> Generator[dict[str, User]]:
    """The users, to be changed; written whole at the end, one writer after the other. Raises as `read_users`.

    Args:
        path: made when missing.
        beside: whose owner a new file gets, where root writes.
        verb: that changes it, for those who read the file.

    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path.parent):
        there = path.exists()
        users = read_users(path, verb) if there else {}
        yield users
        lines = [f"{one.name}:{one.role}:{one.hash}\n" for one in users.values()]
        content = "".join([_HEADING.format(verb), *lines]).encode("ascii")
        if len(users) > _MOST or len(content) >= _MOST_BYTES:
            raise ConfigError(str(path), f"has room for {_MOST} users")
        owner = path if there else (beside if beside.exists() else path.parent)
        write_private(path, content, beside=owner)


class UsersFile:
    """The users as a page asks for them, for any thread. Raises as `read_users` when it is made.

    Args:
        path: of the file.
        verb: that changes it.
        chance: decides whose hash an unknown name is asked against.

    """

    def __init__(self, path: Path, verb: str = VERB, *, chance: bytes | None = None) -> None:
        demand("--users", "argon2", "review")
        self.path = path
        self._verb = verb
        self._chance = chance if chance is not None else secrets.token_bytes(16)
        self._stamp = self._stamped()
        self._users: Users = read_users(path, verb)
        if not self._users:
            remedy = f"{verb} add NAME"
            raise ConfigError(str(path), "has no user, so nobody could log in", remedy=remedy)

    def get(self, name: str) -> User | None:
        """The user as the file says now; None also while the file cannot be used."""
        self._refresh()
        return self._users.get(name)

    def check(self, name: str, password: str) -> User | None:
        """The user whose password it is. Takes tens of milliseconds, for an unknown name likewise."""
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        self._refresh()
        users = self._users
        user = users.get(name)
        asked = user or self._somebody(users, name)
        if asked is None or len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD:
            return None
        try:
            PasswordHasher().verify(asked.hash, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return None
        return user

    def _somebody(self, users: Users, name: str) -> User | None:
        """The same one for the same name, so that asking again tells nothing."""
        if not users:
            return None
        every = list(users.values())
        digest = hmac.digest(self._chance, name.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return every[int.from_bytes(digest[:8]) % len(every)]

    def _refresh(self) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        try:
            users: Users = read_users(self.path, self._verb)
        except (ConfigError, StoreError) as error:
            log.error("tlsight: nobody can log in: %s", error)  # noqa: TRY400 (one line)
            users = {}
        self._users, self._stamp = users, stamp

    def _stamped(self) -> tuple[int, ...] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)


def _is_usable(digest: str) -> bool:
    """An argon2id hash that asks for no more than a page should spend on a stranger."""
    from argon2 import Type, extract_parameters
    from argon2.exceptions import InvalidHashError

    try:
        found = extract_parameters(digest)
    except (InvalidHashError, ValueError, KeyError, IndexError):
        return False
    return (
        found.type is Type.ID
        and found.version == 0x13
        and 8 <= found.memory_cost <= _MOST_MEMORY
        and 0 < found.time_cost <= _MOST_ROUNDS
        and 0 < found.parallelism <= _MOST_LANES
        and found.salt_len >= 8
        and found.hash_len >= 16
    )


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """One process at a time; where folders cannot be locked, whoever comes last is right."""
    lock: Callable[[int], None] | None = None
    if os.name == "posix":
        import fcntl

        def lock(descriptor: int) -> None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)

    if lock is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a network's file system without locks
            lock(descriptor)
        yield
    finally:
        os.close(descriptor)
