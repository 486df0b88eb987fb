"""Explaining: one pasted line, a log of one MiB, and one of 64 MiB whose failure is in the middle.

Peer, in the same run on the same file: `grep -iE` for a dozen words of TLS, which says no cause.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from figures import FIGURES

_NOISE = "2026-03-01 12:00:00 INFO compiled module 17 of 300 in 40 ms, see https://wiki.example/page for help\n"
_FAILURE = (
    "npm error code SELF_SIGNED_CERT_IN_CHAIN\n"
    "npm error request to https://registry.npmjs.org/x failed, reason: self-signed certificate in certificate chain\n"
)
_WORDS = "ssl|tls|x509|certificate|handshake|pkix|schannel|issuer|cipher|alert|trust|verify"
_MIB = 1 << 20


def messages(folder: Path, rounds: int) -> None:
    """Time `tlsight explain` over each, as a command."""
    tlsight = (sys.executable, "-m", "detector", "explain")
    empty = _seconds((*tlsight, "all is well"), rounds, 3)
    line = _seconds((*tlsight, _FAILURE), rounds, 0)
    print("explaining")
    print(f"  one paste, start and all               {line:8.2f} s")
    for size in (1, 64):
        path = folder / f"{size}.log"
        half = _NOISE * (size * _MIB // len(_NOISE) // 2)
        path.write_text(half + _FAILURE + half)
        ours = max(_seconds((*tlsight, str(path)), rounds, 0) - empty, 0.001)
        peer = _seconds(("grep", "-ciE", _WORDS, str(path)), rounds, 0)
        print(f"  {size:2} MiB of log, beyond the start        {ours:8.2f} s   grep {peer:6.2f} s")
        if size > 1:  # beside the start one MiB is lost in the noise
            FIGURES.note(f"explain: {size} MiB, times grep", ours / peer, "lower", 0.3)
    peak = _peak((*tlsight, str(path)))
    print(f"  memory for 64 MiB of log               {peak:8.0f} MiB")
    FIGURES.note("explain: MiB for 64 MiB of log", peak, "lower", 0.1)


def _seconds(command: tuple[str, ...], rounds: int, code: int) -> float:
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False)
        found.append(time.perf_counter() - begun)
        assert done.returncode == code, done.stderr[-300:]
    return statistics.median(found)


# A process counts what it held before it became another program, so that a small one has to start it.
_SMALL = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def _peak(command: tuple[str, ...]) -> float:
    done = subprocess.run((sys.executable, "-c", _SMALL, *command), capture_output=True, check=True)
    return int(done.stdout) / 1024
