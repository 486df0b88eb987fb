"""Loading the rules for browsers' hellos, each row checked."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from detector.forensics.browser_rules import (
    BrowserRule,
    Family,
    KnownHello,
    NotJudged,
    ProductHeader,
)
from detector.forensics.browsers import Browsers
from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA


@lru_cache(maxsize=1)
def browser_hellos() -> Browsers:
    """The shipped rules."""
    return load_browser_hellos(DATA / "browser_hellos.toml", DATA / "interceptor_hellos.toml")


def load_browser_hellos(browsers: Path, interceptors: Path) -> Browsers:
    """Rules of two files. Raises ConfigError with file and line for a row that is none."""
    return Browsers(
        load_rows(browsers, "family", Family),
        load_rows(browsers, "browser", BrowserRule),
        load_rows(interceptors, "interceptor", KnownHello),
        load_rows(interceptors, "header", ProductHeader),
        load_rows(browsers, "other", NotJudged),
    )
