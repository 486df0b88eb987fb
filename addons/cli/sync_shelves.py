"""Where `tlsight bypass sync` finds its shelf: a folder, the centre's HTTPS, or a fleet's bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from addons.cli import given

if TYPE_CHECKING:
    from addons.store.bypass_store import BypassStore
    from addons.sync.gateway import Gateway
    from addons.sync.shelf import CentreShelf
    from detector.agent.membership import Membership

# Seconds.
_LOOK = 0.1


@asynccontextmanager
async def laid_on(path: Path) -> AsyncGenerator[CentreShelf]:
    """The centre's shelf: a folder, or the bus that a file of credentials leads to. Raises ConfigError."""
    from addons.sync.shelf import FolderShelf

    if not path.is_file():  # noqa: ASYNC240 (once, before anything runs)
        yield FolderShelf(path)
        return
    from addons.sync.nats_shelf import NatsShelf

    over = NatsShelf(member_of(path, "centre"), centre=True)
    try:
        yield over
    finally:
        await over.close()


def member_of(path: Path, name: str) -> Membership:
    """Raises ConfigError, also for one that is somebody else's; StoreError for one that others can read."""
    from addons.store.private_file import read_private
    from detector.agent.membership import read_membership
    from detector.errors import ConfigError

    found = read_membership(read_private(path) or b"", str(path))
    if found.name != name:
        raise ConfigError(str(path), f"is for {found.name}, and not for {name}")
    return found


def decided(opened: BypassStore) -> Callable[[], Awaitable[None]]:
    """Returns when somebody has decided something since it was called last."""
    seen = opened.revision()

    async def changed() -> None:
        nonlocal seen
        while opened.revision() == seen:  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(_LOOK)
        seen = opened.revision()

    return changed


class Way(NamedTuple):
    """Where a gateway finds its centre."""

    enrolment: Path | None
    shelf: Path | None
    roots: Path | None
    proxy: str | None
    no_proxy: bool
    timeout: float

    @asynccontextmanager
    async def gateway(
        self, opened: BypassStore
    ) -> AsyncGenerator[tuple[Gateway, Callable[[], Awaitable[None]] | None]]:
        """The gateway, and what returns when its next round need not be waited for. Raises ConfigError, StoreError."""
        from addons.sync.enrolment import read_enrolment
        from addons.sync.gateway import Gateway
        from addons.sync.https_shelf import HttpsShelf
        from addons.sync.shelf import FolderShelf
        from detector.cli.way import routing

        assert self.enrolment is not None
        who = read_enrolment(self.enrolment)
        if self.shelf is None and who.shelf.startswith("https://"):
            way = routing(self.proxy, no_proxy=self.no_proxy, trust=self.roots)
            over = HttpsShelf(who.shelf, who.token, self.roots, way, self.timeout)
            try:
                yield Gateway(opened, over, who, given.now), None
            finally:
                await over.close()
        elif self.shelf is None and who.fleet is not None:
            from addons.sync.nats_shelf import NatsShelf

            bus = NatsShelf(who.fleet, centre=False, timeout=self.timeout)
            try:
                yield Gateway(opened, bus, who, given.now), bus.news
            finally:
                await bus.close()
        else:
            shelf = FolderShelf(self.shelf or Path(who.shelf))
            yield Gateway(opened, shelf, who, given.now), None
