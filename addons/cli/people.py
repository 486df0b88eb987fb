"""`tlsight bypass user`: who may log in to the review page by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.review.people import Role
    from addons.review.users_file import User

user = typer.Typer(
    no_args_is_help=True,
    help="Who may log in to the review page: a file of names, roles and hashes of passwords.",
)
Name = Annotated[str, typer.Argument(help="Letters, digits and . _ @ + - of ASCII.")]
Users = Annotated[
    Path | None,
    typer.Option("--users", help="The file of users; review-users beside the store when left out."),
]
AsRole = Annotated[
    str, typer.Option("--role", help="viewer looks on, approver decides, admin does all.")
]
_MOST_TYPED = 64 << 10


@user.command("add")
def user_add(
    name: Name, role: AsRole = "viewer", users: Users = None, store: given.Store = None
) -> int:
    """Add a user. The password is asked for twice, or is the first line of stdin."""
    from addons.review.users_file import User, changing, hashed
    from detector.errors import ConfigError

    wanted, path = _role(role), _path(users, store)
    _check(name)
    digest = hashed(name, _password())
    with changing(path, given.store_path(store)) as there:
        if name in there:
            remedy = f"tlsight bypass user password {name}, or role"
            raise ConfigError(name, "is there already", remedy=remedy)
        there[name] = User(name, wanted, digest)
        _enter(path, store, "user-add", name, {"role": wanted})
    given.say(f"{name} is {_a(wanted)}, in {path}")
    return exit_codes.CLEAN


@user.command("list")
def user_list(users: Users = None, store: given.Store = None, json: Json = False) -> int:
    """List the users."""
    from addons.review.users_file import read_users

    for one in read_users(_path(users, store)).values():
        if json:
            given.print_json({"name": one.name, "role": one.role})
        else:
            given.say(f"{one.name:24} {one.role}")
    return exit_codes.CLEAN


@user.command("remove")
def user_remove(name: Name, users: Users = None, store: given.Store = None) -> int:
    """Take a user away; his sessions end at their next request."""
    from addons.review.users_file import changing

    path = _path(users, store)
    with changing(path, given.store_path(store)) as there:
        _known(there, name, path)
        del there[name]
        _enter(path, store, "user-remove", name, {})
    given.say(f"removed {name}")
    return exit_codes.CLEAN


@user.command("role")
def user_role(
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, approver or admin.")],
    users: Users = None,
    store: given.Store = None,
) -> int:
    """Give a user another role; his sessions end at their next request."""
    import msgspec

    from addons.review.users_file import changing

    wanted, path = _role(role), _path(users, store)
    with changing(path, given.store_path(store)) as there:
        _known(there, name, path)
        before = there[name].role
        there[name] = msgspec.structs.replace(there[name], role=wanted)
        _enter(path, store, "user-role", name, {"before": before, "after": wanted})
    given.say(f"{name} is {_a(wanted)}")
    return exit_codes.CLEAN


@user.command("password")
def user_password(name: Name, users: Users = None, store: given.Store = None) -> int:
    """Give a user another password; his sessions end at their next request."""
    import msgspec

    from addons.review.users_file import changing, hashed, read_users

    path = _path(users, store)
    _known(read_users(path), name, path)  # before anything is typed
    digest = hashed(name, _password())
    with changing(path, given.store_path(store)) as there:
        _known(there, name, path)
        there[name] = msgspec.structs.replace(there[name], hash=digest)
        _enter(path, store, "user-password", name, {})
    given.say(f"{name} has another password")
    return exit_codes.CLEAN


def register(app: typer.Typer) -> None:
    app.add_typer(user, name="user")


def _path(users: Path | None, store: Path | None) -> Path:
    from addons.review.users_file import NAME
    from detector.extras import demand

    demand("bypass user", "argon2", "review")
    return users if users is not None else given.store_path(store).with_name(NAME)


def _enter(
    path: Path, store: Path | None, action: str, name: str, details: dict[str, object]
) -> None:
    """Who may decide is part of who decided: first, so that nobody is let in without a word of it."""
    with given.open_store(store) as opened:
        opened.note(action, name, {"file": str(path), **details})


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


def _known(there: dict[str, User], name: str, path: Path) -> None:
    from detector.errors import ConfigError

    if name not in there:
        raise ConfigError(name, f"is no user of {path}", remedy="tlsight bypass user list")


def _a(role: str) -> str:
    return f"{'a' if role == 'viewer' else 'an'} {role}"
