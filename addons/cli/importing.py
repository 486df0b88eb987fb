"""`tlsight bypass import` and `replace`: a foreign list into the store, its plan first."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.bypass.plan import Plan
    from addons.bypass.rule import Rule
    from addons.formats.exported import Imported, ReadOptions
    from addons.store.bypass_store import BypassStore

Target = Annotated[str, Argument(help="tlsight bypass formats lists them.")]
File = Annotated[Path, Argument(help="- for stdin.")]
Owner = Annotated[str, Option(help="Who answers for rules that name nobody.")]
Reason = Annotated[str, Option(help="Of rules that give none.")]
Columns = Annotated[
    list[str] | None,
    Option(
        "--map",
        help="Of a table: our field and its column, by name or number: owner=Team, host=2. Repeatable.",
    ),
]
DryRun = Annotated[bool, Option("--dry-run", help="Show what would change, and change nothing.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
Strict = Annotated[bool, Option("--strict", help="Exit with 1 where an entry cannot be said.")]
# Of one kind, for a person; --json has all.
_SHOWN = 20
# Of traffic: so many days, and so many names.
_DAYS, _MOST = 30, 20_000


def import_(
    target: Target,
    file: File,
    owner: Owner,
    expires: given.Expires,
    reason: Reason = "",
    columns: Columns = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: given.Force = False,
    strict: Strict = False,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Read rules from another program's list into the store; the plan is shown first, then all or nothing.

    What is there already stays, and is changed in what the list says.
    """
    run = _Run(target, file, owner, expires, reason, columns, rules, store, replace=False)
    return run(dry_run=dry_run, yes=yes, force=force, strict=strict, json=json)


