"""What agents were asked, and what they answered."""

from __future__ import annotations

from addons.fleet.page.look import Look, found
from addons.review.visit import Done, View, address, page_number, whole
from detector.errors import ConfigError
from detector.model.targets import parse_target

MOST_ASKED = 500


async def page(look: Look) -> View:
    return View(
        "questions.html",
        {
            "found": await look.fleet.questions(page_number(look)),
            "most": MOST_ASKED,
            "network": look.query("network", 200),
            "host": look.query("host", 300),
        },
    )


async def one(look: Look) -> View:
    id_ = look.id("id")
    asked = found(await look.fleet.question(id_), id_, "question")
    return View(
        "question.html",
        {
            "asked": asked,
            "verdicts": await look.fleet.verdicts(asked.id),
            "answers": await look.fleet.answers(asked.id, page_number(look)),
        },
    )


async def ask(look: Look) -> Done:
    """Ask agents about a host now. Raises ConfigError, TargetError, and what the bus raises."""
    if look.ask is None:
        raise ConfigError("ask", "agents cannot be asked from here: this page is not on the bus")
    host = look.field("host", 300)
    target = parse_target(host)
    agents = whole(look.field("agents", 9), "agents", 1, MOST_ASKED)
    network = look.form.get("network", "")[:200].strip()
    if network:
        found(await look.fleet.network(network), network, "network")
    text = (
        f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"
    )
    id_ = await look.ask(text, agents, network, look.person.name)
    return Done(address("/question", id=id_), f"{agents} agents are asked about {text}.")
