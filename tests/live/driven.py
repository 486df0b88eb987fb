"""A headless Chromium that a test drives, with patience for a machine that does other things as well."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, Playwright, expect, sync_playwright

from tests.live.programs import find
from tests.live.waiting import PATIENCE

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_MS = PATIENCE * 1000


@contextmanager
def chromium(*more: str) -> Generator[Browser]:
    """One that runs; what is expected of its pages may take PATIENCE."""
    expect.set_options(timeout=_MS)
    with sync_playwright() as playwright:
        browser = _launched(playwright, *more)
        yield browser
        browser.close()


def _launched(playwright: Playwright, *more: str) -> Browser:
    """Where it dies while it starts, which says nothing of any page, another one."""
    path, flags = find("chromium"), [*FLAGS, *more]
    try:
        return playwright.chromium.launch(executable_path=path, args=flags, timeout=_MS)
    except Error:
        return playwright.chromium.launch(executable_path=path, args=flags, timeout=_MS)
