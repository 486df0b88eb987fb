"""Speed, beside its peers, in one run on one machine against one local nginx.

    make bench                          # or: python bench/run.py [--quick] [--only judge,start]
    make bench COMPARE=build/before.json  # and what got worse since

Every figure is kept in build/bench.json (--json FILE).

Figures are ratios against a peer measured in the same run: openssl's bare handshake for the cost of
a check, sslyze's certificate scan for its rate, Python's own start for ours. sslyze (AGPL) is run as
a program of its own from its own virtual environment; nothing of it is imported.
"""

from __future__ import annotations

import argparse
import compileall
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from children import child, end_in_order
from diagnosis import diagnosis
from echo import echo
from evidence import evidence, traffic
from figures import FIGURES, earlier
from knowledge import knowledge
from messages import messages

from detector.judging.judge import judge_all
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Handshake, Observation, Target
from tests.live.programs import Nginx

SSLYZE = "sslyze==6.3.1"
# Part -> programs that it runs, beside Python's.
PARTS: dict[str, tuple[str, ...]] = {
    "check": ("openssl", "nginx"),
    "host": ("openssl", "nginx"),
    "memory": ("openssl", "nginx"),
    "diagnosis": ("openssl", "curl", "testssl", "sslscan", "nmap"),
    "knowledge": (),
    "captures": ("tshark",),
    "evidence": ("tshark",),  # captures, logs, and memory over both
    "bypass": ("curl",),
    "messages": ("grep",),
    "echo": ("openssl",),
    "judge": (),
    "start": (),
    "fleet": (),
    "fleet-page": (),
}
COMPARED_WITH_SSLYZE = {"check", "host", "diagnosis"}
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Cost:
    """What one command cost: wall and CPU seconds, peak memory in KiB."""

    wall: float
    cpu: float
    rss: int
    output: str


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="smaller counts, for a first look")
    options.add_argument("--only", help=f"some of {', '.join(PARTS)}", default=",".join(PARTS))
    options.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    options.add_argument("--compare", type=Path, help="figures of an earlier run")
    given = options.parse_args()
    end_in_order()
    parts = given.only.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        options.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    missing = missing_programs(parts)
    if missing:
        raise SystemExit(
            f"bench: not installed: {', '.join(missing)}; run scripts/programs.sh bench"
        )
    # Read now: a file that is none is told before anything is measured, and it may be the one we write.
    before = earlier(given.compare) if given.compare is not None else None
    measure(parts, quick=given.quick)
    FIGURES.save(given.json)
    print(f"\nfigures: {given.json}")
    if before is not None:
        lines, worse = FIGURES.compared(before)
        print("\n".join(lines))
        sys.exit(1 if worse else 0)


def missing_programs(parts: list[str]) -> list[str]:
    """Programs that these parts run and that are not there."""
    wanted = dict.fromkeys(program for part in parts for program in PARTS[part])
    return [
        name
        for name in wanted
        if shutil.which(name) is None and not Path("/usr/sbin", name).exists()
    ]


def measure(parts: list[str], *, quick: bool) -> None:
    """Each part in turn."""
    # As pip does when it installs: where PYTHONDONTWRITEBYTECODE is set each run would compile our sources anew, and
    # the peers, which were installed, would not.
    for package in ("detector", "addons", "tlsight"):
        compileall.compile_dir(ROOT / package, quiet=1)
    sslyze = install_sslyze() if COMPARED_WITH_SSLYZE & set(parts) else Path()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {openssl_version()}\n")
    with tempfile.TemporaryDirectory(prefix="tlsight-bench-") as name:
        folder = Path(name)
        if {"check", "host", "memory"} & set(parts):
            with nginx(folder) as port:
                if "check" in parts:
                    handshakes(folder, port, sslyze, 500 if quick else 3000, 20 if quick else 200)
                if "host" in parts:
                    one_host(folder, port, sslyze, 5 if quick else 15)
                if "memory" in parts:
                    memory(folder, port, (500, 2000) if quick else (1000, 50_000))
        if "diagnosis" in parts:
            diagnosis(folder / "lab", sslyze, quick=quick)
        if "knowledge" in parts:
            knowledge(folder, 100_000 if quick else 1_000_000)
        if "messages" in parts:
            messages(folder, 3 if quick else 9)
        if "echo" in parts:
            echo(folder, 3 if quick else 10)
    if "evidence" in parts:
        evidence(quick=quick)
    elif "captures" in parts:
        traffic(quick=quick)
    if "bypass" in parts:
        from bypass import bypass  # mitmproxy in this process would count as memory of its children

        bypass(quick=quick)
    if "fleet" in parts:
        from fleet import fleet

        fleet(quick=quick)
    if "fleet-page" in parts:
        from fleet_page import fleet_page

        fleet_page(folder=None)
    if "judge" in parts:
        judging(500 if quick else 3000)
    if "start" in parts:
        start_up(5 if quick else 15)


