"""Lists that somebody sent and has not confirmed yet: kept here, for a form that is shown again holds no file."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import msgspec

from addons.bypass.bounded import placed
from detector.errors import ConfigError

# Lists kept at once, each of at most MAX_LIST bytes; how long one is kept.
MOST, MAX_LIST, FOR = 8, 8 << 20, timedelta(minutes=30)


class Pending(msgspec.Struct, frozen=True):
    """A list with what else was filled in.

    Attributes:
        person: who sent it, and may confirm it.
        name: the file's.
        digest: of the plan that was shown.

    """

    person: str
    at: datetime
    target: str
    name: str
    text: str
    owner: str
    reason: str
    expires: str
    replace: bool
    digest: str = ""


class Desk:
    """All of them, for every thread of the page."""

    def __init__(self) -> None:
        self._kept: dict[str, Pending] = {}

    def keep(self, one: Pending) -> str:
        """The token to ask for it by."""
        late = one.at - FOR
        for name in [name for name, there in list(self._kept.items()) if there.at < late]:
            self._kept.pop(name, None)
        token = secrets.token_urlsafe(24)
        placed(self._kept, token, one, MOST)
        return token

    def take(self, token: str, person: str, now: datetime) -> Pending:
        """It, which is kept no longer. Raises ConfigError where it is not there, or somebody else's."""
        found = self._kept.get(token)
        if found is None or found.person != person or now - found.at > FOR:
            raise ConfigError("import", "the list is no longer here", remedy="send it again")
        self._kept.pop(token, None)
        return found
