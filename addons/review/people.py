"""Who is at the page, and what each role may do there."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Role = Literal["viewer", "approver", "admin"]
Deed = Literal["read", "decide", "administer"]
ROLES: tuple[Role, ...] = get_args(Role)  # whoever may less comes first
# Deciding is about one candidate or rule; administering is imports, undoing, and what is wide.
_MAY: dict[Role, frozenset[Deed]] = {
    "viewer": frozenset(("read",)),
    "approver": frozenset(("read", "decide")),
    "admin": frozenset(("read", "decide", "administer")),
}
_LONGEST_NAME = 64


class Person(msgspec.Struct, frozen=True):
    """Somebody who has logged in.

    Attributes:
        way: how, for the audit trail, e.g. "page: password, from 192.0.2.7".

    """

    name: str
    role: Role
    way: str = "page: token"

    def may(self, deed: Deed) -> bool:
        return deed in _MAY[self.role]


# Whoever has the one token or password is everybody.
TOKEN_HOLDER = Person("review page", "admin")


def is_name(text: str) -> bool:
    """Whether a person may be called that: letters, digits and . _ @ + - of ASCII, in one way alone."""
    return 0 < len(text) <= _LONGEST_NAME and all(
        one.isascii() and (one.isalnum() or one in "._@+-") for one in text
    )
