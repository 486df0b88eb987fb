"""Who is at the page, and what each role may do there."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["viewer", "approver", "admin"]
Deed = Literal["read", "decide", "administer"]
# Deciding is about one candidate or rule; administering is imports, undoing, and what is wide.
_MAY: dict[Role, frozenset[Deed]] = {
    "viewer": frozenset(("read",)),
    "approver": frozenset(("read", "decide")),
    "admin": frozenset(("read", "decide", "administer")),
}


class Person(msgspec.Struct, frozen=True):
    """Somebody who has logged in."""

    name: str
    role: Role

    def may(self, deed: Deed) -> bool:
        return deed in _MAY[self.role]


# Whoever has the one token or password is everybody.
TOKEN_HOLDER = Person("review page", "admin")
