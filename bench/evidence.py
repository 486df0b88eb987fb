"""What reading captures and logs costs: beside tshark and dpkt, and beside a grep of the same file.

    python bench/evidence.py [--gigabytes 10]

Traffic is made of real handshakes (see captures.py): a chain of two RSA certificates, a request, an answer.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from captures import HEADER, Writer, conversation, write_bulk, write_flood, write_handshakes
from children import child
from figures import FIGURES

TLSIGHT = [sys.executable, "-m", "detector"]
FIELDS = (
    "frame.time_epoch", "ip.src", "tcp.srcport", "tls.handshake.extensions_server_name",
    "tls.handshake.ciphersuite", "tls.handshake.version", "tls.handshake.ja3", "tls.handshake.ja3s",
    "tls.handshake.certificate", "tls.alert_message.desc",
)  # fmt: skip
# Set where images are built; a user's shell has neither, and each costs a short run a third.
_UNUSUAL = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
_DPKT = """
import sys, dpkt
count = 0
with open(sys.argv[1], "rb") as file:
    for _, data in dpkt.pcap.Reader(file):
        segment = dpkt.ethernet.Ethernet(data).data.data
        if segment.data[:1] == b"\\x16":
            try:
                for record in dpkt.ssl.tls_multi_factory(segment.data)[0]:
                    if record.type == 22:
                        count += isinstance(dpkt.ssl.TLSHandshake(record.data).data, dpkt.ssl.TLSClientHello)
            except (dpkt.Error, dpkt.ssl.SSL3Exception):
                pass
print(count)
"""


def evidence(*, quick: bool, gigabytes: float = 0) -> None:
    """The tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        captures(folder, 30 if quick else 200)
        logs(folder, 200_000 if quick else 2_000_000)
        memory((0.1, 0.3) if quick else (0.1, 1, gigabytes) if gigabytes else (0.1, 1))


def traffic(*, quick: bool) -> None:
    """The table of captures alone."""
    with tempfile.TemporaryDirectory() as name:
        captures(Path(name), 30 if quick else 200)


def captures(folder: Path, megabytes: int) -> None:
    """Megabytes a second of CPU, start-up apart."""
    small, many, bulk = (folder / f"{name}.pcap" for name in ("small", "many", "bulk"))
    write_handshakes(small, 0)
    count = write_handshakes(many, megabytes)
    write_bulk(bulk, 2 * megabytes)
    start = min(spent([*TLSIGHT, "pcap", "--json", "--no-store", str(small)])[0] for _ in range(3))
    size = many.stat().st_size / 1e6
    print(f"captures, MB a second of CPU             ({count:,} handshakes, {size:.0f} MB)")
    ours = [*TLSIGHT, "pcap", "--json", "--no-store"]
    seconds, wall, peak = spent([*ours, str(many)])
    row(
        "tlsight pcap --json, start-up apart",
        size / (seconds - start),
        f"{count / (seconds - start):,.0f} handshakes/s",
    )
    row(
        "tlsight pcap --json, all of it",
        size / seconds,
        f"{wall:.2f} s, {peak:.0f} MiB",
    )
    tshark = ["tshark", "-r", str(many), "-Y", "tls.handshake || tls.alert_message", "-T", "fields"]
    tshark += [word for field in FIELDS for word in ("-e", field)]
    theirs, theirs_wall, theirs_peak = spent(tshark)
    row("tshark -T fields", size / theirs, f"{theirs_wall:.2f} s, {theirs_peak:.0f} MiB")
    walked, _, _ = spent([sys.executable, "-c", _DPKT, str(many)])
    row("dpkt, ClientHellos of single segments only", size / walked, "")
    print(
        f"  {theirs / seconds:.1f}x tshark's rate, {theirs / (seconds - start):.1f}x without start-up"
    )
    FIGURES.note("pcap: handshakes, times tshark's rate", theirs / seconds, "higher")
    size = bulk.stat().st_size / 1e6
    seconds, _, _ = spent([*ours, str(bulk)])
    row("tlsight, bulk traffic, start-up apart", size / (seconds - start), "")
    tshark[2] = str(bulk)
    theirs, _, _ = spent(tshark)
    row("tshark, bulk traffic", size / theirs, f"{theirs / (seconds - start):.1f}x")
    flood = folder / "flood.pcap"
    count = 1000 * megabytes
    write_flood(flood, count)
    seconds, _, peak = spent([*ours, str(flood)])
    row(f"tlsight, {count:,} SYNs, connections/s", count / (seconds - start), f"{peak:.0f} MiB")
    print(f"  start-up {start:.2f} s   (aim: 120 MB/s of handshakes, 400 MB/s of bulk)\n")


