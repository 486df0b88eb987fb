"""How an agent that nobody attends joins its fleet: by the token that its service was given, tried until it is taken.

The token is a file: `token-file` in [fleet], else `tlsight-fleet` among the credentials of systemd
(/etc/credstore/tlsight-fleet, see systemd.exec(5)). A device that is in a fleet, or was and is revoked, reads it no more.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from detector.agent.enrolling import enrol
from detector.agent.membership import MAX_FILE, read_token
from detector.bounded import read_regular
from detector.errors import ConfigError, TlsightError

CREDENTIAL = "tlsight-fleet"
_FIRST, _LONGEST = 60.0, 3600.0


def token_file(named: str, environment: Mapping[str, str]) -> Path | None:
    """Where a token is looked for; None where nobody gives one."""
    if named:
        return Path(named)
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    found = Path(folder) / CREDENTIAL
    return found if folder and found.exists() else None


async def join(
    file: Path,
    folder: Path,
    device: str,
    name: str,
    say: Callable[[str], None],
    chance: Callable[[], float],
) -> None:
    """Returns when FOLDER/fleet.json is there; tries ever more rarely, and says why it is not yet."""
    failures = 0
    while True:
        try:
            await join_once(file, folder, device, name)
        except TlsightError as error:
            say(str(error))
        else:
            return
        wait = min(_FIRST * 2 ** min(failures, 10), _LONGEST)
        await asyncio.sleep(wait * (0.75 + chance() / 2))
        failures += 1


async def join_once(file: Path, folder: Path, device: str, name: str) -> None:
    """Show the token of a file. Raises ConfigError, FetchError, StoreError."""
    try:
        content = read_regular(file, MAX_FILE)
    except OSError as error:
        raise ConfigError(str(file), error.strerror or "cannot be read") from None
    await enrol(read_token(content, str(file)), folder, device, name, sys.platform)
