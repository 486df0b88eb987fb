"""httpx comes without its command line and HTTP/2, and what speaks HTTP/2 finds it."""

from __future__ import annotations

import subprocess
import sys

_ASKED = """
import sys
import detector.net.fetch
early = sorted({"httpx._main", "rich", "h2", "hpack"} & sys.modules.keys())
from httpcore._async.http2 import AsyncHTTP2Connection
import h2.connection
print(early, AsyncHTTP2Connection.__module__)
"""


def test_http2_is_loaded_once_it_is_spoken_and_the_command_line_never() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _ASKED], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.strip() == "[] httpcore._async.http2"
