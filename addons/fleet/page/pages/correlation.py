"""What no single agent can see."""

from __future__ import annotations

from typing import Any

import msgspec

from addons.fleet.page.look import Look, found
from addons.review.visit import View, page_number
from detector.model.no_json import NO_JSON

_MOST = 40


async def every(look: Look) -> View:
    closed = look.query("state") == "closed"
    return View(
        "correlations.html",
        {
            "found": await look.fleet.correlations(closed=closed, page=page_number(look)),
            "closed": closed,
        },
    )


async def page(look: Look) -> View:
    id_ = look.query("id")
    one = found(await look.fleet.correlation(id_), id_, "correlation")
    labels = await look.fleet.labels([one.network])
    return View(
        "correlation.html",
        {"one": one, "label": labels.get(one.network, ""), "details": details(one.body)},
    )


def details(body: str) -> list[tuple[str, str]]:
    """What the collector wrote beside the headline, a line a name."""
    try:
        found: Any = msgspec.json.decode(body)
    except NO_JSON:
        return []
    if not isinstance(found, dict):
        return []
    return [(str(name), _said(value)) for name, value in list(found.items())[:_MOST]]


def _said(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