def handshakes(folder: Path, port: int, sslyze: Path, count: int, scanned: int) -> None:
    """Handshakes a second and CPU for each, of three programs."""
    bare = run(["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-time", "5"])
    done = int(re.findall(r"^(\d+) connections", bare.output, re.MULTILINE)[0])
    start = run([*check(folder, port), "--json", "h0.bench.test"])
    targets(folder, count)
    ours = run([*check(folder, port), "--json", "-l", str(folder / "hosts.txt")])
    assert ours.output.count('"verdict":"direct"') == count, ours.output[:500]
    hosts = folder / "sslyze.txt"
    hosts.write_text("".join(f"h{n}.bench.test:{port}{{127.0.0.1}}\n" for n in range(scanned)))
    peer = run([str(sslyze), "--certinfo", "--targets_in", str(hosts)])
    assert peer.output.count("Certificates Information") == scanned, peer.output[-500:]
    cost_bare, cost_ours = bare.cpu / done, ours.cpu / count
    cost_steady = (ours.cpu - start.cpu) / (count - 1)
    print("handshakes against one nginx            a second   CPU ms each")
    print(
        f"  openssl s_time -new                   {done / bare.wall:8.0f}   {cost_bare * 1e3:8.2f}"
    )
    print(
        f"  tlsight check --json ({count:5} targets) {count / ours.wall:8.0f}   {cost_ours * 1e3:8.2f}"
    )
    print(f"    without start-up                               {cost_steady * 1e3:8.2f}")
    print(
        f"  sslyze --certinfo ({scanned:5} targets)    {scanned / peer.wall:8.1f}   {peer.cpu / scanned * 1e3:8.2f}"
    )
    print(
        f"  CPU of a full check: {cost_ours / cost_bare:.2f}x openssl's bare handshake (aim: at most 2)"
    )
    rate = (count / ours.wall) / (scanned / peer.wall)
    FIGURES.note("check: CPU, times openssl's handshake", cost_ours / cost_bare, "lower")
    FIGURES.note("check: rate, times sslyze's", rate, "higher", 0.2)
    print(f"  rate: {rate:.0f}x sslyze's (aim: at least 10)\n")


