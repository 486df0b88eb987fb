"""Run the command beside servers of the lab."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cache
from pathlib import Path

import pytest

from detector.lab.pki import LabPki
from tests.cli.loaded import Loaded

Run = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def running[T](server: AbstractAsyncContextManager[T]) -> Generator[T]:
    """A server of the lab in a thread of its own, so that child processes can be waited for."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        started = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(60)
        try:
            yield started
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def world(tmp_path: Path) -> LabPki:
    """A PKI of one test; its root is in root.pem."""
    found = LabPki()
    (tmp_path / "root.pem").write_text(found.root.pem)
    return found


@pytest.fixture
def tlsight(tmp_path: Path) -> Run:
    """Run `tlsight ...` with state and settings in the test's folder."""
    return command(tmp_path)


def command(folder: Path, *, timeout: float = 60) -> Run:
    """How to run `tlsight ...` with state and settings in this folder, for at most so many seconds."""

    def run(
        *words: object, stdin: str = "", prefix: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        clean = {
            key: value
            for key, value in os.environ.items()
            if "proxy" not in key.lower() and not key.startswith("TLSIGHT_")
        }
        home = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "cfg")}
        full = clean | home | {"COLUMNS": "160"} | environment
        said = list(map(str, words))
        if not (stdin or prefix) and loaded().can_fork(said, full):
            return loaded().run(said, full, timeout)
        return subprocess.run(
            [*prefix, sys.executable, "-m", "detector", *said],
            capture_output=True, text=True, timeout=timeout, input=stdin, env=full,
        )  # fmt: skip

    return run


def loaded() -> Loaded:
    """One for all tests of this process."""
    with _STARTING:
        return _loaded()


@cache
def _loaded() -> Loaded:
    return Loaded()


_STARTING = threading.Lock()
