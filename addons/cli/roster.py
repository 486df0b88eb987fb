"""What can be done with a page's file of users, whichever page it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from addons.cli import given
from detector.cli.options import Argument, Option

if TYPE_CHECKING:
    from addons.review.people import Role
    from addons.review.users_file import User

Name = Annotated[str, Argument(help="Letters, digits and . _ @ + - of ASCII.")]
AsRole = Annotated[str, Option("--role", help="viewer looks on, approver decides, admin does all.")]
NewRole = Annotated[str, Argument(help="viewer, approver or admin.")]
_MOST_TYPED = 64 << 10


class Roster(NamedTuple):
    """A page's users.

    Attributes:
        path: their file.
        beside: whose owner a new file gets.
        verb: the command's beginning, for remedies.
        note: takes what is done, about whom, and more of it, before it is.

    """

    path: Path
    beside: Path
    verb: str
    note: Callable[[str, str, dict[str, object]], None]

    def add(self, name: str, role: str) -> None:
        """Raises ConfigError, StoreError, as all of these."""
        from addons.review.users_file import User, changing, hashed
        from detector.errors import ConfigError

        wanted = _role(role)
        _check(name)
        digest = hashed(name, _password())
        with changing(self.path, self.beside, self.verb) as there:
            if name in there:
                remedy = f"{self.verb} password {name}, or role"
                raise ConfigError(name, "is there already", remedy=remedy)
            there[name] = User(name, wanted, digest)
            self.note("user add", name, {"role": wanted})
        given.say(f"{name} is {_a(wanted)}, in {self.path}")

    def show(self, *, json: bool) -> None:
        from addons.review.users_file import read_users

        for one in read_users(self.path, self.verb).values():
            if json:
                given.print_json({"name": one.name, "role": one.role})
            else:
                given.say(f"{one.name:24} {one.role}")

    def remove(self, name: str) -> None:
        from addons.review.users_file import changing

        with changing(self.path, self.beside, self.verb) as there:
            self._known(there, name)
            del there[name]
            self.note("user remove", name, {})
        given.say(f"removed {name}")

    def change_role(self, name: str, role: str) -> None:
        import msgspec

        from addons.review.users_file import changing

        wanted = _role(role)
        with changing(self.path, self.beside, self.verb) as there:
            self._known(there, name)
            before = there[name].role
            there[name] = msgspec.structs.replace(there[name], role=wanted)
            self.note("user role", name, {"before": before, "after": wanted})
        given.say(f"{name} is {_a(wanted)}")

    def change_password(self, name: str) -> None:
        import msgspec

        from addons.review.users_file import changing, hashed, read_users

        self._known(read_users(self.path, self.verb), name)  # before anything is typed
        digest = hashed(name, _password())
        with changing(self.path, self.beside, self.verb) as there:
            self._known(there, name)
            there[name] = msgspec.structs.replace(there[name], hash=digest)
            self.note("user password", name, {})
        given.say(f"{name} has another password")

    def _known(self, there: dict[str, User], name: str) -> None:
        from detector.errors import ConfigError

        if name not in there:
            raise ConfigError(name, f"is no user of {self.path}", remedy=f"{self.verb} list")


def _password() -> str:
    """What somebody types twice, or writes; never a word of the command line. Raises ConfigError."""
    import getpass

    from detector.errors import ConfigError

    if not sys.stdin.isatty():
        line = sys.stdin.buffer.readline(_MOST_TYPED)
        try:
            return line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise ConfigError("password", "is no UTF-8") from None
    try:
        first = getpass.getpass("Password: ", sys.stderr)
        again = getpass.getpass("Once more: ", sys.stderr)
    except EOFError:
        raise ConfigError("password", "was not given") from None
    if first != again:
        raise ConfigError("password", "was typed in two ways", remedy="try again")
    return first


def _role(text: str) -> Role:
    from addons.review.people import ROLES
    from detector.errors import ConfigError

    for one in ROLES:
        if one == text:
            return one
    raise ConfigError("role", f"{text!r} is none of {', '.join(ROLES)}")


def _check(name: str) -> None:
    from addons.review.people import is_name
    from detector.errors import ConfigError

    if not is_name(name):
        raise ConfigError("name", f"{name!r} has more than letters, digits and . _ @ + -")


def _a(role: str) -> str:
    return f"{'a' if role == 'viewer' else 'an'} {role}"
