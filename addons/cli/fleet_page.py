"""`tlsight fleet page`: who stands between the laptops and the internet, in a browser; `tlsight fleet user` who may look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from addons.cli.entrance import EntranceOptions
from addons.cli.fleet_home import Database, Home
from addons.cli.roster import AsRole, Name, NewRole, Roster
from detector.cli import exit_codes
from detector.cli.groups import grouped
from detector.cli.knowledge import PolicyFile
from detector.cli.options import Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.fleet.page.look import Ask
    from addons.fleet.unheard import Enrolled

user = Verbs(
    no_args_is_help=True,
    help="Who may log in to the fleet page: a file of names, roles and hashes of passwords.",
)
Users = Annotated[
    Path | None,
    Option("--users", help="The file of users; fleet-users beside the database when left out."),
]


@grouped
def page(
    entrance: EntranceOptions,
    listen: Annotated[str, Option(help="ADDRESS:PORT; 0 for any free port.")] = "127.0.0.1:8092",
    database: Database = None,
    policy: PolicyFile = None,
    store: Home = None,
) -> int:
    """Serve the fleet page: who intercepts, where, on whose laptops, and what that rests on."""
    import asyncio

    from detector.extras import demand

    demand("fleet page", "uvicorn", "fleet")
    from addons.fleet.database import open_database
    from addons.fleet.page import serving
    from addons.fleet.page.app import Fleet
    from detector.api import default_knowledge

    where = _where(database)

    async def looked() -> None:
        await (await open_database(where)).close()

    asyncio.run(
        looked()
    )  # what is wrong with it is said now, and not by a server that fails to start
    fleet = Fleet(
        open=lambda: open_database(where),
        known=lambda: default_knowledge(policy=policy, local=False),
        ask=_ask(store, where),
        enrolled=_enrolled(store),
    )
    serving.serve(fleet, _beside(database), listen, entrance.entrance())
    return exit_codes.CLEAN


@user.command("add")
def user_add(
    name: Name, role: AsRole = "viewer", users: Users = None, database: Database = None
) -> int:
    """Add a user. The password is asked for twice, or is the first line of stdin."""
    _roster(users, database).add(name, role)
    return exit_codes.CLEAN


@user.command("list")
def user_list(users: Users = None, database: Database = None, json: Json = False) -> int:
    """List the users."""
    _roster(users, database).show(json=json)
    return exit_codes.CLEAN


@user.command("remove")
def user_remove(name: Name, users: Users = None, database: Database = None) -> int:
    """Take a user away; his sessions end at their next request."""
    _roster(users, database).remove(name)
    return exit_codes.CLEAN


@user.command("role")
def user_role(name: Name, role: NewRole, users: Users = None, database: Database = None) -> int:
    """Give a user another role; his sessions end at their next request."""
    _roster(users, database).change_role(name, role)
    return exit_codes.CLEAN


@user.command("password")
def user_password(name: Name, users: Users = None, database: Database = None) -> int:
    """Give a user another password; his sessions end at their next request."""
    _roster(users, database).change_password(name)
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    """Put the verbs under `tlsight fleet`."""
    app.command("page")(page)
    app.add_command(user, "user")


def _where(database: str | None) -> str:
    import os

    from addons.fleet.database import default_database

    return database if database is not None else default_database(os.environ)


def _beside(database: str | None) -> Path:
    """What the page's own files are beside: the database where that is a file, else what would be."""
    import os

    from addons.fleet.database import default_database

    where = _where(database)
    is_file = "://" not in where and not where.startswith("@")
    return Path(where if is_file else default_database(os.environ))


def _ask(store: Path | None, where: str) -> Ask | None:
    """Asks over the bus, where the fleet's folder is on this machine."""
    import os
    from importlib.util import find_spec

    from addons.fleet.home import FleetHome, default_home

    folder = store or default_home(os.environ)
    if find_spec("nats") is None or not (folder / "keys.json").exists():
        return None
    from addons.fleet.page.questioning import BusAsk

    return BusAsk(FleetHome(folder), where, given.now, given.tell)


def _enrolled(store: Path | None) -> Enrolled:
    import os

    from addons.fleet.home import default_home
    from addons.fleet.unheard import enrolled

    folder = store or default_home(os.environ)
    return lambda: enrolled(folder)


def _roster(users: Path | None, database: str | None) -> Roster:
    from detector.extras import demand

    demand("fleet user", "argon2", "fleet")
    from addons.fleet.page.serving import NAME, VERB

    beside = _beside(database)
    path = users if users is not None else beside.with_name(f"{NAME}-users")

    def note(action: str, name: str, details: dict[str, object]) -> None:
        """The fleet has no trail of its own: what the system logs of its commands has to do."""

    return Roster(path, beside, VERB, note)
