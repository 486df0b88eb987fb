"""All findings, what changed last first."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from addons.fleet.conditions import stamp
from addons.fleet.page.look import Look
from addons.review.visit import View, page_number
from detector.report.event_json import FindingKind

_DAYS = {"1": "a day", "7": "a week", "30": "30 days"}


async def page(look: Look) -> View:
    state, kind, allowed = look.query("state"), look.query("kind"), look.query("allowed")
    days, host = look.query("days"), look.query("q", 200)
    since = stamp(look.now - timedelta(days=int(days))) if days in _DAYS else ""
    found = await look.fleet.findings(
        state="open" if state == "open" else "closed" if state == "closed" else "",
        kind=kind if kind in get_args(FindingKind) else "",
        sanctioned={"yes": True, "no": False}.get(allowed),
        host=host,
        since=since,
        page=page_number(look),
    )
    base = {"state": state, "kind": kind, "allowed": allowed, "days": days, "q": host}
    return View(
        "findings.html",
        {"found": found, "kinds": get_args(FindingKind), "spans": _DAYS, "base": base, "filtered": any(base.values())},
    )  # fmt: skip
