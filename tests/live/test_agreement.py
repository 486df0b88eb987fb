"""One server, one verdict, one first cause, whichever verb is asked: check, diagnose, judge and pcap."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pytest

from detector.lab.cases import CASES, case
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import Authority
from detector.lab.world import open_world
from tests.cli.conftest import Run, running
from tests.live import captured
from tests.live.conftest import TABLES
from tests.live.programs import Squid, corporate_ca, find

pytestmark = pytest.mark.live

AGREED = TABLES.setdefault("agreement: lab case, verdict and first cause by verb", {})
# What the words of a verb cannot know, by case and why. Whoever sends many hellos knows more than whoever sends one.
_OTHER_HELLOS = "only another hello shows it"
_AFTERWARDS = "it is said after the handshake, and check does not listen"
_LOOKED_UP = "only the CA's answer shows it"
LEFT_OUT: dict[str, str] = {
    **dict.fromkeys(
        (
            "no-encryption", "rc4", "3des", "export", "weak-ciphers-too", "static-rsa", "short-dh", "p-521",
            "legacy-renegotiation", "resumption", "needs-name", "default-site", "old-versions-too",
            "tls13-reset", "tls13-alert", "large-hello", "large-hello-reset", "split-segments",
            "split-records", "post-quantum", "ech",
        ),
        _OTHER_HELLOS,
    ),
    **dict.fromkeys(("client-certificate", "client-certificate-http"), _AFTERWARDS),
    **dict.fromkeys(("revoked-ocsp", "revoked-list"), _LOOKED_UP),
    "client-certificate-stranger": "check has no client certificate to show",
    "other-clock": "the Date of an HTTP answer shows it",
    "must-staple": "check asks for a stapled response with --staple only",
    "address": "without SNI a capture does not know which name was asked for",
    "no-name": "nothing is on the wire",
    "refused": "a capture has no TLS there",
    "dropped": "a capture has no TLS there",
    "healthy-optional": "without keys a capture takes the alert of a server that asked politely for a refusal",
    "name-constraint": "a capture does not show that the peer holds the key, and its path is not public",
}  # fmt: skip
# Without its keys a capture shows neither certificates of TLS 1.3 alone nor that the peer holds the key.
ENCRYPTED = frozenset(("healthy-1.3", "healthy-retry"))
VERBS = ("check", "judge", "diagnose", "pcap")
Seen = dict[str, tuple[str, str]]


def first(record: dict[str, object]) -> str:
    """Id of the first cause of check's, judge's or diagnose's JSON."""
    causes = record["causes"]
    assert isinstance(causes, list)
    return str(causes[0]["id"]) if causes else "none"


def asked(tlsight: Run, folder: Path, way: tuple[str, ...], target: str) -> Seen:
    """What three verbs say of one server, with the same options."""
    knows = options(folder)
    dials = (*knows, "--no-history", *way)
    saved = folder / "saved.ndjson"
    checked = json.loads(tlsight("check", "--json", "--save", saved, *dials, target).stdout)
    diagnosed = json.loads(tlsight("diagnose", "--json", *dials, target).stdout)
    judged = json.loads(tlsight("judge", "--json", *knows, saved).stdout)
    return {
        "check": (checked["verdict"], first(checked)),
        "judge": (judged["verdict"], first(judged)),
        "diagnose": (diagnosed["verdict"]["verdict"], first(diagnosed)),
    }


def options(folder: Path) -> tuple[str, ...]:
    return (
        "--roots", str(folder / "root.pem"), "--ct-logs", str(folder / "logs.json"),
        "--no-store", "--no-local-roots",
    )  # fmt: skip


def read(tlsight: Run, folder: Path, path: Path) -> dict[int, tuple[str, str]]:
    """Verdict and first cause of each server in a capture, by port."""
    done = tlsight("pcap", "--summary", "--json", "--no-history", *options(folder), path)
    found: dict[int, tuple[str, str]] = {}
    for record in map(json.loads, done.stdout.splitlines()):
        if record["by"] == "server":
            port = int(record["key"].rpartition(":")[2])
            causes = record["diagnosis"]
            found[port] = (record["verdict"] or "inconclusive", causes[0] if causes else "none")
    return found


@pytest.mark.timeout(900)
def test_the_verbs_agree_on_every_server_of_the_lab(tmp_path: Path, tlsight: Run) -> None:
    said: dict[int, tuple[str, Seen]] = {}
    path = tmp_path / "lab.pcap"
    with captured.tcpdump(path, "tcp and not port 53"), running(open_world(tmp_path)) as pki:
        for one in CASES:
            if one.id in LEFT_OUT:
                continue
            while not any(name == one.id for name, _ in said.values()):
                with running(one.make(pki)) as server:
                    if server.port in said:
                        continue  # the system gave a port again
                    *way, target = one.words(server.port, tmp_path)
                    seen = asked(tlsight, tmp_path, ("--timeout", "1.5", *way), target)
                    said[server.port] = one.id, seen
    by_port = read(tlsight, tmp_path, only(path, said))
    wrong: dict[str, Seen] = {}
    for port, (name, seen) in said.items():
        seen["pcap"] = by_port.get(port, ("inconclusive", "nothing"))
        AGREED[name] = {verb: " ".join(seen[verb]) for verb in VERBS}
        if not agree(name, seen):
            wrong[name] = seen
    assert wrong == {}
    assert len(said) >= 20


