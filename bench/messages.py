"""Explaining: one pasted line, a log of one MiB, and one of 64 MiB whose failure is in the middle.

Peer, in the same run on the same file: `grep -iE` for a dozen words of TLS, which says no cause.
"""

from __future__ import annotations

import os
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
    empty, _ = _measured((*tlsight, "all is well"), rounds, 3)
    line, _ = _measured((*tlsight, _FAILURE), rounds, 0)
    print("explaining")
    print(f"  one paste, start and all               {line:8.2f} s")
    peak = 0.0
    for size in (1, 64):
        path = folder / f"{size}.log"
        half = _NOISE * (size * _MIB // len(_NOISE) // 2)
        path.write_text(half + _FAILURE + half)
        whole, peak = _measured((*tlsight, str(path)), rounds, 0)
        ours = max(whole - empty, 0.001)
        peer, _ = _measured(("grep", "-ciE", _WORDS, str(path)), rounds, 0)
        print(f"  {size:2} MiB of log, beyond the start        {ours:8.2f} s   grep {peer:6.2f} s")
        FIGURES.note(f"explain: {size} MiB, times grep", ours / peer, "lower", 0.3)
    print(f"  memory for 64 MiB of log               {peak:8.0f} MiB")
    FIGURES.note("explain: MiB for 64 MiB of log", peak, "lower", 0.1)


def _measured(command: tuple[str, ...], rounds: int, code: int) -> tuple[float, float]:
    """Seconds, the median of the rounds, and the most MiB."""
    found, peaks = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            _, status, used = os.wait4(one.pid, 0)
            one.returncode = os.waitstatus_to_exitcode(status)
        found.append(time.perf_counter() - begun)
        peaks.append(used.ru_maxrss / 1024)
        assert one.returncode == code, (command, one.returncode)
    return statistics.median(found), max(peaks)
