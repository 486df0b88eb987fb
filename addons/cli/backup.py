"""`tlsight bypass backup` and `restore`: a copy of the store while proxies write it, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs, confirm
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.store.backup import Checked
    from addons.store.restoring import Plan

_MOST_SHOWN = 20
_STAMP = "%Y%m%dT%H%M%SZ"


def backup(
    file: Annotated[Path, Argument(help="Where to; in a folder, a file named after the time.")],
    check: Annotated[
        bool, Option("--check", help="Make none, and say whether this one holds.")
    ] = False,
    force: Annotated[bool, Option("--force", help="In the place of what is there.")] = False,
    keep: Annotated[int | None, Option(min=1, help="Of those in the folder, keep so many.")] = None,
    key: Annotated[
        bool | None,
        Option(help="Whether the signing key goes along; where it lies beside the store."),
    ] = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Copy the store while proxies write it, and check the copy; exit with 1 where its trail does not hold."""
    import os

    from addons.store.backup import back_up
    from addons.store.backup import check as checked
    from detector.errors import ConfigError
    from detector.version import __version__

    if check:
        found = checked(file, given.now())
        return _said(file, found, json=json)
    folder = file if file.is_dir() else None
    if keep is not None and folder is None:
        raise ConfigError("--keep", "is about a folder", remedy="give a folder in place of a file")
    now = given.now()
    target = folder / f"bypass-{now.strftime(_STAMP)}.backup" if folder is not None else file
    path = given.store_path(store)
    found = back_up(path, target, now, os.environ, version=__version__, force=force, key=key)
    if keep is not None and folder is not None and not found.faults:
        _leave(folder, keep)
    return _said(target, found, json=json)


def restore(
    file: Annotated[Path, Argument(help="A file of tlsight bypass backup.")],
    reason: Annotated[str, Option(help="Why, for the trail.")],
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, Option("--force", help="Also one whose trail does not hold.")] = False,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Put a backup back; running proxies read it within a second. What was seen since stays."""
    import os

    from addons.store.restoring import plan
    from addons.store.restoring import restore as put_back
    from detector.errors import ConfigError

    path = given.store_path(store)
    planned = plan(file, path, given.now(), os.environ)
    if json and dry_run:
        given.print_json(planned)
    elif not json:
        _show(planned)
    if dry_run:
        return exit_codes.CLEAN
    if not yes:
        if not sys.stdin.isatty():
            remedy = "--dry-run shows what changes, --yes does it"
            raise ConfigError("bypass restore", "nobody is here to ask", remedy=remedy)
        if not confirm("Put it back?", err=True):
            return exit_codes.FOUND
    from detector import clock

    done = put_back(file, path, reason, clock.now, given.user(), os.environ, force=force)
    if json:
        given.print_json(done)
    else:
        given.say(f"restored {path} from {file}; the trail says so, with what was lost")
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def _said(path: Path, found: Checked, *, json: bool) -> int:
    code = exit_codes.FOUND if found.faults else exit_codes.CLEAN
    if json:
        given.print_json({"file": str(path), **_record(found)})
        return code
    about = found.about
    key = "the key that signs" if about.has_key else "no key (it stays where it is)"
    given.say(f"{path}: {about.store} at {about.made}, by tlsight {about.version}")
    given.say(
        f"  {found.rules} rules, {found.candidates} candidates, {found.entries} entries of the trail,"
        f" its heads, {key}"
    )
    given.say("  not in it: rules kept by hand, the page's users, mitmproxy's CA and settings")
    for text in (*found.faults, *found.notes):
        given.say(f"  {text}")
    return code


def _record(found: Checked) -> dict[str, object]:
    import msgspec

    fields: dict[str, object] = msgspec.to_builtins(found)
    return fields


def _show(planned: Plan) -> None:
    about = planned.about
    given.say(f"the copy is of {about.made}")
    for text in planned.faults:
        given.say(f"! {text}")
    for sign, what, patterns in (
        ("+", "rules come back", planned.added),
        ("-", "rules go", planned.removed),
        ("~", "rules change", planned.changed),
        ("~", "candidates change", planned.candidates),
        ("~", "feeds change", planned.feeds),
    ):
        if patterns:
            given.say(f"{len(patterns)} {what}")
        for one in patterns[:_MOST_SHOWN]:
            given.say(f"  {sign} {one}")
        if len(patterns) > _MOST_SHOWN:
            given.say(f"  and {len(patterns) - _MOST_SHOWN} more")
    if planned.lost:
        given.say(f"{len(planned.lost)} decisions were made since, and are lost but for the trail")
    for lost in planned.lost[-_MOST_SHOWN:]:
        given.say(f"  {lost.number} {lost.at} {lost.by} {lost.action} {lost.subject}")
    if planned.observed:
        given.say(f"what was seen comes back too: {', '.join(planned.observed)}")
    if planned.other_key:
        given.say("its trail was signed with another key: give that to audit verify --key")


def _leave(folder: Path, keep: int) -> None:
    """Take the oldest away, by the time in their names; nothing else in the folder is touched."""
    import contextlib
    from datetime import datetime

    ours: list[Path] = []
    for path in folder.glob("bypass-*.backup"):
        with contextlib.suppress(ValueError):
            datetime.strptime(path.name, f"bypass-{_STAMP}.backup")  # noqa: DTZ007 (its form alone)
            ours.append(path)
    for path in sorted(ours)[:-keep]:
        path.unlink(missing_ok=True)
