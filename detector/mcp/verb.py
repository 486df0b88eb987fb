"""`tlsight mcp`: answer agents that program."""

from __future__ import annotations

from detector.cli import exit_codes
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.way import NoProxy, Proxy, Timeout, WayOptions

_TEXT = """
Serve explain, trust why, check, diagnose and doctor to a coding agent as tools of the Model Context Protocol, over stdin and
stdout. The agent's program starts it; docs/how-to/coding-agents.md has the lines for each.

It changes nothing and runs no command that an agent names. Options hold for all calls; an agent can name another proxy.

Examples

  claude mcp add tlsight -- tlsight mcp
  tlsight mcp --policy corp.toml --proxy http://proxy:3128

Exit codes: 0 when the client is gone, 2 usage, also where the extra is not installed.
"""


@grouped
def mcp(
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    timeout: Timeout = 5.0,
) -> int:
    import asyncio

    from detector.extras import demand

    demand("mcp", "mcp", "mcp")
    way = WayOptions(proxy=proxy, no_proxy=no_proxy, timeout=timeout)
    way.routing(compare.roots)  # what cannot be used is told before an agent asks
    with compare.opened(), earlier.opened(read_only=True):
        pass

    from detector.mcp.calls import Calls
    from detector.mcp.server import serve

    asyncio.run(serve(Calls(way, compare, earlier)))
    return exit_codes.CLEAN


mcp.__doc__ = _TEXT
