"""What an agent reads of each tool says when to use it, and what not to conclude."""

from __future__ import annotations

import json

import pytest

from detector.mcp.calls import Calls
from detector.mcp.tools import TOOLS

CAVEATS = {
    "explain": "not proven",
    "trust_why": "no reason to trust it",
    "check": "is no proof that nobody intercepts",
    "diagnose": "not about every client",
    "doctor": "nothing is proven about any host",
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_description_says_when_and_what_never(tool: str) -> None:
    description = " ".join(TOOLS[tool].description.split())
    assert "Use it " in description
    assert CAVEATS[tool] in description
    assert len(description) < 900


def test_a_tool_is_called_like_its_method() -> None:
    assert {name for name in vars(Calls) if not name.startswith("_")} >= set(TOOLS)


def test_all_tools_together_fit_into_a_small_part_of_a_context() -> None:
    told = json.dumps([[row.name, row.description, row.takes] for row in TOOLS.values()])
    assert len(told) < 10_000