def replace(
    target: Target,
    file: File,
    owner: Owner,
    expires: given.Expires,
    reason: Reason = "",
    columns: Columns = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: given.Force = False,
    strict: Strict = False,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """As import, and what the list does not have is taken out of the store."""
    run = _Run(target, file, owner, expires, reason, columns, rules, store, replace=True)
    return run(dry_run=dry_run, yes=yes, force=force, strict=strict, json=json)


def read_list(target: str, file: Path, columns: list[str] | None = None) -> Imported:
    """A list, and the files that it names. Raises ConfigError."""
    from addons.formats.registry import read

    return read(target, text_of(file), str(file), _options(file, columns))


def text_of(file: Path, *, named: bool = False) -> str:
    """A list's text, in whichever Unicode. Raises ConfigError.

    A file that is only `named` in a list, by whoever wrote that, is read where it is one, and no pipe.
    """
    from detector.bounded import read_regular, read_whole
    from detector.errors import ConfigError
    from detector.knowledge.rows import MAX_FILE

    try:
        if named:
            data = _within(read_regular(file, MAX_FILE + 1), MAX_FILE)
        elif str(file) == "-":
            data = _within(sys.stdin.buffer.read(MAX_FILE + 1), MAX_FILE)
        else:
            data = read_whole(file, MAX_FILE)
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise ConfigError(str(file), why or str(error)) from None


class _Run:
    """One import."""

    def __init__(
        self,
        target: str,
        file: Path,
        owner: str,
        expires: str,
        reason: str,
        columns: list[str] | None,
        rules: Path | None,
        store: Path | None,
        *,
        replace: bool,
    ) -> None:
        from addons.bypass.pattern import end
        from addons.bypass.shown import shown

        self._target, self._file, self._rules, self._store = target, file, rules, store
        self._replace = replace
        self._filled: dict[str, object] = {
            "owner": owner,
            "reason": reason or f"imported from {shown(file.name)}",
            "expires": end(expires, given.now()),
            "created": given.today(),
        }
        self._found = read_list(target, file, columns)

    def __call__(self, *, dry_run: bool, yes: bool, force: bool, strict: bool, json: bool) -> int:
        from addons.bypass.shown import shown
        from addons.cli.running import tell_readers
        from detector.errors import ConfigError

        if self._replace and not self._found.entries and not force:
            why = "says no rule, and everything would be removed"
            raise ConfigError(str(self._file), why, remedy="--force where that is meant")
        with self._store_for(dry_run=dry_run) as opened:
            plan = self._planned(opened)
            self._show(plan, json=json)
            left_out = exit_codes.FOUND if strict and self._found.unread else exit_codes.CLEAN
            if plan.refused and not force:
                for one in plan.refused[:_SHOWN]:
                    given.tell(f"refused {one.rule.pattern}: {one.text} ({one.id})")
                rules = {one.rule.pattern for one in plan.refused}
                why = (
                    f"{_count(len(rules), 'rule')} must not come in by accident, so nothing is done"
                )
                raise ConfigError(str(self._file), why, remedy="--force where that is meant")
            if dry_run or not plan.changes:
                return left_out
            if not yes and not self._is_meant():
                given.tell("nothing was changed")
                return exit_codes.FOUND
            verb = "replace" if self._replace else "import"
            source = f"{self._target}: {shown(str(self._file))}"
            count = {"source": source, "count": len(plan.changes)}
            number = opened.change(verb, source, plan.changes, count)
            tell_readers(opened)
        if not json:
            given.say(f"done; tlsight bypass undo {number} takes it back")
        return left_out

    def _store_for(self, *, dry_run: bool) -> BypassStore:
        """To look at where nothing is to be done: then one that is not there yet is empty."""
        if not dry_run:
            return given.open_store(self._store)
        from addons.store.bypass_store import BypassStore
        from detector import clock

        path = given.store_path(self._store)
        return BypassStore(path, clock.now, read_only=True, or_empty=True)

    def _planned(self, opened: BypassStore) -> Plan:
        from datetime import timedelta

        from addons.bypass.guarded import guarded
        from addons.bypass.plan import planned

        month = (given.today() - timedelta(days=_DAYS)).isoformat()
        passed = (one.host for one in opened.traffic.top(month, _MOST) if one.host)
        seen = [*dict.fromkeys((*opened.traffic.inspected(month, _MOST), *passed))]
        return planned(
            self._found.rows, opened.placed(), seen, given.now(), guarded(),
            self._filled, beside=given.file_rules(self._rules),
            beneath=opened.feeds.rules(), replace=self._replace,
        )  # fmt: skip

    def _is_meant(self) -> bool:
        from detector.errors import ConfigError

        if str(self._file) == "-" or not sys.stdin.isatty():
            why = "there is nobody to ask"
            raise ConfigError("import", why, remedy="--dry-run shows the plan alone, --yes does it")
        print("Do it? [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline(10).strip().lower() in ("y", "yes")

    def _show(self, plan: Plan, *, json: bool) -> None:
        if json:
            given.print_json(_record(self._found, plan))
            return
        for note in self._found.notes:
            given.tell(note)
        for unread in self._found.unread:
            where = f"{unread.file or self._file}:{unread.line}"
            given.tell(f"{where}: left out {unread.text!r}: {unread.why}")
        for line in _lines(plan):
            given.say(line)
        left = len(self._found.unread)
        given.say(
            f"{len(plan.added)} added, {len(plan.changed)} changed, {len(plan.removed)} removed,"
            f" {plan.same} there already, {left} left out"
        )


def _lines(plan: Plan) -> Iterable[str]:
    """The plan for a person."""
    yield from _few("+", [_brief(one) for one in plan.added])
    yield from _few("~", [f"{new.pattern}: {_difference(old, new)}" for old, new in plan.changed])
    yield from _few("-", [_brief(one) for one in plan.removed])
    yield from _few("draft, left alone:", plan.drafts)
    yield from _few("overlapping:", [f"{one.rule.pattern}: {one.text}" for one in plan.overlapping])
    for names, what in (
        (plan.stops, "would not be inspected any more"),
        (plan.begins, "would be inspected again"),
    ):
        if names:
            more = f" and {len(names) - 8} more" if names[8:] else ""
            yield f"of the last {_DAYS} days' traffic {_count(len(names), 'name')} {what}: {', '.join(names[:8])}{more}"

    ranges = [one.pattern for one in plan.blind]
    if ranges:
        more = f" and {len(ranges) - 8} more" if ranges[8:] else ""
        yield f"whoever is there passes, under any name: {', '.join(ranges[:8])}{more}"


def _few(mark: str, entries: Iterable[str]) -> Iterable[str]:
    every = list(entries)
    yield from (f"{mark} {one}" for one in every[:_SHOWN])
    if every[_SHOWN:]:
        yield f"{mark} and {len(every) - _SHOWN} more"


def _brief(rule: Rule) -> str:
    until = f" until {rule.until}" if rule.expires else ""
    bind = f", bind {rule.bind}" if rule.bind is not None else ""
    return f"{rule.action} {rule.pattern}{until}{bind} ({rule.owner}: {rule.reason})"


def _difference(old: Rule, new: Rule) -> str:
    import msgspec

    before, after = msgspec.structs.asdict(old), msgspec.structs.asdict(new)
    names = [name for name in before if before[name] != after[name]]
    return ", ".join(f"{name} {before[name]!s} -> {after[name]!s}" for name in names) or "approved"


def _record(found: Imported, plan: Plan) -> dict[str, object]:
    """The plan for a program."""
    return {
        "added": [given.record(one) for one in plan.added],
        "changed": [
            {"before": given.record(old), "after": given.record(new)} for old, new in plan.changed
        ],
        "removed": [given.record(one) for one in plan.removed],
        "same": plan.same,
        "drafts": plan.drafts,
        "refused": [
            {"rule": one.rule.pattern, "id": one.id, "text": one.text} for one in plan.refused
        ],
        "overlapping": [
            {"rule": one.rule.pattern, "id": one.id, "text": one.text} for one in plan.overlapping
        ],
        "stops": plan.stops,
        "begins": plan.begins,
        "blind": [one.pattern for one in plan.blind],
        "left_out": found.unread,
        "notes": found.notes,
    }


def _options(file: Path, columns: list[str] | None) -> ReadOptions:
    from addons.formats.exported import ReadOptions
    from detector.errors import ConfigError

    given_columns: dict[str, str] = {}
    for one in columns or ():
        name, equals, column = one.partition("=")
        if not equals or not name or not column:
            raise ConfigError("--map", f"{one!r} is no FIELD=COLUMN")
        # Several columns may be left out, so that they are the keys there.
        given_columns |= {column: name} if name == "ignore" else {name: column}

    def beside(name: str) -> str:
        path = Path(name)
        if not path.is_absolute() or not path.exists():
            path = file.parent / (path.name if path.is_absolute() else path)
        return text_of(path, named=True)

    return ReadOptions(beside, given_columns)


def _within(data: bytes, limit: int) -> bytes:
    """Raises OSError for more than that."""
    import errno

    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit >> 20} MiB")
    return data


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def register(app: Verbs) -> None:
    app.command("import")(import_)
    app.command("replace")(replace)
