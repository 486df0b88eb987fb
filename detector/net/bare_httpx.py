"""httpx without what it loads on the off chance.

Its command line brings rich, pygments and a megabyte of names of HTML to whoever imports it; httpcore brings h2 and its
tables, twice as much again, before any server has asked for HTTP/2. The libraries go on without either where they are
not installed; here they are made to. HTTP/2 is loaded once a server speaks it: httpcore asks for it again then.
"""

from __future__ import annotations

import sys
from typing import Any

_COMMAND = "httpx._main"
_HTTP2 = "h2"


def _without(name: str, library: str) -> None:
    """Load a library as if it could not have a module, which others may load afterwards."""
    modules: dict[str, Any] = sys.modules  # None there means: cannot be imported
    hidden = name not in modules and library not in modules
    if hidden:
        modules[name] = None
    try:
        __import__(library)
    finally:
        if hidden:
            del modules[name]


_without(_HTTP2, "httpcore")
_without(_COMMAND, "httpx")

import httpx  # noqa: E402 (after the others)

__all__ = ["httpx"]