def only(path: Path, ports: Iterable[int]) -> Path:
    """The packets of our own servers: others use this machine's loopback too."""
    ours = path.with_name("ours.pcap")
    expression = " or ".join(f"port {port}" for port in ports)
    command = [find("tcpdump"), "-Z", "root", "-r", str(path), "-w", str(ours), expression]
    subprocess.run(command, check=True, capture_output=True)
    return ours


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["mitmdump", "squid"])
def test_the_verbs_agree_on_a_real_interceptor(engine: str, tmp_path: Path, tlsight: Run) -> None:
    path, root = tmp_path / "proxy.pcap", tmp_path / "root.pem"
    with captured.tcpdump(path, "tcp and not port 53"), ExitStack() as stack:
        pki = stack.enter_context(running(open_world(tmp_path)))
        origin = stack.enter_context(running(Origin({"localhost": pki.issue("localhost")})))
        if engine == "mitmdump":
            port = stack.enter_context(running(Mitmdump(tmp_path / "mitm", trust=root))).port
        else:
            squid = Squid(tmp_path / "squid", corporate_ca(), root, {"localhost": "127.0.0.1"})
            port = stack.enter_context(squid).port
        way = ("--proxy", f"http://127.0.0.1:{port}")
        seen = asked(tlsight, tmp_path, way, f"localhost:{origin.port}")
    seen["pcap"] = read(tlsight, tmp_path, only(path, (port,)))[port]
    AGREED[engine] = {verb: " ".join(seen[verb]) for verb in VERBS}
    assert set(seen.values()) == {("intercepted", "tls-intercepted")}


@pytest.mark.parametrize("verb", ["check", "diagnose"])
def test_three_hosts_behind_one_unknown_ca_are_all_intercepted_where_one_is_known(
    verb: str, tmp_path: Path, tlsight: Run
) -> None:
    hosts = ("one.alpha.com", "two.beta.net", "github.com")
    ca = Authority("Somebody's CA", profile=False)
    with running(open_world(tmp_path)), running(Origin({h: ca.issue(h) for h in hosts})) as origin:
        way = ("--connect", f"127.0.0.1:{origin.port}", "--no-history", *options(tmp_path))
        told = tlsight(verb, "--json", *way, *hosts).stdout.splitlines()
    found = [json.loads(line) for line in told]
    verdicts = [one["verdict"] if verb == "check" else one["verdict"]["verdict"] for one in found]
    assert verdicts == ["intercepted"] * 3
    assert [first(one) for one in found] == ["tls-intercepted"] * 3


@pytest.mark.parametrize("name", ["expired", "self-signed", "too-long", "portal", "healthy"])
@pytest.mark.parametrize("verb", ["check", "diagnose"])
def test_text_and_json_say_the_same(verb: str, name: str, tmp_path: Path, tlsight: Run) -> None:
    one = case(name)
    assert one is not None
    with running(open_world(tmp_path)) as pki, running(one.make(pki)) as server:
        way = (*options(tmp_path), "--no-history", *one.words(server.port, tmp_path))
        text = tlsight(verb, *way).stdout
        record = json.loads(tlsight(verb, "--json", *way).stdout)
    verdict = record["verdict"] if verb == "check" else record["verdict"]["verdict"]
    told = " ".join(text.split())
    named = re.findall(r"\(([a-z-]+)(?:, [a-z]+ acts)?\)(?= |$)", told)
    causes = [cause["id"] for cause in record["causes"]]
    assert [one for one in named if one in causes][:1] == causes[:1]
    if verb == "check":
        assert told.startswith(verdict.upper())
    else:
        assert (f"who answers {verdict}" if causes else "HEALTHY") in told


def agree(name: str, seen: Seen) -> bool:
    """All say the same; a capture, which has no keys here, less of who answers at most."""
    (verdict, cause), (captured_verdict, captured_cause) = seen["check"], seen["pcap"]
    weaker = {verdict, "consistent"} if verdict == "direct" else {verdict}
    if cause == "incomplete-chain":
        weaker.add("suspect")  # a capture does not fetch what was not sent
    if verdict == "inconclusive":
        weaker.add(
            "consistent"
        )  # another of the many hellos in the capture was shown a certificate
    if name in ENCRYPTED:
        weaker.add("inconclusive")
    alike = {seen[verb] for verb in ("check", "judge", "diagnose")}
    return len(alike) == 1 and captured_verdict in weaker and captured_cause == cause