def logs(folder: Path, lines: int) -> None:
    """Lines a second of CPU."""
    path, small = folder / "error.log", folder / "small.log"
    chance = random.Random(3)
    failed = (
        "2026/11/24 00:{:02}:{:02} [info] 9#9: *{} SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::"
        "tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 10.0.{}.{}, server: shop.example\n"
    )
    other = (
        '2026/11/24 00:{:02}:{:02} [error] 9#9: *{} open() "/var/www/html/favicon-{}-{}.ico" failed (2: No such file'
        ' or directory), client: 10.0.1.2, server: shop.example, request: "GET /favicon.ico HTTP/1.1", host: "shop"\n'
    )
    with path.open("w") as file:
        for number in range(lines):
            at = number * 3600 // lines
            text = failed if chance.random() < 0.01 else other
            file.write(text.format(at // 60, at % 60, number, number % 250, number % 199))
    small.write_text(failed.format(0, 0, 1, 1, 1))
    start = min(spent([*TLSIGHT, "logs", "--json", str(small)])[0] for _ in range(3))
    seconds, wall, peak = spent([*TLSIGHT, "logs", "--json", str(path)])
    floor, _, _ = spent(["grep", "-c", "SSL handshaking", str(path)])
    size = path.stat().st_size / 1e6
    print(
        f"logs, lines a second of CPU              ({lines:,} lines, {size:.0f} MB, 1 % of failures)"
    )
    row(
        "tlsight logs --json, start-up apart",
        lines / (seconds - start),
        f"{wall:.2f} s, {peak:.0f} MiB",
    )
    FIGURES.note("logs: lines a second", lines / (seconds - start), "higher", 0.2)
    row("grep -c of the same file", lines / max(floor, 1e-3), "the floor")
    print("  (aim: at least 400,000)\n")


def memory(gigabytes: tuple[float, ...]) -> None:
    """Peak memory by size; one connection in ten never ends, so that the table is full."""
    import ssl

    said = [
        conversation(version, 6000) for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)
    ]
    whole = [Writer(segments) for segments in said]
    open_ended = Writer(said[1][:-3])
    print("peak memory of tlsight pcap --json -     MiB")
    for size in gigabytes:
        command = [*TLSIGHT, "pcap", "--json", "--no-store", "-"]
        began = time.monotonic()
        with (
            Path(os.devnull).open("wb") as nowhere,
            child(command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere) as program,
        ):
            assert program.stdin is not None
            program.stdin.write(HEADER)
            sent = number = 0
            while sent < size * 1e9:
                writer = open_ended if number % 10 == 9 else whole[number % 2]
                sent += program.stdin.write(
                    writer.connection(number, 1_790_000_000 + number // 2000)
                )
                number += 1
            program.stdin.close()
            _, _, usage = os.wait4(program.pid, 0)
            program.returncode = 0
        took = time.monotonic() - began
        text = f"  {sent / 1e9:6.1f} GB, {number:9,} connections".ljust(42)
        print(f"{text}{usage.ru_maxrss / 1024:7.0f}   {took:.0f} s", flush=True)
    print("  (aim: under 200, flat)\n")


def row(name: str, value: float, beside: str) -> None:
    print(f"  {name:44}{value:14,.0f}   {beside}", flush=True)


def spent(command: list[str]) -> tuple[float, float, float]:
    """Seconds of CPU, seconds of wall time, peak memory in MiB."""
    began = time.monotonic()
    usual = {name: value for name, value in os.environ.items() if name not in _UNUSUAL}
    with child(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=usual,
    ) as program:  # fmt: skip
        _, _, usage = os.wait4(program.pid, 0)
        program.returncode = 0
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--gigabytes", type=float, default=0, help="size of the largest capture")
    given = options.parse_args()
    evidence(quick=given.quick, gigabytes=given.gigabytes)
