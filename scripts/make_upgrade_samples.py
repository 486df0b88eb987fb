"""Write one small sample of each file that users keep, as the tlsight of this tree writes it.

    .venv/bin/python scripts/make_upgrade_samples.py

Run it once for a release, before anything of a format changes: tests/test_upgrades.py opens the samples of every
version with the code of the day. It never writes over samples that are there.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from addons.bypass.attempt import Attempt
from addons.bypass.learning import Candidate
from addons.bypass.rule import RuleRow
from addons.formats import toml
from addons.store.bypass_store import BypassStore
from addons.store.traffic import Passage
from detector.ct.issuance import IssuanceLookup, LoggedIssuer
from detector.ct.tree_head import TreeHead
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.judging.judge import judge_examined
from detector.knowledge.ct_store import CtStore
from detector.knowledge.history import History
from detector.knowledge.pins import curl_digest
from detector.lab.pki import Authority, LabPki
from detector.model.observation import (
    Alert,
    Failure,
    Handshake,
    InclusionProof,
    Observation,
    Route,
    Target,
)
from detector.pinning.learning import learned_pin, with_pin
from detector.runs.saved import encode_observation
from detector.version import __version__

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "upgrades"
AT = datetime.now(UTC).replace(microsecond=0)
KEY = "sha256//" + "A" * 43 + "="
JA4 = "t13d1516h2_8daaf6152771_02713d6af862"
PROOF = InclusionProof(b"\x01" * 32, "static-ct", b"head", 7, (b"\x02" * 32, b"\x03" * 32))


def main() -> int:
    folder = SAMPLES / __version__
    if folder.exists():
        print(f"{folder} is there: samples are written once a version", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as beside:
        scratch = Path(beside)
        write(scratch)
        folder.mkdir(parents=True)
        for path in sorted(scratch.iterdir()):
            (folder / path.name).write_bytes(path.read_bytes())
            print(f"{folder / path.name}: {path.stat().st_size} bytes")
    return 0


def write(folder: Path) -> None:
    pki, corporate = LabPki(), Authority("Example Corp CA", profile=False)
    public = seen(
        "public.example", pki.issue("public.example").chain, inclusion=(PROOF,),
        ms={"tls": 1.5}, client_bytes=b"\x16\x03\x01", ocsp=b"\x30\x00",
    )  # fmt: skip
    private = seen("private.example", corporate.issue("private.example").chain)
    failed = replace(
        seen("failed.example", ()),
        handshake=None,
        route=Route("http-connect", "proxy.example:3128"),
        alerts=(Alert("server", 40, "handshake_failure", True),),
        failure=Failure("tls", "other-alert", "the server sent handshake_failure"),
    )
    lines = [encode_observation(one) + b"\n" for one in (public, private, failed)]
    (folder / "observations.ndjson").write_bytes(b"".join(lines))
    known = pki.knowledge()
    examined = [Examination(one, known) for one in (public, private)]
    (folder / "pins.toml").write_text(pins(examined[0]))
    (folder / "policy.toml").write_text(POLICY)
    (folder / "rules.toml").write_text(toml.render(RULES))
    small(folder / "ct.sqlite3", ct_store)
    small(folder / "history.sqlite3", lambda path: history(path, examined))
    small(folder / "bypass.sqlite3", lambda path: bypass_store(path, folder / "attempts.ndjson"))


def seen(host: str, chain: tuple[bytes, ...], **changes: object) -> Observation:
    handshake = Handshake(True, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", "h2")
    target = Target(host, 443, ip="192.0.2.1", sni=host)
    return replace(Observation(AT, target, handshake=handshake, chain=chain), **changes)


def pins(public: Examination) -> str:
    by_hand = f"""\
[[pin]]
host = ".pinned.example"
spki = ["{KEY}"]
backup = ["{"ab" * 32}"]
issuers = ["{KEY}"]
owners = ["Let's Encrypt"]
expires = 2036-06-30
note = "by hand"
"""
    return with_pin(by_hand, learned_pin(public, "leaf", note="learned"), curl_digest)


POLICY = f"""\
internal = [".corp.example.com", "intranet"]

[[private]]
spki = "{KEY}"
names = [".factory.example"]
note = "factory floor"
expires = 2036-06-30

[[sanctioned]]
name = "Example Corp gateway"
spki = "{KEY}"
also = ["{"ab" * 32}"]
ca_name = "Corp Proxy CA"
owner = "network team"
decrypt = ["*"]
never = [".bank.example"]
expires = 2036-06-30
"""
RULES = (
    RuleRow(host="host.example", port=443, reason="why", owner="who", ticket="T-1",
            created=date(2026, 11, 1), expires=date(2036, 6, 30)),
    RuleRow(suffix="suffix.example", client="10.20.0.0/16"),
    RuleRow(wildcard="*.wildcard.example", action="inspect"),
    RuleRow(cidr="198.51.100.0/24", action="block"),
    RuleRow(regex="api[0-9]+[.]example"),
    RuleRow(ja4=JA4, evidence="certificate-pinned: two clients"),
)  # fmt: skip


def small(path: Path, fill: Callable[[Path], None]) -> None:
    """Made beside, then packed into one file without a log."""
    with tempfile.TemporaryDirectory() as beside:
        full = Path(beside) / path.name
        fill(full)
        with closing(sqlite3.connect(full)) as db:
            db.execute("PRAGMA page_size = 512")
            db.execute("VACUUM INTO ?", (str(path),))


def ct_store(path: Path) -> None:
    store = CtStore(path)
    issuer = LoggedIssuer("C=US, CN=Example CA", "1" * 64, 3, True, AT - timedelta(60), AT)
    answer = IssuanceLookup(
        host="public.example", source="certspotter", fetched=AT, ttl=86400, trusted=True,
        issuers=(issuer,), leaf_keys=("3" * 64,), etag="x",
    )  # fmt: skip
    store.save([answer])
    store.save_proof("4" * 64, PROOF, AT)
    store.save_tree_head(b"\x01" * 32, TreeHead(9, b"\x05" * 32, 1_790_000_000_000, ()))
    store.close()


def history(path: Path, examined: list[Examination]) -> None:
    found = History(path, lambda: AT)
    for one in examined:
        found.record(one, judge_examined(one, Sharing()))
    found.close()


def bypass_store(path: Path, attempts: Path) -> None:
    def candidate(host: str) -> Candidate:
        clients = ("10.0.0.1", "10.0.0.2")
        return Candidate(host, "certificate-pinned", 4.0, clients, AT, AT, "two clients refuse")

    attempt = Attempt(
        AT, "client", "host.example", 443, "10.0.0.1", "failed", ja4=JA4, alert=48,
        alert_by="client",
    )  # fmt: skip
    with BypassStore(path, lambda: AT, "writer") as store:
        store.import_rules(RULES, "rules.toml")
        for host in ("pending.example", "approved.example", "rejected.example"):
            store.propose(candidate(host))
        row = RuleRow(host="approved.example", port=443, reason="pinned", owner="who",
                      expires=date(2036, 6, 30))  # fmt: skip
        store.approve("approved.example", row)
        store.reject("rejected.example", "no")
        store.traffic.write(
            [attempt], [Passage(AT, "host.example", "host.example:443", 10, 20, 1.5)]
        )
        with attempts.open("wb") as file:
            for one in store.traffic.attempts():
                file.write(msgspec.json.encode(one) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
