"""A list of another program's: sent, its plan shown, and done when somebody says so."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import NamedTuple

import msgspec

from addons.bypass.guarded import guarded
from addons.bypass.pattern import end
from addons.bypass.plan import Plan, planned
from addons.bypass.shown import shown
from addons.formats.exported import Imported, ReadOptions
from addons.formats.registry import FORMATS, read
from addons.review.foreseen import seen_hosts
from addons.review.pending import MAX_LIST, Desk, Pending
from addons.review.rule_files import rule_files
from addons.review.second import held
from addons.review.visit import Done, View, Visit, address
from detector.errors import ConfigError, TargetError

_FIELDS = ("target", "owner", "reason", "expires", "replace")


class _Read(NamedTuple):
    """A list that was read, and what it would do.

    Attributes:
        waiting: patterns that another person has to approve.

    """

    found: Imported
    plan: Plan
    waiting: tuple[str, ...]
    digest: str


class Importing:
    """The page, and the lists that wait on it."""

    def __init__(self) -> None:
        self._desk = Desk()

    def page(self, visit: Visit) -> View:
        """The form."""
        return _form(visit, dict.fromkeys(_FIELDS, ""), "")

    def send(self, visit: Visit) -> View | Done:
        """A list is read and its plan shown; or done, where it was shown and is the same."""
        try:
            if "token" in visit.form:
                return self._confirmed(visit)
            one = _sent(visit)
            return self._shown(visit, one, _read(visit, one), "")
        except (ConfigError, TargetError) as error:
            given = {name: visit.form.get(name, "") for name in _FIELDS}
            return _form(visit, given, str(error), status=400)

    def _confirmed(self, visit: Visit) -> View | Done:
        one = self._desk.take(visit.form["token"], visit.person.name, visit.now)
        now = _read(visit, one)
        if now.digest != one.digest:
            why = "The rules have changed since you saw this: it would do something else now. Look again."
            return self._shown(visit, one, now, why, status=409)
        if now.plan.refused and not visit.form.get("meant"):
            raise ConfigError(one.name, "what must not pass by accident has to be meant")
        verb = "replace" if one.replace else "import"
        source = f"{one.target}: {shown(one.name)}"
        count = {"source": source, "count": len(now.plan.changes)}
        number = visit.store.change(verb, source, now.plan.changes, count)
        waiting = f" {len(now.waiting):,} wait for another person." if now.waiting else ""
        said = f"{len(now.plan.changes):,} rules changed; entry {number} can be undone.{waiting}"
        return Done(address("/undo", entry=number), said)

    def _shown(self, visit: Visit, one: Pending, now: _Read, why: str, status: int = 200) -> View:
        kept = msgspec.structs.replace(one, digest=now.digest, at=visit.now)
        token = self._desk.keep(kept) if now.plan.changes else ""
        values = {"one": one, "plan": now.plan, "unread": now.found.unread, "token": token}
        values["waiting"] = now.waiting
        return View("import_planned.html", {**values, "why": why}, status)


def _form(visit: Visit, given: dict[str, str], problem: str, status: int = 200) -> View:
    return View(
        "import.html",
        {
            "given": given,
            "problem": problem,
            "formats": [(name, one.title) for name, one in FORMATS.items() if one.reads],
            "usual": visit.now.date() + timedelta(days=90),
            "most": MAX_LIST >> 20,
        },
        status,
    )


def _sent(visit: Visit) -> Pending:
    """The form as it was filled in. Raises ConfigError."""
    file, pasted = visit.form.get("file", ""), visit.form.get("text", "")
    if bool(file.strip()) == bool(pasted.strip()):
        why = "holds nothing" if not file.strip() else "is sent twice: as a file and as text"
        raise ConfigError("the list", why)
    for name in ("owner", "expires"):
        if not visit.field(name):
            raise ConfigError(name, "is missing", remedy="a rule must be defended")
    name = visit.form.get("file-name", "") if file.strip() else "pasted text"
    return Pending(
        visit.person.name, visit.now, visit.field("target"), name or "a file",
        file if file.strip() else pasted, visit.field("owner", 200), visit.field("reason"),
        visit.field("expires"), bool(visit.form.get("replace")),
    )  # fmt: skip


def _read(visit: Visit, one: Pending) -> _Read:
    """The list and its plan by now. Raises ConfigError. A list that names other files gets none of them."""
    found = read(one.target, one.text, one.name, ReadOptions())
    filled = {
        "owner": one.owner,
        "reason": one.reason or f"imported from {shown(one.name)}",
        "expires": end(one.expires, one.at),
        "created": one.at.date(),
    }
    store = visit.store
    plan = planned(
        found.rows, store.placed(), seen_hosts(store), visit.now, guarded(), filled,
        beside=rule_files(store, visit.now).rules, beneath=store.feeds.rules(),
        replace=one.replace,
    )  # fmt: skip
    waiting: tuple[str, ...] = ()
    if visit.two_person:
        changes = tuple(held(change, visit.now) for change in plan.changes)
        pairs = zip(plan.changes, changes, strict=True)
        waiting = tuple(after.pattern for before, after in pairs if before is not after)
        plan = msgspec.structs.replace(plan, changes=changes)
    digest = hashlib.sha256(msgspec.json.encode(plan.changes)).hexdigest()
    return _Read(found, plan, waiting, digest)
