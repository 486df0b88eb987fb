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
from detector.knowledge.rows import read_toml, rows_of
from detector.knowledge.shipped import DATA


@lru_cache(maxsize=1)
def browser_hellos() -> Browsers:
    """The shipped rules."""
    return load_browser_hellos(DATA / "browser_hellos.toml", DATA / "interceptor_hellos.toml")


def load_browser_hellos(browsers: Path, interceptors: Path) -> Browsers:
    """Rules of two files. Raises ConfigError with file and line for a row that is none."""
    data, text = read_toml(browsers)
    other_data, other_text = read_toml(interceptors)
    return Browsers(
        rows_of(browsers, data, text, "family", Family, required=True),
        rows_of(browsers, data, text, "browser", BrowserRule, required=True),
        rows_of(interceptors, other_data, other_text, "interceptor", KnownHello, required=True),
        rows_of(interceptors, other_data, other_text, "header", ProductHeader, required=True),
        rows_of(browsers, data, text, "other", NotJudged, required=True),
    )
