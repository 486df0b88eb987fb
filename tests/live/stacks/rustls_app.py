"""What granian, which speaks TLS with rustls, serves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def app(_: dict[str, Any], start: Any) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"ok\n"]
