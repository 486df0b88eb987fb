"""Loading the rules for browsers' hellos, each row checked."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from detector.forensics.browsers import BrowserRule, Browsers, InterceptorHello, ProductHeader
from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA


@lru_cache(maxsize=1)
def browser_hellos() -> Browsers:
    """The shipped rules."""
    return load_browser_hellos(DATA / "browser_hellos.toml")


def load_browser_hellos(path: Path) -> Browsers:
    """Rules of a file. Raises ConfigError with file and line for a row that is none."""
    return Browsers(
        load_rows(path, "browser", BrowserRule),
        load_rows(path, "interceptor", InterceptorHello),
        load_rows(path, "header", ProductHeader),
    )
