"""A request and its answer, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """One response. `body` may be larger than what is said to be wanted."""

    body: bytes = b""
    kind: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request: path with query, lower-case headers, and what was posted."""

    target: str
    headers: Mapping[str, str]
    body: bytes = b""
