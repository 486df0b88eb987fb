"""An echo server as its own process, the ways to it past other people's programs, and what the command says of each."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

from detector.lab.mitmdump import Mitmdump
from tests.live import programs
from tests.live.forward_proxies import Tinyproxy
from tests.live.gateways import HaproxyRouter
from tests.live.programs import Program, corporate_ca
from tests.live.waiting import PATIENCE

NAME = "localhost"
SPLICE_ALL = "acl step1 at_step SslBump1\nssl_bump peek step1\nssl_bump splice all"
_COMMAND = (sys.executable, "-m", "detector", "echo")
_CLEAN = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}


class EchoProcess:
    """`tlsight echo serve` with a certificate of its own; `root` is what proxies must trust to reach it."""

    def __init__(self, folder: Path, *words: str, name: str = NAME) -> None:
        self.folder, self._words, self._name = folder, words, name
        self.root = folder / "root.pem"
        self.url, self.port = "", 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*_COMMAND, "serve", "--name", self._name, "--listen", "127.0.0.1:0", "--json",
             "--per-minute", "0", "--state", str(self.folder), *self._words],
            stdout=subprocess.PIPE, text=True, env=_CLEAN,
        )  # fmt: skip
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.url, self.port = told["url"], told["port"]
        self.root.chmod(0o644)
        programs.readable_by_all(self.folder)
        return self

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self.code = self._process.wait(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


@asynccontextmanager
async def ways(folder: Path, echo: EchoProcess) -> AsyncGenerator[dict[str, tuple[str, ...]]]:
    """The words that lead the command each way."""
    ca = corporate_ca()
    names = {NAME: "127.0.0.1"}
    async with AsyncExitStack() as stack:

        def started(program: Program) -> int:
            return stack.enter_context(program).port

        async def mitm(kind: str, *settings: str) -> str:
            there = folder / kind
            made = Mitmdump(there, trust=echo.root, ca=ca.credential(), settings=settings)
            return (await stack.enter_async_context(made)).url

        def squid(kind: str, *bumping: str) -> tuple[str, ...]:
            program = programs.Squid(folder / kind, ca, echo.root, names, *bumping)
            return "--proxy", f"http://127.0.0.1:{started(program)}"

        def at(program: Program) -> tuple[str, ...]:
            return "--connect", f"127.0.0.1:{started(program)}"

        bumped, spliced = squid("squid"), squid("splice", SPLICE_ALL)
        mitmproxy = await mitm("mitm")
        passing = await mitm("passing", f"ignore_hosts={re.escape(NAME)}")
        router = HaproxyRouter(folder / "router", "  default_backend tlsight_pass", echo.port, 9)
        yield {
            "direct": ("--no-proxy",),
            "mitmproxy": ("--proxy", mitmproxy),
            "mitmproxy, ignore_hosts": ("--proxy", passing),
            "squid, bump": bumped,
            "squid, splice": spliced,
            "sslsplit": at(programs.Sslsplit(folder / "split", ca, echo.port)),
            "haproxy, terminating": at(programs.Haproxy(folder / "haproxy", ca, echo.port)),
            "haproxy, TCP": at(router),
            "tinyproxy, CONNECT": (
                "--proxy",
                f"http://127.0.0.1:{started(Tinyproxy(folder / 'tiny', echo.port))}",
            ),
        }


async def said(echo: EchoProcess, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of the command."""
    child = await asyncio.create_subprocess_exec(
        *_COMMAND, echo.url, "--json", *words, stdout=asyncio.subprocess.PIPE, env=_CLEAN
    )
    out, _ = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode is not None
    return child.returncode, json.loads(out)
