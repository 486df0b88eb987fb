"""Programs of this machine that ask an echo server through our relay: how each is told to, and where its answer stands.

None of them verifies the certificate: what is asked is what arrives, behind interceptors too, and what comes back counts
by the server's signature alone. They get an environment without proxies, a home of their own, and no secrets.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from detector.echo.sealed import MAX_SEALED
from detector.errors import ConfigError
from detector.net.echo_answer import Question
from detector.net.echoed import EchoServer, RunProgram
from detector.net.untrusted import (
    CHROMIUM_TAKES_ANYBODY,
    CURL_TAKES_ANYBODY,
    PYTHON_TAKES_ANYBODY,
)

_PATIENCE = 30.0


class _Asking(NamedTuple):
    server: EchoServer
    port: int
    path: str
    home: Path

    @property
    def url(self) -> str:
        return f"https://{Question(self.server.host, self.server.port, None).authority}{self.path}"

    @property
    def request(self) -> bytes:
        host = Question(self.server.host, self.server.port, None).authority
        return f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


class _Program(NamedTuple):
    """Names that it is installed under, its words, and what it is told on stdin."""

    names: tuple[str, ...]
    words: Callable[[_Asking], list[str]]
    stdin: Callable[[_Asking], bytes] = lambda _asking: b""


def _curl(one: _Asking) -> list[str]:
    where = f"{one.server.host}:{one.server.port}:127.0.0.1:{one.port}"
    return [
        "-q",
        "-sS",
        CURL_TAKES_ANYBODY,
        "--noproxy",
        "*",
        "-m",
        "25",
        "--connect-to",
        where,
        one.url,
    ]


def _openssl(one: _Asking) -> list[str]:
    return [
        "s_client", "-quiet", "-connect", f"127.0.0.1:{one.port}", "-servername", one.server.host,
    ]  # fmt: skip


def _python(one: _Asking) -> list[str]:
    return ["-I", "-c", PYTHON_TAKES_ANYBODY, one.server.host, str(one.port)]


def _chromium(one: _Asking) -> list[str]:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        "--headless", *(["--no-sandbox"] if root else []), "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        CHROMIUM_TAKES_ANYBODY, "--no-proxy-server", f"--user-data-dir={one.home / 'profile'}",
        f"--host-resolver-rules=MAP {one.server.host} 127.0.0.1:{one.port}", "--dump-dom", one.url,
    ]  # fmt: skip


_PROGRAMS: Mapping[str, _Program] = {
    "curl": _Program(("curl",), _curl),
    "openssl": _Program(("openssl",), _openssl, lambda one: one.request),
    "python": _Program(("python3", "python"), _python, lambda one: one.request),
    "chromium": _Program(
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"), _chromium
    ),
}  # fmt: skip
PROGRAMS = tuple(_PROGRAMS)


def chosen(text: str) -> tuple[str, ...]:
    """Names with commas between; "all" for those that are installed. Raises ConfigError."""
    if text == "all":
        return tuple(name for name in PROGRAMS if _path(name) is not None)
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in _PROGRAMS:
            raise ConfigError("--with", f"{name!r} is none of {', '.join(PROGRAMS)}")
        if _path(name) is None:
            raise ConfigError("--with", f"{name} is not installed")
    return names


def running(name: str, server: EchoServer) -> RunProgram:
    """How that program asks."""
    program, path = _PROGRAMS[name], _path(name)
    if path is None:
        raise ConfigError("--with", f"{name} is not installed")

    async def run(port: int, asked: str) -> bytes:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            one = _Asking(server, port, asked, Path(home))
            said = await _said([path, *program.words(one)], program.stdin(one), one.home)
        return _json(said)

    return run


def _path(name: str) -> str | None:
    return next((path for one in _PROGRAMS[name].names if (path := shutil.which(one))), None)


async def _said(command: list[str], stdin: bytes, home: Path) -> bytes:
    """What it prints, up to the size of an answer; b"" where it says nothing in time."""
    kept = {
        name: value for name in ("PATH", "LANG", "SYSTEMROOT") if (value := os.environ.get(name))
    }
    quiet, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=quiet, cwd=home,
        env={**kept, "HOME": str(home), "TMPDIR": str(home)}, start_new_session=True,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            child.stdin.write(stdin)
            with suppress(OSError):
                await child.stdin.drain()
            child.stdin.close()
            while data := await child.stdout.read(1 << 16):
                said += data
                if len(said) > 2 * MAX_SEALED:
                    break
    except TimeoutError:
        pass
    finally:
        await _ended(child)
    return said


async def _ended(child: asyncio.subprocess.Process) -> None:
    """With its own children."""
    if child.returncode is None:
        with suppress(ProcessLookupError, TimeoutError):
            async with asyncio.timeout(2):
                await child.wait()
    if child.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                import signal

                os.killpg(child.pid, signal.SIGKILL)
            else:
                child.kill()
        await child.wait()


def _json(said: bytes) -> bytes:
    """The object in it, whatever stands around: a head of HTTP, the page that a browser makes of it."""
    head, blank, body = said.partition(b"\r\n\r\n")
    text = body if blank and head.startswith(b"HTTP/") else said
    begin, end = text.find(b"{"), text.rfind(b"}")
    return text[begin : end + 1] if 0 <= begin < end else text
