"""One network: who intercepts there, which agents are there, and what was."""

from __future__ import annotations

from addons.fleet.page.look import Look, found
from addons.fleet.page.pages.interceptor import Known
from addons.fleet.query_rows import Who
from addons.fleet.told import GRACE
from addons.review.visit import Done, View, address, page_number

_LONGEST = 80


async def page(look: Look) -> View:
    fleet, id_ = look.fleet, look.query("id", 200)
    one = found(await fleet.network(id_), id_, "network")
    standing = await fleet.subjects_in(one.id, 20)
    nobody = Who("", "", "", "", "")
    state = look.query("state")
    return View(
        "network.html",
        {
            "one": one,
            "rows": [Known(s, await fleet.who(s.subject) or nobody, [], 0) for s in standing],
            "agents": await fleet.agents(network=one.id, order="last"),
            "late": fleet.late,
            "grace": GRACE,
            "correlations": await fleet.correlations(network=one.id, size=10),
            "findings": await fleet.findings(
                network=one.id, state="closed" if state == "closed" else "open", page=page_number(look)
            ),
            "state": "closed" if state == "closed" else "",
        },
    )  # fmt: skip


async def label(look: Look) -> Done:
    """What people call it. Raises ConfigError."""
    id_ = look.form.get("id", "")[:200]
    one = found(await look.fleet.network(id_), id_, "network")
    text = look.field("label", _LONGEST)
    await look.fleet.label(one.id, text)
    said = f"The network is called {text}." if text else "The network has no name any more."
    return Done(address("/network", id=one.id), said)
