"""A real mitmdump in a child process, on a free loopback port, with a configuration of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from detector.errors import ConfigError
from detector.lab.pki import Credential

_LISTENING = re.compile(r"listening at .*?:(\d+)")
_PATIENCE = 60.0
# It writes what it has seen while it ends.
_ENDING = 30.0


class Mitmdump:
    """`async with Mitmdump(folder, trust=root) as proxy: proxy.url`.

    Args:
        folder: mitmproxy's configuration folder, made when missing; addons keep their state below it.
        trust: PEM file of the roots it trusts upstream.
        ca: the CA to sign with; mitmproxy makes its own when left out.
        scripts: addons to load.
        settings: more `--set` values.
        port: where it listens; any free one when left out.
        host: at which address; empty for all.
        prefix: words in front of the program's, which lead it somewhere else.

    """

    def __init__(
        self,
        folder: Path,
        *,
        trust: Path,
        ca: Credential | None = None,
        scripts: Sequence[Path] = (),
        settings: Sequence[str] = (),
        port: int = 0,
        host: str = "127.0.0.1",
        prefix: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = port
        self.lines: list[str] = []
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if ca is not None:
            ca.write(folder / "mitmproxy-ca.pem")
        values = [f"confdir={folder}", f"ssl_verify_upstream_trusted_ca={trust}", *settings]
        self._command = [
            *prefix,
            mitmdump_path(),
            "--listen-host", host, "--listen-port", str(port),
            *(part for value in values for part in ("--set", value)),
            *(part for script in scripts for part in ("-s", str(script))),
        ]  # fmt: skip
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    async def gone(self) -> None:
        """Wait until the process has ended."""
        assert self._process is not None
        await self._process.wait()

    async def caught_up(self) -> None:
        """Wait until it has looked at all that came to it before: whoever comes later is answered later."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            writer.write(b"GET http://mitm.it/ HTTP/1.1\r\nHost: mitm.it\r\n\r\n")
            await reader.read(1)
        writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "XDG_STATE_HOME": str(self.folder / "state"),
            },
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._wait_for_port()
        except BaseException:
            await self._stop()
            raise
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _wait_for_port(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.lines.append(line.decode(errors="replace").rstrip())
            found = _LISTENING.search(self.lines[-1])
            if found:
                self.port = int(found[1])
                return
        said = " | ".join(self.lines[-3:])
        raise ConfigError(
            "mitmdump", f"did not start: {said}", remedy="pip install 'tlsight[proxy]'"
        )

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.lines.append(line.decode(errors="replace").rstrip())

    async def _stop(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(_ENDING):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._reader is not None:
            self._reader.cancel()


def mitmdump_path() -> str:
    """Mitmdump beside this interpreter, else on PATH. Raises ConfigError."""
    beside = Path(sys.executable).with_name("mitmdump")
    found = str(beside) if beside.exists() else shutil.which("mitmdump")
    if found is None:
        raise ConfigError("mitmdump", "is not installed", remedy="pip install 'tlsight[proxy]'")
    return found
