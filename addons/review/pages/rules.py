"""The rules: searched, filtered, sorted and paged by the store."""

from __future__ import annotations

from typing import get_args

from addons.bypass.due import life
from addons.bypass.rule import Action
from addons.review.visit import View, Visit, address, page_number
from addons.store.listing import LIVES, ORDERS, Listing, Wanted
from addons.store.stored import StoredRule

_TITLES = (
    ("pattern", "Pattern", ""),
    ("", "Action", ""),
    ("", "Reason", ""),
    ("owner", "Owner", ""),
    ("ends", "Ends", ""),
    ("used", "Used", "number"),
    ("bytes", "Bytes", "number"),
    ("last", "Last used", ""),
)
# What is worth seeing first is the most.
_BACKWARDS = ("used", "bytes", "last", "made")


def page(visit: Visit) -> View:
    """One page of them."""
    wanted = wanted_of(visit)
    listing: Listing = visit.store.listing
    found = listing.page(wanted)
    uses = listing.uses([one.rule.pattern for one in found.rules])
    query = {
        "q": wanted.text,
        "action": wanted.action,
        "life": wanted.life if wanted.life != "any" else "",
        "owner": wanted.owner,
        "unused": "1" if wanted.unused else "",
    }
    order = {"order": wanted.order, "down": "1" if wanted.backwards else ""}
    return View(
        "rules.html",
        {
            "rows": [(one, uses.get(one.rule.pattern), stage(visit, one)) for one in found.rules],
            "total": found.total,
            "more": found.more,
            "wanted": wanted,
            "lives": LIVES,
            "actions": get_args(Action),
            "owners": listing.owners(),
            "titles": [_title(name, text, kind, wanted, query) for name, text, kind in _TITLES],
            "newer": address("/rules", **query, order="made", down="1"),
            "filtered": any(query.values()),
            "page": wanted.page,
            "pages": max(1, -(-found.total // wanted.size)),
            "base": {**query, **order},
        },
    )


def wanted_of(visit: Visit) -> Wanted:
    """What the address asks for; nonsense is as if it were not there."""
    action, life, order = visit.query("action"), visit.query("life"), visit.query("order")
    return Wanted(
        text=visit.query("q"),
        action=action if action in get_args(Action) else "",
        life=next((one for one in LIVES if one == life), "any"),
        owner=visit.query("owner") or None,
        unused=bool(visit.query("unused")),
        order=next((one for one in ORDERS if one == order), "pattern"),
        backwards=bool(visit.query("down")),
        page=min(page_number(visit), 1_000_000),
    )


def stage(visit: Visit, one: StoredRule) -> str:
    """Where in its life a rule is: draft, trial, ended, expiring, or in-force."""
    found = life(one, visit.now).stage
    return "in-force" if found == "approved" else found


def _title(
    name: str, text: str, kind: str, wanted: Wanted, query: dict[str, str | None]
) -> dict[str, str]:
    """A column's heading, and the address that sorts by it."""
    if not name:
        return {"text": text, "kind": kind, "where": "", "sorted": "", "name": ""}
    current = wanted.order == name
    backwards = not wanted.backwards if current else name in _BACKWARDS
    where = address("/rules", **query, order=name, down="1" if backwards else "")
    direction = ("descending" if wanted.backwards else "ascending") if current else ""
    return {"text": text, "kind": kind, "where": where, "sorted": direction, "name": name}
