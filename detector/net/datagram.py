"""Single datagrams: over UDP, and to a socket of this machine, with what is too large for one in a sealed file."""

from __future__ import annotations

import array
import asyncio
import errno
import os
import socket
from pathlib import Path

from detector.net.stream import resolve

_LOOK_AGAIN = 0.05


async def send_udp(host: str, port: int, datagrams: list[bytes]) -> None:
    """To the first address of a name. Raises DialError, OSError; nobody says whether they arrived."""
    family, address, port = (await resolve(host, port))[0]
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (address, port))
        for one in datagrams:
            await loop.sock_sendall(sock, one)


async def send_local(path: Path, datagrams: list[bytes]) -> None:
    """To a socket of this machine, in order; waits while its reader is behind. Raises OSError.

    One that is too large goes as a file in memory that nobody can change any more, as systemd's journal takes it.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(str(path))
        for one in datagrams:
            await _send(sock, one)


async def _send(sock: socket.socket, data: bytes) -> None:
    while True:
        try:
            sock.send(data)
            return
        except BlockingIOError:
            await asyncio.sleep(_LOOK_AGAIN)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            break
    descriptor = _sealed(data)
    try:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        while True:
            try:
                sock.sendmsg([b""], rights)
                return
            except BlockingIOError:
                await asyncio.sleep(_LOOK_AGAIN)
    finally:
        os.close(descriptor)


def _sealed(data: bytes) -> int:
    import fcntl

    descriptor = os.memfd_create("tlsight", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
