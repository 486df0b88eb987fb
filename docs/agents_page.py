"""The example of docs/how-to/coding-agents.md: what the tool answers to the call that stands there."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.way import WayOptions
from detector.mcp.answers import text_of
from detector.mcp.calls import Calls
from detector.mcp.tools import TOOLS

PAGE = Path(__file__).parent / "how-to" / "coding-agents.md"
_EXAMPLE = re.compile(r"```json\n(.*?)```(.*?)```text\n.*?```", re.DOTALL)


def agents_page() -> str:
    """The page with its example asked again."""
    return _EXAMPLE.sub(_answered, PAGE.read_text())


def _answered(example: re.Match[str]) -> str:
    call, between = example.groups()
    asked = json.loads(call)
    row = TOOLS[asked["name"]]
    calls = Calls(WayOptions(), KnowledgeOptions(), HistoryOptions())
    answer = asyncio.run(row.call(calls, row.arguments(**asked["arguments"]), lambda _: None))
    return f"```json\n{call}```{between}```text\n{text_of(answer, '0' * 16)}\n```"
