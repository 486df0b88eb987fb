"""A connected TCP socket under asyncio, with every failure turned into a DialError of its step."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from contextlib import suppress

from detector.chain.names import as_address
from detector.errors import DialEnding, DialError
from detector.net.dialogue import LAST, LENIENT, Dialogue
from detector.net.traffic import TRAFFIC

_CHUNK = 1 << 16
_STAGGER = 0.25  # RFC 8305 section 5: 250 ms between attempts
_SOON = 0.5  # what is only worth having is waited for no longer, all of it together

Address = tuple[socket.AddressFamily, str, int]


class Stream:
    """One connection. `read` gives b"" at the end; a reset raises ConnectionResetError."""

    __slots__ = ("_early", "_loop", "_socket", "address")

    def __init__(self, sock: socket.socket, address: str) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._early = b""
        self.address = address

    async def read(self) -> bytes:
        if self._early:
            data, self._early = self._early, b""
            return data
        return await self.receive()

    async def receive(self) -> bytes:
        """The next bytes of the connection itself."""
        data = await self._loop.sock_recv(self._socket, _CHUNK)
        TRAFFIC.came(len(data))
        return data

    async def write(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)
        TRAFFIC.out(len(data))

    async def converse(self, dialogue: Dialogue, step: str, cause: str) -> None:
        """Carry a dialogue to its end; what it returns is read again by the next reader."""
        patient_until: float | None = None
        try:
            send = next(dialogue)
            while True:
                if send == LENIENT:
                    patient_until = patient_until or self._loop.time() + _SOON
                    send = dialogue.send(await self._read_until(patient_until))
                    continue
                last = send.startswith(LAST)
                if send:
                    await self.write(send.removeprefix(LAST))
                send = dialogue.send(b"" if last else await self.read())
        except StopIteration as end:
            self._early = end.value
        except TimeoutError:
            raise  # the step's own time-out
        except OSError as error:
            text = "the connection was reset"
            if error.errno == 0:  # a layer of ours in between says more
                text = str(error.strerror)
            raise DialError(step, cause, text, how="rst") from None

    async def _read_until(self, when: float) -> bytes:
        """What comes until then; b"" where nothing does, or the connection breaks."""
        try:
            async with asyncio.timeout_at(when):
                return await self.read()
        except OSError:  # TimeoutError too
            return b""

    def end(self) -> None:
        """Nothing more is written."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def unacknowledged(self) -> int:
        """Bytes that were written and that the peer's system has not confirmed; 0 where this one does not say.

        Raises OSError where the connection was reset meanwhile.
        """
        waiting = 0
        if sys.platform == "linux":
            import fcntl
            import termios

            answer = fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4))
            waiting = int.from_bytes(answer, sys.byteorder)
        # Asked last: a reset empties the queue too.
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        return waiting

    def close(self) -> None:
        self._socket.close()


def given(host: str, port: int) -> list[Address]:
    """The address that `host` is by itself, so that nothing is asked and no time is taken for it; none for a name."""
    literal = as_address(host)
    if literal is None:
        return []
    return [(socket.AF_INET if literal.version == 4 else socket.AF_INET6, host, port)]


async def resolve(host: str, port: int) -> list[Address]:
    """Addresses of a name, families interleaved (RFC 8305 section 4). Raises DialError."""
    if literal := given(host, port):
        return literal
    loop = asyncio.get_running_loop()
    TRAFFIC.named()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else "not a valid name"
        text = f"the name {host} does not resolve: {why}"
        said = why if isinstance(error, socket.gaierror) else None
        raise DialError("dns", "dns-failure", text, why=said or "") from None
    addresses = list(dict.fromkeys((family, str(where[0]), port) for family, *_, where in found))
    first = [a for a in addresses if a[0] == addresses[0][0]]
    second = [a for a in addresses if a[0] != addresses[0][0]]
    mixed: list[Address] = []
    for position in range(max(len(first), len(second))):
        mixed += first[position : position + 1] + second[position : position + 1]
    return mixed


async def connect(addresses: list[Address]) -> Stream:
    """The first address that answers, tried in turn 250 ms apart. Raises DialError."""
    if len(addresses) == 1:
        return await _connect_one(addresses[0])
    waiting: set[asyncio.Task[Stream]] = set()
    done: set[asyncio.Task[Stream]] = set()
    chosen: asyncio.Task[Stream] | None = None
    failures: list[DialError] = []
    queue = list(addresses)
    try:
        while queue or waiting:
            if queue:
                waiting.add(asyncio.ensure_future(_connect_one(queue.pop(0))))
            done, waiting = await asyncio.wait(
                waiting,
                timeout=_STAGGER if queue else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                error = task.exception()
                if error is None:
                    chosen = task
                    return task.result()
                if not isinstance(error, DialError):
                    raise error
                failures.append(error)
    finally:
        # Another attempt may have succeeded in the same moment, or on the way to its end.
        losers = (waiting | done) - {chosen}
        for task in losers:
            task.cancel()
        for result in await asyncio.gather(*losers, return_exceptions=True):
            if isinstance(result, Stream):
                result.close()
    raise failures[0]


async def _connect_one(address: Address) -> Stream:
    family, host, port = address
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # no file descriptor left, or no IPv6 here
        raise _connect_error(error, host, port) from None
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
    except OSError as error:
        sock.close()
        raise _connect_error(error, host, port) from None
    except BaseException:
        sock.close()
        raise
    TRAFFIC.opened()
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Stream(sock, host)


def _connect_error(error: OSError, host: str, port: int) -> DialError:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(error, ConnectionRefusedError):
        text = f"{where} refuses the connection"
        return DialError("tcp", "connection-refused", text, how="refused")
    if isinstance(error, ConnectionResetError):
        return DialError("tcp", "connection-reset", f"{where} resets the connection", how="rst")
    if error.errno == errno.EMFILE:
        remedy = "lower --concurrency or raise ulimit -n"
        return DialError("tcp", "connection-timeout", "too many open files", remedy=remedy)
    why = error.strerror or type(error).__name__
    how: DialEnding | None = "silence" if isinstance(error, TimeoutError) else None
    text = f"{where} cannot be reached: {why}"
    said = why if how is None else ""
    return DialError("tcp", "connection-timeout", text, how=how, why=said)