def one_host(folder: Path, port: int, sslyze: Path, rounds: int) -> None:
    """Wall time of one host, start-up and all, the two programs taking turns."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(run([*check(folder, port), "--json", "h0.bench.test"]).wall)
        theirs.append(run([str(sslyze), "--certinfo", f"h0.bench.test:{port}{{127.0.0.1}}"]).wall)
    print("one local host, wall seconds            median   fastest   slowest")
    for name, values in (("tlsight check", ours), ("sslyze --certinfo", theirs)):
        print(
            f"  {name:38}{statistics.median(values):6.3f}   {min(values):7.3f}   {max(values):7.3f}"
        )
    ratio = statistics.median(ours) / statistics.median(theirs)
    FIGURES.note("one host: wall, times sslyze's", ratio, "lower")
    print(f"  {ratio:.2f}x sslyze's wall time (aim: under 0.4)\n")


def memory(folder: Path, port: int, counts: tuple[int, int]) -> None:
    """Peak memory must not follow the number of targets."""
    print("peak memory                              MiB")
    peaks = []
    for count in counts:
        targets(folder, count)
        cost = run([*check(folder, port), "--json", "-l", str(folder / "hosts.txt")], keep=False)
        peaks.append(cost.rss)
        print(
            f"  tlsight check, {count:6} targets        {cost.rss / 1024:6.1f}   ({cost.wall:.1f} s)"
        )
    FIGURES.note("memory: MiB for many targets", peaks[1] / 1024, "lower", 0.05)
    print(f"  {peaks[1] / peaks[0]:.2f}x for {counts[1] // counts[0]}x the targets\n")


def judging(count: int) -> None:
    """`judge` over chains that differ from each other in every byte that is signed."""
    pki = LabPki()
    forger = Authority("Gateway", organization="Example Corp", profile=False)
    known = pki.knowledge(lab=False)
    print("judge, distinct chains                   a second on one core")
    for name, authority in (
        ("public, two SCTs each", pki.intermediate),
        ("private, forged", forger),
    ):
        seen = [observation(authority, n) for n in range(count)]
        start = time.process_time()
        verdicts = {j.verdict for j in judge_all(seen, known)}
        rate = count / (time.process_time() - start)
        FIGURES.note(
            f"judge: {name}, a second", rate, "higher", 0.25
        )  # of no peer: the machine's own noise
        print(f"  {name:38} {rate:8.0f}   ({', '.join(sorted(verdicts))})")
    print("  (aim: at least 3,000)\n")


def observation(authority: Authority, number: int) -> Observation:
    host = f"h{number}.example{number % 50}.com"
    chain = authority.issue(host).chain
    return Observation(
        authority.now, Target(host, sni=host), chain=chain, handshake=Handshake(True)
    )


def start_up(rounds: int) -> None:
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "tlsight --version": [str(BIN / "tlsight"), "--version"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):  # in turns, so that a busy moment meets both
        for name, command in commands.items():
            walls[name].append(run(command).wall)
    medians = {name: statistics.median(found) for name, found in walls.items()}
    print("start-up                                 ms, median")
    for name, seconds in medians.items():
        print(f"  {name:38} {seconds * 1e3:6.1f}")
    ratio = medians["tlsight --version"] / medians["python -c pass"]
    FIGURES.note("--version: wall, times bare Python's", ratio, "lower", 0.2)
    print(f"  {ratio:.2f}x Python's own start (aim: at most 3)")


def check(folder: Path, port: int) -> list[str]:
    """The command line of a check against the local nginx."""
    return [
        str(BIN / "tlsight"), "check", "--connect", f"127.0.0.1:{port}",
        "--roots", str(folder / "root.pem"), "--ct-logs", str(folder / "logs.json"),
        "--history", str(folder / "history.sqlite3"),
    ]  # fmt: skip


def targets(folder: Path, count: int) -> None:
    with (folder / "hosts.txt").open("w") as file:
        for number in range(count):
            file.write(f"h{number}.bench.test\n")


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    (folder / "logs.json").write_text(pki.ct_logs_json)
    credential = pki.issue("*.bench.test")
    with Nginx(folder / "nginx", {"_": credential}, origin=9) as server:
        yield server.port


def run(command: list[str], *, keep: bool = True) -> Cost:
    """Run a command to its end and tell what it alone cost."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        sink = out if keep else subprocess.DEVNULL
        with child(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink) as program:
            _, _, usage = os.wait4(program.pid, 0)
            wall = time.perf_counter() - start
            program.returncode = 0  # wait4 has already reaped it
        out.seek(0)
        text = out.read().decode(errors="replace")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, text)


def install_sslyze() -> Path:
    """Sslyze in its own virtual environment under .tools, made once."""
    folder = ROOT / ".tools" / "sslyze"
    program = folder / "bin" / "sslyze"
    if not program.exists():
        print(f"installing {SSLYZE} into .tools/sslyze")
        install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", SSLYZE]
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([*install, "--disable-pip-version-check"], check=True)
        except subprocess.CalledProcessError:
            others = ",".join(part for part in PARTS if part not in COMPARED_WITH_SSLYZE)
            raise SystemExit(
                f"bench: {SSLYZE} cannot be installed; without it: --only {others}"
            ) from None
    return program


def openssl_version() -> str:
    found = shutil.which("openssl")
    if found is None:
        return "no openssl"
    return run([found, "version"]).output.split("(")[0].strip()


if __name__ == "__main__":
    main()
