"""Tools against broken servers: does each name the cause, and how long does it take?

Every tool is asked in the way its manual has for a first look. Its whole output is judged by the
expressions of `NAMED`: words that say this cause and would not be said of another one. "named" means so;
"-" means that the tool said something else, or nothing, whatever raw facts it printed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from children import child
from figures import FIGURES

BIN = Path(sys.executable).parent
PATIENCE = 60.0

CASES = (
    "expired", "not-yet-valid", "wrong-host", "self-signed", "incomplete-chain", "intercepted",
    "tls-1.0", "rc4", "client-certificate", "unknown-name", "alpn", "large-hello-reset",
    "tls13-reset", "resets", "plain-http", "silent", "healthy",
)  # fmt: skip

# What must be said, in whatever words, for the cause to be named. Case is ignored.
NAMED: dict[str, str] = {
    "expired": r"(?<!not )\bexpired\b",
    "not-yet-valid": r"not[ -]yet[ -](?:valid|activated)|not valid yet",
    "wrong-host": r"(?:does|do|did) ?n[o']t match|doesn't match|mismatch",
    "self-signed": r"self[- ]signed(?! certificate in)",
    "incomplete-chain": r"chain incomplete|incomplete[- ]chain|does not send|missing intermediate",
    "intercepted": r"intercept",
    "tls-1.0": r"nothing later than TLS ?1\.0|TLS ?1\.2 +not offered|only (?:supports )?TLS ?1\.0"
               r"|version-mismatch",
    "rc4": r"RC4[^\n]*(?:insecure|broken|NOT ok|weak|deprecated)|broken: RC4",
    "client-certificate": r"client[- ](?:certificate|authentication|auth)[^\n]*(?:required|asked|wants)"
                          r"|certificate (?:is )?required|wants a certificate",
    "unknown-name": r"unrecogni[sz]ed[ _]name|does not know the name",
    "alpn": r"no[ _]application[ _]protocol|none of the protocols",
    "large-hello-reset": r"large[- ](?:client)?hello|hello[^\n]*too large",
    "tls13-reset": r"tls ?1?\.?3[- ]intoleran|offering TLS 1\.3 ends",
    "resets": r"reset by peer|resets? the connection|connection (?:was )?reset|ECONNRESET|errno=104",
    "plain-http": r"plain HTTP|speaks? HTTP|is HTTP, not|not TLS",
    "silent": r"stays silent|timed? ?out|no answer",
    "healthy": r"HEALTHY",
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    """One served case."""

    case: str
    host: str
    port: int
    words: list[str]


@dataclass(frozen=True)
class Tool:
    """One program: how it is asked, and where its version is shown."""

    name: str
    command: Callable[[Server, Path], list[str]]


def tools(sslyze: Path) -> list[Tool]:
    lab = ("--roots", "--ct-logs")
    return [
        Tool("tlsight", lambda s, f: [str(BIN / "tlsight"), "diagnose", lab[0], str(f / "root.pem"),
                                      lab[1], str(f / "logs.json"), *s.words]),
        Tool("testssl.sh", lambda s, f: ["testssl", "--quiet", "--color", "0", "--warnings", "off",
                                         "--openssl-timeout", "5", "--connect-timeout", "5",
                                         "--add-ca", str(f / "root.pem"), "--ip", "127.0.0.1",
                                         "-p", "-S", f"{s.host}:{s.port}"]),
        Tool("sslyze", lambda s, f: [str(sslyze), "--certinfo_ca_file", str(f / "root.pem"),
                                     f"{s.host}:{s.port}{{127.0.0.1}}"]),
        Tool("sslscan", lambda s, _: ["sslscan", "--no-colour", f"--sni-name={s.host}",
                                      "--show-certificate", f"127.0.0.1:{s.port}"]),
        Tool("nmap", lambda s, _: ["nmap", "-Pn", "-p", str(s.port), "--script",
                                   "ssl-cert,ssl-enum-ciphers,ssl-known-key", s.host]),
        Tool("openssl", lambda s, f: ["openssl", "s_client", "-connect", f"127.0.0.1:{s.port}",
                                      "-servername", s.host, "-verify_hostname", s.host,
                                      "-CAfile", str(f / "root.pem"), "-alpn", "h2,http/1.1"]),
        Tool("curl", lambda s, f: ["curl", "-sS", "-v", "-m", "30", "--cacert", str(f / "root.pem"),
                                   "--resolve", f"{s.host}:{s.port}:127.0.0.1",
                                   f"https://{s.host}:{s.port}/"]),
    ]  # fmt: skip


def diagnosis(folder: Path, sslyze: Path, *, quick: bool) -> None:
    """The table."""
    wanted = tools(sslyze)
    if quick:
        wanted = [tool for tool in wanted if tool.name != "testssl.sh"]
    head = "".join(f"{tool.name:>15}" for tool in wanted)
    print(f"broken servers: cause named (*) or not (-), wall seconds\n{'':20}{head}")
    counts = dict.fromkeys((tool.name for tool in wanted), 0)
    with served(folder) as servers:
        for server in servers:
            cells = ""
            for tool in wanted:
                named, seconds = ask(tool, server, folder)
                counts[tool.name] += named
                late = "+" if seconds >= PATIENCE else " "
                cells += f"{'*' if named else '-':>7}{seconds:7.2f}{late}"
            print(f"{server.case:20}{cells}", flush=True)
    FIGURES.note("diagnosis: causes named", counts["tlsight"], "higher", 0.0)
    total = "".join(f"{counts[tool.name]:>7} of {len(CASES):<5}" for tool in wanted)
    print(f"{'named':20}{total}\n  (+ ended after {PATIENCE:.0f} s; aim: all named by tlsight)\n")


def ask(tool: Tool, server: Server, folder: Path) -> tuple[bool, float]:
    """Whether the tool names the cause, and how long it takes."""
    start = time.perf_counter()
    clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    with tempfile.TemporaryFile() as sink:
        with child(
            tool.command(server, folder), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            env={**clean, "COLUMNS": "200"},
        ) as asked:  # fmt: skip
            with suppress(subprocess.TimeoutExpired):
                asked.wait(PATIENCE)
            seconds = time.perf_counter() - start
        sink.seek(0)
        text = sink.read().decode(errors="replace")
    return judged(tool.name, server.case, text), seconds


def judged(tool: str, case: str, text: str) -> bool:
    """Whether `text` says the cause. A tool that answers every failure with one sentence names none."""
    if case == "healthy" and tool != "tlsight":
        return re.search(r"\b(?:VULNERABLE|NOT ok|error|failed)\b", text) is None
    if case in ("resets", "plain-http", "silent") and re.search(
        r"could not find a TLS version and cipher suite supported|doesn't seem to be a TLS/SSL",
        text,
    ):
        return False
    return re.search(NAMED[case], text, re.IGNORECASE) is not None


@contextmanager
def served(folder: Path) -> Iterator[list[Server]]:
    command = [str(BIN / "tlsight"), "lab", "serve", "--json", "--dir", str(folder), *CASES]
    with child(command, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        lines = list(islice(lab.stdout, len(CASES)))
        if len(lines) < len(CASES):
            raise SystemExit(f"bench: the lab ended before it served: {' '.join(command)}")
        rows = [json.loads(line) for line in lines]
        yield [Server(r["case"], r["host"], r["port"], r["words"]) for r in rows]
