"""The server: the tools over the SDK's protocol.

Theory of operation
-------------------
The SDK reads the protocol, answers `initialize` and hands each call over in a task that a client's cancellation ends.
What is ours is in four rooms: what may be asked (`arguments`), how much of it (`gate`), what it is
(`calls`), and how the answer is told to a reader that obeys (`answers`).

A call ends within LONGEST. While it works its client hears how far it is, if it asked for that. Whatever goes
wrong in a call is an answer of one line; only an unknown tool or resource is an error of the protocol.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from detector import clock
from detector.errors import TlsightError
from detector.mcp.answers import Answer, clean, several_lines, text_of
from detector.mcp.arguments import read_arguments
from detector.mcp.calls import Calls
from detector.mcp.gate import Gate
from detector.mcp.tables import RESOURCES
from detector.mcp.tools import INSTRUCTIONS, TOOLS, ToolRow
from detector.mcp.wires import standard_wires
from detector.version import __version__

LONGEST = 55.0  # seconds; clients give up after 60
_BEAT = 1.0
_SHOWN = 100
_ERROR = 1000

Context = ServerRequestContext[Any, Any]


async def serve(calls: Calls) -> None:
    """Serve one client over stdin and stdout, until either ends."""
    server = build(calls)
    async with standard_wires() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def build(calls: Calls, *, longest: float = LONGEST) -> Server[Any]:
    """The server with its tools and resources.

    Args:
        calls: what the tools do.
        longest: seconds after which a call is given up.

    """
    gate = Gate(clock.stopwatch)

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        row = TOOLS.get(params.name)
        if row is None:
            known = ", ".join(TOOLS)
            what = several_lines(params.name[:_SHOWN])
            raise MCPError(types.INVALID_PARAMS, f"no tool {what!r}; there are {known}")
        return await _called(ctx, row, calls, gate, params.arguments or {}, longest)

    return Server(
        "tlsight",
        version=__version__,
        title="tlsight",
        instructions=INSTRUCTIONS,
        on_list_tools=_list_tools,
        on_call_tool=call_tool,
        on_list_resources=_list_resources,
        on_read_resource=_read_resource,
    )


async def _called(
    ctx: Context, row: ToolRow, calls: Calls, gate: Gate, given: object, longest: float
) -> types.CallToolResult:
    try:
        asked = read_arguments(row.name, given, row.arguments)
        beat = _Beat(ctx, longest)
        async with gate.entered(row.hosts(asked)), asyncio.timeout(longest), beat:
            return _result(await row.call(calls, asked, beat.tell))
    except TimeoutError:
        return _failed(f"{row.name}: not done after {longest:g} s; ask fewer hosts at once")
    except TlsightError as error:
        return _failed(str(error))
    except Exception as error:  # the boundary: every error leaves here as one line
        return _failed(f"{row.name}: unexpected error: {type(error).__name__}: {error}")


def _result(answer: Answer) -> types.CallToolResult:
    text = text_of(answer, secrets.token_hex(8))
    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content=clean(answer.record)
    )


def _failed(why: str) -> types.CallToolResult:
    line = several_lines(" ".join(why.split()))[:_ERROR]
    return types.CallToolResult(content=[types.TextContent(text=line)], is_error=True)


class _Beat:
    """Tells a client that asked for it how far a call is, each second."""

    def __init__(self, ctx: Context, longest: float) -> None:
        self._ctx = ctx
        self._longest = longest
        self._said = "waiting"
        self._task: asyncio.Task[None] | None = None

    def tell(self, what: str) -> None:
        self._said = what

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._go_on())

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _go_on(self) -> None:
        began = clock.stopwatch()
        while True:
            await asyncio.sleep(_BEAT)
            seconds = round(clock.stopwatch() - began, 1)
            await self._ctx.session.report_progress(seconds, self._longest, self._said)


async def _list_tools(_: Context, __: object) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_tool(row) for row in TOOLS.values()])


def _tool(row: ToolRow) -> types.Tool:
    return types.Tool(
        name=row.name,
        title=row.title,
        description=row.description,
        input_schema=row.takes,
        output_schema=row.gives,
        annotations=types.ToolAnnotations(
            title=row.title,
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=row.dials,
        ),
    )


async def _list_resources(_: Context, __: object) -> types.ListResourcesResult:
    found = [
        types.Resource(
            uri=row.uri, name=row.name, description=row.description, mime_type="text/markdown"
        )
        for row in RESOURCES.values()
    ]
    return types.ListResourcesResult(resources=found)


async def _read_resource(
    _: Context, params: types.ReadResourceRequestParams
) -> types.ReadResourceResult:
    row = RESOURCES.get(str(params.uri))
    if row is None:
        known = ", ".join(RESOURCES)
        raise MCPError(types.INVALID_PARAMS, f"no such resource; there are {known}")
    page: Callable[[], str] = row.page
    content = types.TextResourceContents(uri=row.uri, mime_type="text/markdown", text=page())
    return types.ReadResourceResult(contents=[content])
