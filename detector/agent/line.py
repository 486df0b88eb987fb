"""The agent's one connection to its fleet, which its sink and its lists share.

It is dialled when somebody needs it, and not before its time: an attempt that failed puts off the next one for all.
Credentials that were refused are tried again after a long while alone, or when their file was changed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary

from detector.agent import subjects
from detector.agent.membership import FILE, MAX_FILE, Membership, read_membership
from detector.bounded import read_regular
from detector.errors import ConfigError, FetchError
from detector.net.nats_link import DeniedError, Login, NatsLink, dial, pause
from detector.wire.nkey import NKey

# Seconds until credentials that were refused are tried again.
_DENIED = 1800.0
_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Path, Line]] = WeakKeyDictionary()


class NotYetError(FetchError):
    """Nobody was dialled: the last attempt was just now. `wait` seconds from now is soon enough."""

    def __init__(self, error: FetchError, after: float) -> None:
        super().__init__(error.url, str(error).removeprefix(f"{error.url}: "))
        self.cause = error
        self.wait = after


class Line:
    """Of one state folder.

    Args:
        folder: where fleet.json is.
        chance: gives 0 to 1.

    """

    def __init__(self, folder: Path, chance: Callable[[], float] = random.random) -> None:
        self._path = folder / FILE
        self._chance = chance
        self._lock = asyncio.Lock()
        self._open: NatsLink | None = None
        self._failed: FetchError | None = None
        self._failures = 0
        self._not_before = 0.0
        self._stamp: tuple[int, int] | None = None
        self._member: Membership | None = None

    def member(self) -> Membership:
        """Who this agent is in its fleet. Raises ConfigError, StoreError."""
        try:
            about = self._path.stat()
            stamp = about.st_mtime_ns, about.st_ino
            if self._member is None or stamp != self._stamp:
                content = read_regular(self._path, MAX_FILE)
                self._member, self._stamp = read_membership(content, str(self._path)), stamp
                self._failed, self._failures, self._not_before = None, 0, 0.0
        except OSError as error:
            remedy = "tlsight agent enrol TOKEN makes it"
            why = error.strerror or "cannot be read"
            raise ConfigError(str(self._path), why, remedy=remedy) from None
        return self._member

    async def get(self) -> NatsLink:
        """The open connection. Raises FetchError, NotYetError, ConfigError."""
        async with self._lock:
            if self._open is not None and self._open.open:
                return self._open
            member = self.member()
            now = asyncio.get_running_loop().time()
            if now < self._not_before:
                error = self._failed or FetchError(member.servers[0], "the line was cut just now")
                raise NotYetError(error, self._not_before - now)
            try:
                self._open = await dial(login_of(member))
            except FetchError as error:
                self._failed, self._failures = error, self._failures + 1
                denied = isinstance(error, DeniedError)
                wait = _DENIED * (0.5 + self._chance()) if denied else self._pause()
                self._not_before = now + wait
                raise
            self._failed, self._failures = None, 0
            # Also one that is cut at once is not dialled without end.
            self._not_before = now + self._pause()
            return self._open

    async def close(self) -> None:
        """Hang up; never raises."""
        if self._open is not None:
            await self._open.close()
            self._open = None

    def _pause(self) -> float:
        return pause(self._failures, self._chance())


def line_of(folder: Path) -> Line:
    """The one of this folder, in this event loop."""
    lines = _lines.setdefault(asyncio.get_running_loop(), {})
    if folder not in lines:
        lines[folder] = Line(folder)
    return lines[folder]


def login_of(member: Membership) -> Login:
    """How a member logs in. Raises WireError for a damaged key, which reading the file has found."""
    key = NKey.read(member.seed)
    inbox = subjects.inbox(member.name)
    return Login(member.servers, member.ca, member.jwt, key.sign, inbox, "tlsight agent")
