"""A nats-server of our own: its configuration made of values, its process watched, started again and ended.

What a power cut may lose
-------------------------
nats-server writes at once and tells the disk to keep it (fsync) every two minutes; its `sync_interval: always` does
that before it says that a message is stored. An agent lets go of an event at that word. So with two minutes, a server
whose power is cut may forget events that nobody has any more; with `always` it forgets none. kill -9 loses nothing
either way: the kernel has what was written. `always` is what is set here, as the slower way is still fast enough
(docs/explanation: measured figures), and --fast is for those who would rather have the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from addons.store.private_file import write_private
from detector.errors import StoreError

PID_FILE = "nats.pid"
_READY = 20.0
_STOP = 15.0
_AGAIN = (0.2, 1.0, 5.0, 15.0)
_STEADY = 60.0
_WORDS = 400


@dataclass(frozen=True)
class ServerSettings:
    """What the server is told.

    Attributes:
        host: address to listen at.
        port: of it.
        store: its folder.
        certificate: PEM with chain and key.
        operator: token of the operator.
        system: the system account's public key.
        accounts: tokens of accounts, by public key.
        memory: bytes of JetStream in memory, at most.
        disk: bytes of JetStream on the disk, at most.
        always: tell the disk to keep a message before it is called stored.
        connections: at most.

    """

    host: str
    port: int
    store: Path
    certificate: Path
    operator: str
    system: str
    accounts: dict[str, str]
    memory: int = 256 << 20
    disk: int = 20 << 30
    always: bool = True
    connections: int = 100_000


def configuration(settings: ServerSettings) -> str:
    """The text of its file. JSON is what it reads, too."""
    said: dict[str, object] = {
        "server_name": "tlsight-fleet",
        "host": settings.host,
        "port": settings.port,
        **_accounts(settings.operator, settings.system, settings.accounts),
        "jetstream": {
            "store_dir": str(settings.store),
            "max_memory_store": settings.memory,
            "max_file_store": settings.disk,
            **({"sync_interval": "always"} if settings.always else {}),
        },
        "tls": {
            "cert_file": str(settings.certificate),
            "key_file": str(settings.certificate),
            "min_version": "1.2",
            "timeout": 10,
            "handshake_first": True,
        },
        "pid_file": str(settings.store.with_name(PID_FILE)),
        "max_connections": settings.connections,
        "max_payload": 1 << 20,
        "max_control_line": 4096,
        "write_deadline": "10s",
        "logtime": False,
    }
    return json.dumps(said, indent=1) + "\n"


def accounts_part(operator: str, system: str, accounts: dict[str, str]) -> str:
    """What a server that somebody else runs includes, beside its own JetStream and TLS."""
    return json.dumps(_accounts(operator, system, accounts), indent=1)[1:-1].strip() + "\n"


def _accounts(operator: str, system: str, accounts: dict[str, str]) -> dict[str, object]:
    return {
        "operator": operator,
        "system_account": system,
        "resolver": "MEMORY",
        "resolver_preload": accounts,
    }


class Embedded:
    """The child.

    Args:
        program: nats-server.
        config: file for its configuration, mode 0600.
        tell: takes a line for who looks at the console.

    """

    def __init__(self, program: Path, config: Path, tell: Callable[[str], None]) -> None:
        self._program = program
        self._config = config
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._words: list[str] = []

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def configure(self, settings: ServerSettings) -> None:
        """Write what the next start reads. Raises StoreError."""
        write_private(self._config, configuration(settings).encode())

    async def run(self, ready: asyncio.Event) -> None:
        """Until it is cancelled; then it is ended in order. What dies is started again.

        `ready` is set while it takes connections. Raises StoreError where it does not come up at all.
        """
        loop, failures, came_up = asyncio.get_running_loop(), 0, False
        await self._end_former()
        try:
            while True:
                began = loop.time()
                code: int | None
                up = await self._start(ready)
                came_up = came_up or up
                if up:
                    assert self._process is not None
                    code = await self._process.wait()
                    ready.clear()
                else:
                    code = None if self._process is None else self._process.returncode
                if not came_up and failures >= 2:
                    raise StoreError(str(self._program), f"does not start: {self._last()}")
                failures = 0 if loop.time() - began > _STEADY else failures + 1
                self._tell(f"nats-server ended ({code}): {self._last()}; it is started again")
                await asyncio.sleep(_AGAIN[min(failures, len(_AGAIN)) - 1])
        finally:
            ready.clear()
            await self.stop()

    def reload(self) -> None:
        """Have it read its configuration and certificate again."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def stop(self) -> None:
        """End it in order: it writes what it holds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _end_former(self) -> None:
        """End the server of a process that was killed, which left it behind: it has the port and the files."""
        try:
            pid = int(self._config.with_name(PID_FILE).read_text())
        except (OSError, ValueError):
            return
        wait = _STOP
        while _is_running(pid, self._config) and wait > 0:
            if wait == _STOP:
                self._tell("a nats-server that was left behind is ended")
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
            await asyncio.sleep(0.1)
            wait -= 0.1

    async def _start(self, ready: asyncio.Event) -> bool:
        self._words.clear()
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(self._program),
                "-c",
                str(self._config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                process_group=0,  # Ctrl-C is ours to act on
            )
        except OSError as error:
            raise StoreError(str(self._program), f"cannot be started: {error.strerror}") from None
        up = asyncio.Event()
        reading = asyncio.ensure_future(self._read(up))
        waiting = asyncio.ensure_future(up.wait())
        await asyncio.wait((reading, waiting), timeout=_READY, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if up.is_set():
            ready.set()
            self._reading = reading
            return True
        await self.stop()
        await reading
        return False

    async def _read(self, up: asyncio.Event) -> None:
        """Its log: the end of it is kept, and what is worse than a note is told."""
        assert self._process is not None
        assert self._process.stderr is not None
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:  # longer than anybody reads
                continue
            if not line:
                return
            text = line.decode(errors="replace").strip()[:_WORDS]
            self._words = [*self._words[-9:], text]
            if "Server is ready" in text:
                up.set()
            elif "[FTL]" in text or "JetStream out of" in text:
                self._tell(f"nats-server: {text}")

    def _last(self) -> str:
        grave: Sequence[str] = [one for one in self._words if "[FTL]" in one or "[ERR]" in one]
        return (grave or self._words or ["it said nothing"])[-1]


def _is_running(pid: int, config: Path) -> bool:
    """Whether this process is a nats-server with that very configuration: a number may be somebody else's by now."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        if Path("/proc/self").exists():
            return False
        asked = ["/bin/ps", "-o", "command=", "-p", str(pid)]
        words = subprocess.run(asked, capture_output=True, check=False, timeout=5).stdout.split()
    return str(config).encode() in words
