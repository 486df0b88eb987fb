"""Echoes a second: full handshakes with a signed answer each, beside openssl s_server under the same clients.

Clients are OpenSSL's own `s_time`, which makes new connections and asks for a page; the server has one core to itself
(taskset), and its rate is by its own CPU seconds: what a core gives, however many the machine has. Hellos alone, which
end with the server's answer, are sent by hand, many at a time.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import FIGURES

from detector.wire.offer import X25519, X25519MLKEM768, Material, Offer, client_hello, wire_form

_TICKS = os.sysconf("SC_CLK_TCK")
_PATH = "/.well-known/tlsight-echo?nonce=n"


def echo(folder: Path, seconds: int) -> None:
    """Time both servers."""
    print("echo server, per core")
    with _ours(folder) as (port, pid):
        hellos = _rate(pid, lambda: _hellos(port, seconds))
        ours = _rate(pid, lambda: _asked(port, _PATH, seconds))
    with _openssl(folder) as (port, pid):
        bare = _rate(pid, lambda: _hellos(port, seconds))
        peer = _rate(pid, lambda: _asked(port, "/", seconds))
    print(f"  hellos that end with the answer        {hellos:8.0f} /s   s_server {bare:8.0f}")
    print(f"  handshake, request, signed echo        {ours:8.0f} /s   s_server {peer:8.0f}")
    FIGURES.note("echo: hellos a second, of s_server's", hellos / bare, "higher", 0.3)
    FIGURES.note("echo: echoes a second, of s_server's pages", ours / peer, "higher", 0.3)


@contextmanager
def _ours(folder: Path) -> Iterator[tuple[int, int]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "detector", "echo", "serve", "--name", "localhost", "--listen",
         "127.0.0.1:0", "--per-minute", "0", "--state", str(folder / "echo"), "--json"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        yield json.loads(child.stdout.readline())["port"], child.pid
    finally:
        child.terminate()
        child.wait(10)
        child.stdout.close()


@contextmanager
def _openssl(folder: Path) -> Iterator[tuple[int, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pem = str(folder / "echo" / "own.pem")
    child = subprocess.Popen(
        ["openssl", "s_server", "-accept", str(port), "-cert", pem, "-key", pem, "-www", "-quiet"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, child.pid
    finally:
        child.terminate()
        child.wait(10)


def _rate(pid: int, load: object) -> float:
    """What was done, for each CPU second of the server."""
    assert callable(load)
    before = _cpu(pid)
    done = load()
    return float(done / max(_cpu(pid) - before, 0.01))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _asked(port: int, path: str, seconds: int) -> int:
    said = subprocess.run(
        ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-www", path, "-new", "-time", str(seconds)],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    found = re.search(r"(\d+) connections in \d+ real seconds", said)
    assert found is not None, said[-300:]
    return int(found[1])


def _hellos(port: int, seconds: int) -> int:
    """One after the other: the first bytes of the answer, and away."""
    keys = {X25519: bytes.fromhex("09" + "00" * 31), X25519MLKEM768: bytes(1216)}
    offer = Offer(sni="localhost", groups=(X25519,), shares=(X25519,))
    data = b"".join(wire_form(offer, client_hello(offer, Material(b"r" * 32, b"s" * 32, keys))))
    done, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", port), 5) as one:
            one.sendall(data)
            done += bool(one.recv(1))
            one.shutdown(socket.SHUT_RDWR)
    return done
