"""`tlsight bypass user`: who may log in to the review page by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from addons.cli import given
from addons.cli.roster import AsRole, Name, NewRole, Roster
from detector.cli import exit_codes
from detector.cli.options import Option, Verbs
from detector.cli.output import Json

user = Verbs(
    no_args_is_help=True,
    help="Who may log in to the review page: a file of names, roles and hashes of passwords.",
)
Users = Annotated[
    Path | None,
    Option("--users", help="The file of users; review-users beside the store when left out."),
]


@user.command("add")
def user_add(
    name: Name, role: AsRole = "viewer", users: Users = None, store: given.Store = None
) -> int:
    """Add a user. The password is asked for twice, or is the first line of stdin."""
    _roster(users, store).add(name, role)
    return exit_codes.CLEAN


@user.command("list")
def user_list(users: Users = None, store: given.Store = None, json: Json = False) -> int:
    """List the users."""
    _roster(users, store).show(json=json)
    return exit_codes.CLEAN


@user.command("remove")
def user_remove(name: Name, users: Users = None, store: given.Store = None) -> int:
    """Take a user away; his sessions end at their next request."""
    _roster(users, store).remove(name)
    return exit_codes.CLEAN


@user.command("role")
def user_role(name: Name, role: NewRole, users: Users = None, store: given.Store = None) -> int:
    """Give a user another role; his sessions end at their next request."""
    _roster(users, store).change_role(name, role)
    return exit_codes.CLEAN


@user.command("password")
def user_password(name: Name, users: Users = None, store: given.Store = None) -> int:
    """Give a user another password; his sessions end at their next request."""
    _roster(users, store).change_password(name)
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    app.add_command(user, "user")


def _roster(users: Path | None, store: Path | None) -> Roster:
    from addons.review.users_file import NAME, VERB
    from detector.extras import demand

    demand("bypass user", "argon2", "review")
    beside = given.store_path(store)
    path = users if users is not None else beside.with_name(NAME)

    def note(action: str, name: str, details: dict[str, object]) -> None:
        """Who may decide is part of who decided: first, so that nobody is let in without a word of it."""
        with given.open_store(store) as opened:
            opened.note(action, name, {"file": str(path), **details})

    return Roster(path, beside, VERB, note)
