"""The audit trail: who did what, and whether all of it holds."""

from __future__ import annotations

from addons.review.visit import View, Visit, page_number
from addons.store.auditing import audited

SIZE = 50
# Rules and entries up to which the whole trail is checked whenever somebody looks.
QUICK = 2000


def page(visit: Visit) -> View:
    """Entries that hold a text, the latest first."""
    store, text, at = visit.store, visit.query("q"), page_number(visit)
    entries, total = store.past.page(text, min(at, 1_000_000), SIZE)
    amount = store.past.last() + store.listing.counts()["any"]
    check = amount <= QUICK or bool(visit.query("check"))
    return View(
        "audit.html",
        {
            "entries": entries,
            "total": total,
            "found": audited(store, visit.now) if check else None,
            "last": store.past.digest(),
            "q": text,
            "page": at,
            "pages": max(1, -(-total // SIZE)),
        },
    )
