"""The agents: searched, filtered, sorted and paged by the database."""

from __future__ import annotations

from typing import get_args

from addons.fleet.conditions import SIZE
from addons.fleet.page.look import Look
from addons.fleet.queries import AgentOrder, AgentState
from addons.fleet.told import GRACE
from addons.review.visit import View, address, page_number

_TITLES: tuple[tuple[AgentOrder | None, str], ...] = (
    ("name", "Agent"), (None, "State"), ("network", "Network"), ("version", "Version"), ("last", "Heard last"),
)  # fmt: skip


async def page(look: Look) -> View:
    states: tuple[AgentState, ...] = get_args(AgentState)
    orders: tuple[AgentOrder, ...] = get_args(AgentOrder)
    state: AgentState = next((one for one in states if one == look.query("state")), "")
    order: AgentOrder = next((one for one in orders if one == look.query("order")), "name")
    text, version = look.query("q", 200), look.query("version", 80)
    network, down = look.query("network", 200), bool(look.query("down"))
    query = {"q": text, "state": state, "version": version, "network": network}
    found = await look.fleet.agents(
        text=text, state=state, version=version, network=network, order=order, backwards=down,
        page=page_number(look),
    )  # fmt: skip
    # Of no state that somebody told, of no version and at no network: shown where nothing else is asked for.
    unheard = await look.unheard() if state in ("", "silent") and not (version or network) else []
    shown = [
        one
        for one in unheard or ()
        if not text or text.lower() in one.shown.lower() or one.name.startswith(text)
    ]
    return View(
        "agents.html",
        {
            "found": found,
            "unheard": shown[:SIZE] if page_number(look) == 1 else (),
            "unheard_count": len(shown),
            "unheard_known": unheard is not None,
            "bad": await look.fleet.unsanctioned_on([one.device for one in found.rows]),
            "labels": await look.fleet.labels([one.network for one in found.rows]),
            "late": look.fleet.late,
            "grace": GRACE,
            "q": text,
            "state": state,
            "version": version,
            "network": network,
            "states": [one for one in states if one],
            "versions": await look.fleet.versions(),
            "titles": [_title(name, text, order, query, down=down) for name, text in _TITLES],
            "filtered": any(query.values()),
            "base": {**query, "order": order, "down": "1" if down else ""},
        },
    )


def _title(
    name: AgentOrder | None, text: str, order: str, query: dict[str, str], *, down: bool
) -> dict[str, str]:
    """A column's heading, and the address that sorts by it."""
    if name is None:
        return {"text": text, "where": "", "sorted": ""}
    current = name == order
    # What was heard of last comes first, unless it is turned round.
    falls = down != (name == "last")
    where = address("/agents", **query, order=name, down="1" if current and not down else "")
    return {
        "text": text,
        "where": where,
        "sorted": ("descending" if falls else "ascending") if current else "",
    }
