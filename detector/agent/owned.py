"""Whose agent root enrols: the machine's service runs as a user of its own, over a folder that is not root's."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from detector.agent import enrolling, identity, membership
from detector.agent.joining import CREDENTIAL
from detector.agent.store import SERVICE
from detector.errors import ConfigError

_UNIT = "tlsight-agent.service"
_UNITS = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")


def refuse_for_the_service(
    token: Path, environment: Mapping[str, str], top: Path, *, root: bool
) -> None:
    """Root, where the service is: its own agent, which nobody runs, is not the one that is meant. Raises ConfigError.

    `top` is where the file system begins.
    """
    there = os.path.lexists(top / SERVICE.relative_to(SERVICE.anchor))
    there = there or any((top / folder / _UNIT).exists() for folder in _UNITS)
    if not root or not there or environment.get("STATE_DIRECTORY"):
        return
    remedy = (
        f"install -Dm600 {token} /etc/credstore/{CREDENTIAL}; systemctl restart tlsight-agent; "
        "or name the agent's folder in --state"
    )
    raise ConfigError(
        str(token),
        "this would enrol an agent of root's, and not the machine's service",
        remedy=remedy,
    )


def give(folder: Path) -> None:
    """Give what was just made in a folder to the folder's owner, as root. What is not plainly ours stays as it is."""
    with suppress(OSError):
        owner = folder.stat()
        if owner.st_uid == 0:
            return
        for name in (identity.FILE, membership.FILE, enrolling.PENDING):
            with suppress(OSError):
                _give(folder / name, owner)


def _give(path: Path, owner: os.stat_result) -> None:
    # The folder's owner may put links here: they are not followed, and a second name of a file of root's is not given.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid():
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)
