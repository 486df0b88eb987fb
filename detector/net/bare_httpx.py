"""httpx without its command line, which brings rich, pygments and a megabyte of names of HTML to whoever imports it.

The library itself goes on without it where those are not installed; here it is made to.
"""

from __future__ import annotations

import sys
from typing import Any

_COMMAND = "httpx._main"

if "httpx" in sys.modules:
    import httpx
else:
    modules: dict[str, Any] = sys.modules  # None there means: cannot be imported
    modules[_COMMAND] = None
    try:
        import httpx
    finally:
        del modules[_COMMAND]

__all__ = ["httpx"]
