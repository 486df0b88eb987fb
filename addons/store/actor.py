"""Who runs this process, for the audit trail: what the kernel says beside what the environment claims.

Rules
-----
1. LOGNAME and USER name nobody: anybody sets them.
2. Who logged in is what the audit login uid says (/proc/self/loginuid; pam_loginuid(8) sets it, and it outlives su
   and sudo), else SUDO_UID.
3. Both are claims: where no login set it, a process may set its own login uid, and anybody sets SUDO_UID. So they
   name somebody only where this process, or one that it descends from, runs as that user; a shell before
   `sudo` does. Root is above everybody and bears out nothing. A claim that is not believed is kept, too.
4. Else it is the account of the real user id, and where there is no account the number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from addons.bypass.audit import Actor

_MOST, _DEEPEST = 32, 64
_UNSET = 0xFFFFFFFF  # (uid_t) -1
_PROC = Path("/proc")


def actor(environment: Mapping[str, str], login: str | None = None) -> Actor:
    """The real user id, its account, who logged in, and SUDO_UID as it is claimed.

    Args:
        environment: of the process.
        login: how a page's user got in; the login session's user when left out.

    """
    claimed = environment.get("SUDO_UID", "")[:_MOST] or None
    if not hasattr(os, "getuid"):  # Windows
        return Actor(sudo_uid=claimed, login=login)
    uid, session = os.getuid(), _login_uid()
    if login is None and session is not None:
        login = f"{account(session) or 'uid'} {session}"
    return Actor(uid, account(uid), claimed, login)


def user(environment: Mapping[str, str]) -> str:
    """Who decides at a command line."""
    if not hasattr(os, "getuid"):
        return os.getlogin()
    sudo = environment.get("SUDO_UID", "")[:_MOST]
    claims = (_login_uid(), int(sudo) if sudo.isascii() and sudo.isdecimal() else None)
    return named(os.getuid(), claims, lineage(), account)


def named(
    uid: int,
    claims: Collection[int | None],
    ancestors: Collection[int],
    accounts: Callable[[int], str | None],
) -> str:
    """The name of the first claim that holds, else of the user id.

    Args:
        uid: the real one.
        claims: user ids that somebody is said to have logged in with.
        ancestors: user ids of the processes that this one descends from.
        accounts: gives a user id's name.

    """
    held = (one for one in claims if one == uid or (one and one in ancestors))
    found = next(held, None) or uid
    return accounts(found) or f"uid {found}"


def lineage(proc: Path = _PROC) -> frozenset[int]:
    """Real user ids of the processes above this one, as far as it may look."""
    found: set[int] = set()
    pid = os.getppid()
    for _ in range(_DEEPEST):
        if pid <= 0:
            break
        try:
            lines = (proc / str(pid) / "status").read_text("ascii", "replace").splitlines()
            fields = dict(line.split(":", 1) for line in lines if ":" in line)
            found.add(int(fields["Uid"].split()[0]))
            pid = int(fields["PPid"])
        except (OSError, ValueError, KeyError):
            break
    return frozenset(found)


def account(uid: int) -> str | None:
    """The name of a user id."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return None


def _login_uid() -> int | None:
    try:
        found = int((_PROC / "self" / "loginuid").read_text("ascii"))
    except (OSError, ValueError):
        return None
    return None if found == _UNSET else found
