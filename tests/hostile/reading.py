"""Which command reads which hostile file: every option that takes one, found in the command line itself.

`BASE` has the words that lead each command to where it opens the file; what else a command does then is little: nobody
answers on port 9. `MEANT` says what an option expects; those files are given to it beside the ones that are hostile
anywhere. An option that two commands share with one reader gets its special files in the first of them alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from tests.cli.loaded import alone_in
from tests.hostile import cells
from tests.hostile.files import ANYWHERE, MEANT, captures
from tests.hostile.measured import Job
from tests.hostile.peers.peer import HOST
from tests.hostile.tree import FileOption, file_options

_NOBODY = ("--connect", "127.0.0.1:9", "--timeout", "0.3")
_ASKING = ("--sources", "certspotter=https://127.0.0.1:9", "--timeout", "0.2")
_DECIDED = ("--reason", "x", "--owner", "x", "--expires", "90d")

BASE: dict[str, tuple[str, ...]] = {
    "check": ("check", HOST, *_NOBODY),
    "diagnose": ("diagnose", HOST, *_NOBODY),
    "grade": ("grade", *_NOBODY),
    "watch-path": ("watch-path", HOST, "--network", "here", *_NOBODY),
    "judge": ("judge",),
    "logs": ("logs",),
    "pcap": ("pcap",),
    "trust": ("trust", "--root", "empty", "--home", "empty"),
    "trust why": ("trust", "why", "curl", "--root", "empty", "--home", "empty"),
    "trust fix": ("trust", "fix", "curl", "--dry-run", "--sha256", "0" * 64),
    "trust remove": ("trust", "remove", "0" * 64, "--root", "empty", "--home", "empty"),
    "update": ("update", "log_list", "--mirror", "https://127.0.0.1:9", "--timeout", "0.2"),
    "ct show": ("ct", "show", "--offline", HOST),
    "ct fetch": ("ct", "fetch", *_ASKING),
    "ct export": ("ct", "export"),
    "ct import": ("ct", "import"),
    "pins learn": ("pins", "learn", HOST, *_NOBODY),
    "pins check": ("pins", "check", *_NOBODY),
    "pins show": ("pins", "show"),
    "pins export": ("pins", "export", "--format", "curl"),
    "policy lint": ("policy", "lint"),
    "policy learn": ("policy", "learn", HOST, *_NOBODY),
    "bypass list": ("bypass", "list"),
    "bypass add": ("bypass", "add", HOST, *_DECIDED),
    "bypass remove": ("bypass", "remove", HOST),
    "bypass expire": ("bypass", "expire", HOST),
    "bypass explain": ("bypass", "explain", HOST),
    "bypass test": ("bypass", "test", HOST),
    "bypass lint": ("bypass", "lint"),
    "bypass candidates": ("bypass", "candidates"),
    "bypass unbound": ("bypass", "unbound"),
    "bypass approve": ("bypass", "approve", HOST, *_DECIDED),
    "bypass reject": ("bypass", "reject", HOST, "--reason", "x"),
    "bypass snooze": ("bypass", "snooze", HOST),
    "bypass attempts": ("bypass", "attempts"),
    "bypass replay": ("bypass", "replay"),
    "bypass stats": ("bypass", "stats"),
    "bypass export": ("bypass", "export", "squid"),
    "bypass import": ("bypass", "import", "squid", "--owner", "x", "--expires", "90d", "--yes"),
    "bypass replace": ("bypass", "replace", "squid", "--owner", "x", "--expires", "90d", "--yes"),
    "bypass undo": ("bypass", "undo", "1"),
    "bypass history": ("bypass", "history", HOST),
    "bypass renew": ("bypass", "renew", HOST, "--expires", "90d"),
    "bypass approve-draft": ("bypass", "approve-draft", HOST),
    "bypass diff": ("bypass", "diff", "squid"),
    "bypass due": ("bypass", "due"),
    "bypass report": ("bypass", "report"),
    "bypass recheck": ("bypass", "recheck", "--proxy", "http://127.0.0.1:9", "--timeout", "0.2"),
    "bypass prove": ("bypass", "prove", HOST, "--all", *_NOBODY),
    "bypass audit list": ("bypass", "audit", "list"),
    "bypass audit verify": ("bypass", "audit", "verify"),
    "bypass audit accept": ("bypass", "audit", "accept", "--reason", "x"),
    "bypass audit send": ("bypass", "audit", "send"),
    "bypass seeds": ("bypass", "seeds"),
    "bypass feed add": ("bypass", "feed", "add", "apple", "--owner", "x"),
    "bypass feed set": ("bypass", "feed", "set", "apple"),
    "bypass feed list": ("bypass", "feed", "list"),
    "bypass feed show": ("bypass", "feed", "show", "apple"),
    "bypass feed diff": ("bypass", "feed", "diff", "apple"),
    "bypass feed update": ("bypass", "feed", "update", "apple"),
    "bypass feed accept": ("bypass", "feed", "accept", "apple"),
    "bypass feed remove": ("bypass", "feed", "remove", "apple"),
    "bypass proxies": ("bypass", "proxies"),
    "bypass user add": ("bypass", "user", "add", "alice"),
    "bypass user list": ("bypass", "user", "list"),
    "bypass user remove": ("bypass", "user", "remove", "alice"),
    "bypass user role": ("bypass", "user", "role", "alice", "viewer"),
    "bypass user password": ("bypass", "user", "password", "alice"),
    "bypass backup": ("bypass", "backup", "--check"),
    "bypass restore": ("bypass", "restore", "--reason", "x", "--yes"),
    "bypass service": ("bypass", "service", "systemd"),
    "bypass breaking": ("bypass", "breaking"),
    "bypass open": ("bypass", "open"),
    "bypass top": ("bypass", "top"),
    "bypass serve": ("bypass", "serve", "--listen", "127.0.0.1:0"),
    "bypass sync enrol": ("bypass", "sync", "enrol", "x", "--shelf", "empty", "--out", "out"),
    "bypass sync revoke": ("bypass", "sync", "revoke", "x", "--reason", "x"),
    "bypass sync once": ("bypass", "sync", "once"),
    "bypass sync run": ("bypass", "sync", "run"),
    "bypass sync serve": ("bypass", "sync", "serve", "--listen", "127.0.0.1:0"),
    "bypass sync status": ("bypass", "sync", "status"),
    "bypass sync advance": ("bypass", "sync", "advance", "--reason", "x"),
    "bypass sync leave": ("bypass", "sync", "leave", "--reason", "x"),
    "agent run": ("agent", "run"),
    "agent once": ("agent", "once"),
    "agent status": ("agent", "status"),
    "agent exporter": ("agent", "exporter", "--listen", "127.0.0.1:0"),
    "agent nagios": ("agent", "nagios", HOST, *_NOBODY),
    "engine learn": ("engine", "learn", "An engine"),
    "agent enrol": ("agent", "enrol"),
    "fleet serve": ("fleet", "serve", "--external", "tls://127.0.0.1:9"),
    "fleet token": ("fleet", "token"),
    "fleet agents": ("fleet", "agents"),
    "fleet revoke": ("fleet", "revoke", "x", "--reason", "x"),
    "fleet gateway": ("fleet", "gateway", "x"),
    "fleet centre": ("fleet", "centre"),
    "fleet publish": ("fleet", "publish", "canaries"),
    "fleet lists": ("fleet", "lists"),
    "fleet ask": ("fleet", "ask", HOST, "--wait", "1s"),
    "fleet findings": ("fleet", "findings"),
    "fleet silent": ("fleet", "silent"),
    "fleet correlations": ("fleet", "correlations"),
    "fleet networks": ("fleet", "networks"),
    "fleet event": ("fleet", "event", "00"),
    "fleet page": ("fleet", "page", "--listen", "127.0.0.1:0"),
    "fleet user add": ("fleet", "user", "add", "alice"),
    "fleet user list": ("fleet", "user", "list"),
    "fleet user remove": ("fleet", "user", "remove", "alice"),
    "fleet user role": ("fleet", "user", "role", "alice", "viewer"),
    "fleet user password": ("fleet", "user", "password", "alice"),
    "agent service": ("agent", "service", "systemd"),
    "lab serve": ("lab", "serve", "healthy"),
    "echo serve": ("echo", "serve", "--name", HOST, "--listen", "127.0.0.1:0"),
    "mcp": ("mcp",),
}  # fmt: skip
# What a command reads besides the option that is tried, so that it comes to that one: the option, and its words.
ALSO: dict[str, tuple[str, tuple[str, ...]]] = {
    "judge": ("files", ("{chain.pem}",)),
    "logs": ("files", ("{small.log}",)),
    "pcap": ("files", ("{small.pcap}",)),
    "pins check": ("pins", ("--pins", "{pins.toml}")),
    "pins export": ("pins", ("--pins", "{pins.toml}")),
    "ct fetch": ("host_list", ("-l", "{hosts.txt}")),
    "ct import": ("file", ("{empty}",)),
    "engine learn": ("files", ("{chain.pem}",)),
    "trust fix": ("ca", ("--ca", "{chain.pem}")),
    "bypass replay": ("file", ("{empty}",)),
    "bypass import": ("file", ("{hosts.txt}",)),
    "bypass backup": ("file", ("{empty}",)),
    "bypass restore": ("file", ("{empty}",)),
    "bypass replace": ("file", ("{hosts.txt}",)),
    "bypass diff": ("file", ("{hosts.txt}",)),
    "policy lint": ("file", ("{empty}",)),
    "bypass sync once": ("shelf", ("--shelf", "empty")),
    "bypass sync run": ("shelf", ("--shelf", "empty")),
    "bypass sync serve": ("certificate", ("--certificate", "{chain.pem}")),
    "echo serve": ("certificate", ("--certificate", "{chain.pem}")),
    "agent enrol": ("file", ("{empty}",)),
    "fleet token": ("out", ("--out", "out")),
    "fleet gateway": ("out", ("--out", "out")),
    "fleet centre": ("out", ("--out", "out")),
    "fleet publish": ("file", ("{empty}",)),
}
# Commands that neither dial nor read a file of somebody else's, and why.
NEITHER = {
    "explain": "reads a text: see TEXTS below",
    "demo": "starts its own peers",
    "doctor": "reads what is tlsight's own: tests/cli/test_doctor.py breaks each of it",
    "policy schema": "prints a constant",
    "agent events": "reads the agent's own state",
    "bypass script": "prints a path, or writes the script of this tlsight",
    "bypass formats": "prints a table",
    "bypass feed sources": "prints a table",
    "bypass run": "becomes mitmdump, another program; the addon has its own tests",
    "lab list": "prints a table",
}
MEANING: dict[tuple[str, str], str] = {
    ("check", "target_list"): "lines",
    ("check", "roots"): "certificate",
    ("check", "ct_logs"): "json",
    ("check", "store"): "store",
    ("check", "issuers"): "json",
    ("check", "pins"): "table",
    ("check", "policy"): "table",
    ("check", "history"): "store",
    ("watch-path", "history"): "store",
    ("watch-path", "target_list"): "lines",
    ("diagnose", "client_cert"): "certificate",
    ("grade", "servers"): "json",
    ("grade", "from_"): "json",
    ("judge", "files"): "certificate",
    ("logs", "files"): "log",
    ("logs", "certificate"): "certificate",
    ("pcap", "files"): "capture",
    ("pcap", "keylog"): "lines",
    ("trust", "also"): "certificate",
    ("trust", "published"): "table",
    ("trust why", "ca"): "certificate",
    ("trust fix", "ca"): "certificate",
    ("policy lint", "file"): "table",
    ("ct import", "file"): "json",
    ("ct fetch", "host_list"): "lines",
    ("bypass list", "rules"): "table",
    ("bypass list", "store"): "store",
    ("bypass audit verify", "store"): "store",
    ("bypass replay", "file"): "json",
    ("bypass backup", "file"): "store",
    ("bypass restore", "file"): "store",
    ("bypass user list", "users"): "lines",
    ("bypass sync once", "enrolment"): "json",
    ("bypass sync once", "roots"): "certificate",
    ("bypass sync serve", "certificate"): "certificate",
    ("bypass import", "file"): "lines",
    ("bypass prove", "host_list"): "lines",
    ("bypass prove", "ca"): "certificate",
    ("bypass prove", "rules"): "table",
    ("engine learn", "files"): "certificate",
    ("agent status", "config"): "table",
    ("agent exporter", "modules"): "table",
    ("agent exporter", "targets"): "lines",
    ("agent enrol", "file"): "json",
    ("fleet serve", "certificate"): "certificate",
    ("fleet user list", "users"): "lines",
    ("fleet page", "certificate"): "certificate",
    ("echo serve", "certificate"): "certificate",
}
# Commands that are there to read what others wrote: they get every file that is meant for them.
_WHOLE = frozenset(("judge", "pcap", "logs"))
# Commands that run until they are told to stop.
_SERVING = frozenset(
    (
        "bypass serve",
        "bypass sync run",
        "bypass sync serve",
        "fleet serve",
        "fleet page",
        "lab serve",
        "echo serve",
        "agent run",
        "agent exporter",
    )
)
# A list asks for one host after the other; how many there are is who wrote it's business.
_LISTS = frozenset(("target_list", "host_list"))


def jobs(stage: cells.Stage, *, every: bool = False) -> Iterator[Job]:
    """Every option that takes a file, with every file that is for it; or with the endless one and some, in turn."""
    for number, option in enumerate(file_options()):
        if option.command in NEITHER:
            continue
        whole = every or (option.command in _WHOLE and option.name == "files")
        for place, name in enumerate(_names(option)):
            if whole or name == "zeros" or (place + number) % 8 == 0:
                yield _job(stage, option, name)


def prepare(stage: cells.Stage) -> None:
    """The files of `ALSO`: small, and as they should be."""
    (stage.folder / "chain.pem").write_text(stage.world.credential.chain_pem)
    (stage.folder / "empty").touch()
    (stage.folder / "small.pcap").write_bytes(captures.hello())
    (stage.folder / "small.log").write_text(
        "2026/11/20 10:00:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A000416:SSL routines::"
        "sslv3 alert certificate unknown:SSL alert number 46) while SSL handshaking, client: 192.0.2.1, "
        "server: 0.0.0.0:443\n"
    )


def _names(option: FileOption) -> list[str]:
    meant = MEANT.get(MEANING.get((option.command, option.name), ""), {})
    return [*ANYWHERE, *meant]


def _job(stage: cells.Stage, option: FileOption, name: str) -> Job:
    folder = stage.folder / f"{option.command}_{option.name}_{name}".replace(" ", "-")
    folder.mkdir()
    (folder / "empty").mkdir()
    make = ANYWHERE.get(name) or MEANT[MEANING[option.command, option.name]][name]
    path = os.path.relpath(make(folder), folder)
    words = [*BASE[option.command], *option.given(path)]
    beside, more = ALSO.get(option.command, ("", ()))
    if option.name != beside:
        words += [str(stage.folder / word.strip("{}")) if word[0] == "{" else word for word in more]
    waits = name == "pipe" or option.name in _LISTS or option.command in _SERVING
    label = f"{option.command} {option.flag or option.name} | {name}"
    return Job(
        label,
        tuple(words),
        str(folder),
        alone_in(folder),
        interrupt=3.0 if waits else None,
    )
