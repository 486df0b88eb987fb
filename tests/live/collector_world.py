"""What a fleet's collector lives among: nats-server with JetStream, PostgreSQL, and the collector as a program."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from addons.fleet.collector import CONSUMER
from detector.agent import subjects
from detector.report.event_json import EventRecord
from tests.fleet.telling import message
from tests.live.programs import Program, readable_by_all
from tests.live.starttls_programs import as_user
from tests.live.waiting import PATIENCE


class NatsServer(Program):
    """JetStream that flushes every message before it acknowledges it."""

    def command(self) -> list[str]:
        config = self.write(
            "nats.conf",
            f"""
listen: 127.0.0.1:{self.port}
jetstream {{ store_dir: {json.dumps(str(self.folder / "store"))}, sync_interval: always }}
""",
        )
        return [str(Path(sys.executable).parent / "nats-server"), "-c", str(config)]

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)


class PostgresqlServer(Program):
    """Debian's, as its own user, with a password."""

    password = "only for this test"

    def command(self) -> list[str]:
        tools = max(Path("/usr/lib/postgresql").iterdir()) / "bin"
        readable_by_all(self.folder)
        self.folder.chmod(0o777)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        data = self.folder / "data"
        make = [
            str(tools / "initdb"), "-D", str(data), "-A", "scram-sha-256", "-U", "fleet", "--no-sync",
            f"--pwfile={secret}",
        ]  # fmt: skip
        subprocess.run(as_user("postgres", make), check=True, capture_output=True, cwd=self.folder)
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)}
        words = [str(tools / "postgres"), "-D", str(data), "-p", str(self.port)]
        words += [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return as_user("postgres", words)

    def _answers(self) -> bool:
        # The port is open before the database is.
        return super()._answers() and "ready to accept connections" in self.said()

    @property
    def url(self) -> str:
        return f"postgresql://fleet@127.0.0.1:{self.port}/postgres"


class Collector:
    """The collector, in a process of its own, until its block ends or it is killed."""

    def __init__(self, server: NatsServer, database: str, **settings: float) -> None:
        given = {"batch": 50, "ack_wait": 1.0, "correlate": 0, **settings}
        self.command = [sys.executable, "-c", _PROGRAM, server.url, database, json.dumps(given)]

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.command,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stderr=self._errors,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.kill()
        self._errors.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def said(self) -> str:
        """All that it has said so far."""
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode()

    async def says(self, text: str) -> None:
        """Wait until it does."""

        async def said() -> bool:
            return text in self.said()

        await until(said)


_PROGRAM = """
import asyncio, json, sys
import nats
from addons.fleet.collector import Settings, collect
from addons.fleet.database import open_database
from detector.errors import FetchError

def say(text):
    print(text, file=sys.stderr, flush=True)

async def main(url, where, settings):
    database = await open_database(where)
    while True:  # as `tlsight fleet serve` does: who lost the line dials again
        try:
            client = await nats.connect(url, allow_reconnect=False, connect_timeout=20)
        except Exception:
            await asyncio.sleep(0.1)
            continue
        try:
            await collect(client, database, Settings(**json.loads(settings)), say=say)
        except FetchError as error:
            say(f"bus: {error}")
            await client.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def connected(server: NatsServer) -> object:
    import nats

    return await nats.connect(server.url)


async def make_stream(server: NatsServer) -> None:
    import nats

    client = await nats.connect(server.url)
    await client.jetstream().add_stream(name=subjects.EVENTS, subjects=[subjects.ALL_EVENTS])
    await client.close()


async def publish(server: NatsServer, events: Iterable[EventRecord | tuple[str, bytes]]) -> int:
    """Each one acknowledged by JetStream; what the line swallowed is sent again, as an agent's spool does."""
    import nats

    todo = [message(one) if isinstance(one, EventRecord) else one for one in events]
    sent = 0
    while sent < len(todo):
        try:
            client = await nats.connect(server.url, allow_reconnect=False, connect_timeout=20)
        except Exception:
            await asyncio.sleep(0.05)
            continue
        stream = client.jetstream(timeout=20)
        try:
            while sent < len(todo):
                some = todo[sent : sent + 50]
                await asyncio.gather(*(stream.publish(*one) for one in some))
                sent += len(some)
        except Exception:
            await asyncio.sleep(0.05)
        finally:
            await client.close()
    return sent


async def waiting(server: NatsServer) -> int:
    """Messages that the collector has not acknowledged."""
    import nats

    client = await nats.connect(server.url)
    try:
        info = await client.jetstream().consumer_info(subjects.EVENTS, CONSUMER)
    finally:
        await client.close()
    return info.num_pending + info.num_ack_pending


async def until(holds: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Wait until it holds; what it raises meanwhile does not count."""
    end = asyncio.get_running_loop().time() + patience
    while True:
        try:
            if await holds():
                return
        except Exception as error:
            last: object = error
        else:
            last = "it does not hold"
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"waited {patience} s: {last}")
        await asyncio.sleep(0.05)
