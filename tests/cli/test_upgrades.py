"""Files that users keep: what any earlier version wrote opens and says the same; a later one's is refused.

The samples in tests/data/upgrades/ were written by the version that names their folder
(scripts/make_upgrade_samples.py), and never change.
"""

from __future__ import annotations

import ipaddress
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from addons.bypass.audit import first_break
from addons.bypass.rule import Rule, load_rules
from addons.store.attempt_file import read_attempts
from addons.store.bypass_store import BypassStore
from detector.chain.certificate import read_certificate
from detector.ct.tree_head import TreeHead
from detector.errors import ConfigError, StoreError
from detector.evidence.sharing import SharedKey, Sharing
from detector.knowledge.ct_store import CtStore
from detector.knowledge.history import History
from detector.knowledge.path_readings import PathReadings
from detector.knowledge.pins import load_pins
from detector.knowledge.policy import load_policy
from detector.known.hosts import HostPattern
from detector.known.knowledge import PrivateIssuer, Sanctioned
from detector.model.observation import InclusionProof
from detector.model.paths import PathReading
from detector.runs.saved import load_observations
from tests.cli.conftest import Run

SAMPLES = Path(__file__).parent.parent / "data" / "upgrades"
VERSIONS = sorted(folder.name for folder in SAMPLES.iterdir())
END = date(2036, 6, 30)
ZERO, AB = "00" * 32, "ab" * 32
JA4 = "t13d1516h2_8daaf6152771_02713d6af862"
PROOF = InclusionProof(b"\x01" * 32, "static-ct", b"head", 7, (b"\x02" * 32, b"\x03" * 32))


@pytest.fixture(params=VERSIONS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of one version's samples: opening migrates them."""
    return Path(shutil.copytree(SAMPLES / request.param, tmp_path / "kept"))


def saved_at(folder: Path) -> datetime:
    return load_observations(folder / "observations.ndjson")[0].at


def test_there_are_samples() -> None:
    assert "0.1.0" in VERSIONS


def test_saved_observations_say_what_was_seen(folder: Path) -> None:
    public, private, failed = load_observations(folder / "observations.ndjson")
    assert public.handshake is not None
    assert (public.target.host, public.target.ip) == ("public.example", "192.0.2.1")
    assert (public.handshake.version, public.handshake.group) == ("TLSv1.3", "x25519")
    assert (public.client_bytes, public.ocsp, public.ms) == (
        b"\x16\x03\x01", b"\x30\x00", {"tls": 1.5},
    )  # fmt: skip
    assert public.inclusion == (PROOF,)
    assert [read_certificate(one.chain[0]).dns_names for one in (public, private)] == [
        ("public.example",), ("private.example",),
    ]  # fmt: skip
    assert failed.failure is not None
    assert (failed.failure.cause, failed.alerts[0].code) == ("other-alert", 40)
    assert (failed.route.proxy, failed.handshake) == ("proxy.example:3128", None)


def test_the_history_knows_keys_and_how_a_host_looked(folder: Path) -> None:
    public, private, _ = load_observations(folder / "observations.ndjson")
    history, sharing = History(folder / "history.sqlite3", lambda: public.at), Sharing()
    history.fill(sharing)
    baseline = history.baseline("public.example", 443)
    history.close()
    assert baseline is not None
    leaf = read_certificate(public.chain[0]).spki_sha256
    assert (baseline.leaf_spki_sha256, baseline.version, baseline.alpn, baseline.at) == (
        leaf, "TLSv1.3", "h2", public.at,
    )  # fmt: skip
    key = SharedKey("leaf", read_certificate(private.chain[0]).spki_sha256, certain=True)
    assert [use.host for use in sharing._uses[key]] == ["private.example"]


def test_the_ct_store_knows_issuers_proofs_and_tree_heads(folder: Path) -> None:
    at = saved_at(folder)
    store = CtStore(folder / "ct.sqlite3")
    (lookup,) = store.lookups("public.example")
    found, proof, head = (
        store.find("public.example"), store.proof("4" * 64), store.tree_head(b"\x01" * 32),
    )  # fmt: skip
    store.close()
    assert (lookup.source, lookup.fetched, lookup.ttl, lookup.etag) == (
        "certspotter",
        at,
        86400,
        "x",
    )
    (issuer,) = lookup.issuers
    assert (issuer.name, issuer.spki_sha256, issuer.certificates, issuer.exact) == (
        "C=US, CN=Example CA", "1" * 64, 3, True,
    )  # fmt: skip
    assert (issuer.first, issuer.last, lookup.leaf_keys) == (at - timedelta(60), at, ("3" * 64,))
    assert found is not None
    assert found.names == {"Example CA"}
    assert (proof, head) == (PROOF, TreeHead(9, b"\x05" * 32, 1_790_000_000_000, ()))


def test_pins_by_hand_and_learned_ones_hold(folder: Path) -> None:
    public = load_observations(folder / "observations.ndjson")[0]
    by_hand, learned = load_pins(folder / "pins.toml")
    assert (by_hand.host, by_hand.spki, by_hand.backup) == (
        HostPattern(".pinned.example"), (ZERO,), (AB,),
    )  # fmt: skip
    assert (by_hand.issuers, by_hand.owners) == ((ZERO,), ("Let's Encrypt",))
    assert (by_hand.expires, by_hand.note) == (END, "by hand")
    assert learned.learned is not None
    leaf = read_certificate(public.chain[0])
    assert learned.spki == (leaf.spki_sha256,) == (learned.learned.leaf,)
    assert (learned.learned.at, learned.learned.not_after) == (public.at, leaf.not_after)
    assert learned.learned.issuer_name == "Lab Public Intermediate"


def test_the_policy_says_what_is_expected_and_allowed(folder: Path) -> None:
    policy = load_policy(folder / "policy.toml")
    assert policy.internal == (HostPattern(".corp.example.com"), HostPattern("intranet"))
    factory = PrivateIssuer(ZERO, (HostPattern(".factory.example"),), "factory floor", END)
    assert policy.private == (factory,)
    assert policy.sanctioned == (
        Sanctioned(
            "Example Corp gateway", ZERO, (HostPattern("*"),), (HostPattern(".bank.example"),),
            END, (AB,), "Corp Proxy CA", "network team",
        ),
    )  # fmt: skip


RULES = (
    Rule(host="host.example", port=443, reason="why", owner="who", ticket="T-1",
         created=date(2026, 11, 1), expires=END),
    Rule(suffix="suffix.example", client=ipaddress.ip_network("10.20.0.0/16")),
    Rule(wildcard="wildcard.example", action="inspect"),
    Rule(network=ipaddress.ip_network("198.51.100.0/24"), action="block"),
    Rule(regex="api[0-9]+[.]example"),
    Rule(ja4=JA4, evidence="certificate-pinned: two clients"),
)  # fmt: skip


def test_the_rules_of_a_file_mean_the_same(folder: Path) -> None:
    assert load_rules(folder / "rules.toml") == RULES


def test_the_bypass_store_keeps_rules_decisions_traffic_and_its_audit_trail(folder: Path) -> None:
    at = saved_at(folder)
    with BypassStore(folder / "bypass.sqlite3", lambda: at) as store:
        rules = [one.rule for one in store.rules()]
        states = {one.candidate.host: one.state for one in store.candidates()}
        entries = list(store.audit())
        attempts = list(store.traffic.attempts())
        use = store.traffic.uses()["host.example:443"]
    assert tuple(rules[:-1]) == RULES
    assert (rules[-1].pattern, rules[-1].owner, rules[-1].expires) == (
        "approved.example:443", "who", END,
    )  # fmt: skip
    assert states == {
        "pending.example": "pending", "approved.example": "approved",
        "rejected.example": "rejected",
    }  # fmt: skip
    assert [entry.action for entry in entries] == [
        "import", "candidate", "candidate", "candidate", "approve", "reject",
    ]  # fmt: skip
    assert first_break(entries) is None
    assert attempts == list(read_attempts(folder / "attempts.ndjson"))
    assert (attempts[0].host, attempts[0].alert, attempts[0].ja4) == ("host.example", 48, JA4)
    assert (use.connections, use.up, use.down, use.last) == (1, 10, 20, at)


def make_newer(path: Path) -> None:
    """What tomorrow's tlsight would leave behind."""
    with closing(sqlite3.connect(path)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute(f"PRAGMA user_version = {version + 1}")


def opened(name: str, path: Path) -> None:
    if name == "ct.sqlite3":
        CtStore(path).close()
    elif name == "history.sqlite3":
        History(path, lambda: datetime.now(UTC)).close()
    else:
        BypassStore(path, lambda: datetime.now(UTC)).close()


@pytest.mark.parametrize("name", ["ct.sqlite3", "history.sqlite3", "bypass.sqlite3"])
def test_a_later_database_is_refused_and_left_alone(folder: Path, name: str) -> None:
    path = folder / name
    opened(name, path)  # by now it is of the newest version
    make_newer(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is of version \d+, this tlsight knows \d+") as caught:
        opened(name, path)
    assert caught.value.remedy.startswith("update tlsight")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ct.sqlite3", ("ct", "show", "public.example", "--offline", "--store")),
        ("ct.sqlite3", ("judge", "{observations}", "--store")),
        ("bypass.sqlite3", ("bypass", "list", "--store")),
        ("bypass.sqlite3", ("bypass", "test", "host.example", "--store")),
        ("history.sqlite3", ("watch-path", "127.0.0.1:1", "--network", "here", "--history")),
    ],
)
def test_a_verb_that_is_given_a_later_database_exits_with_4(
    folder: Path,
    tlsight: Run,
    name: str,
    words: tuple[str, ...],
) -> None:
    opened(name, folder / name)  # by now it is of the newest version
    make_newer(folder / name)
    given = [word.format(observations=folder / "observations.ndjson") for word in words]
    done = tlsight(*given, folder / name)
    assert (done.returncode, done.stdout) == (4, "")
    assert re.search(r"is of version \d+, this tlsight knows \d+; update tlsight, or ", done.stderr)
    assert done.stderr.count("\n") == 1


def test_a_history_of_any_version_learns_to_keep_signers(folder: Path) -> None:
    history = History(folder / "history.sqlite3", lambda: datetime.now(UTC))
    assert history.signers() == ()
    history.keep_signers([b"key"])
    history.close()
    history = History(folder / "history.sqlite3", lambda: datetime.now(UTC))
    assert history.signers() == (b"key",)
    history.close()


def test_a_history_of_any_version_learns_to_keep_readings_of_paths(folder: Path) -> None:
    reading = PathReading(verdict="direct")
    with closing(PathReadings(folder / "history.sqlite3", lambda: datetime.now(UTC))) as kept:
        kept.keep("here", [("public.example:443", reading)])
        ((found,),) = kept.earlier("public.example:443").values()
    assert found.reading == reading


def test_check_goes_on_without_a_later_history_and_says_so(folder: Path, tlsight: Run) -> None:
    opened("history.sqlite3", folder / "history.sqlite3")  # by now it is of the newest version
    make_newer(folder / "history.sqlite3")
    before = (folder / "history.sqlite3").read_bytes()
    done = tlsight("check", "127.0.0.1:1", "--history", folder / "history.sqlite3")
    assert re.search(r"is of version \d+, this tlsight knows \d+; update tlsight, or ", done.stderr)
    assert done.returncode == 3
    assert (folder / "history.sqlite3").read_bytes() == before


TABLES = {"pins.toml": "pin", "policy.toml": "private", "rules.toml": "rule"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pins.toml", ("pins", "show", "--pins")),
        ("pins.toml", ("judge", "{observations}", "--pins")),
        ("policy.toml", ("policy", "lint")),
        ("policy.toml", ("judge", "{observations}", "--policy")),
        ("rules.toml", ("bypass", "list", "--rules")),
        ("rules.toml", ("bypass", "import", "--owner", "me", "--expires", "90d", "toml")),
    ],
)
@pytest.mark.parametrize("what", ["schema", "table", "key"])
def test_a_verb_that_is_given_a_later_settings_file_exits_with_2(
    folder: Path,
    tlsight: Run,
    name: str,
    words: tuple[str, ...],
    what: str,
) -> None:
    """No file has a version key: what is not known is refused by its name, never read over."""
    text = (folder / name).read_text()
    table = TABLES[name]
    later = {
        "schema": f"schema = 2\n{text}",
        "table": f"{text}\n[[of_tomorrow]]\nhost = 'a.example'\n",
        "key": text.replace(f"[[{table}]]\n", f"[[{table}]]\nof_tomorrow = 1\n", 1),
    }[what]
    (folder / name).write_text(later)
    given = [word.format(observations=folder / "observations.ndjson") for word in words]
    done = tlsight(*given, folder / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert ("'schema'" if what == "schema" else "of_tomorrow") in done.stderr
    assert done.stderr.endswith("; check the spelling, or update tlsight\n")
    with pytest.raises(ConfigError):
        {"pins.toml": load_pins, "policy.toml": load_policy, "rules.toml": load_rules}[name](
            folder / name
        )


@pytest.mark.parametrize("changed", ["the name alone", "fields too"])
def test_a_later_observation_is_refused_by_its_schema(
    folder: Path,
    tlsight: Run,
    changed: str,
) -> None:
    path = folder / "observations.ndjson"
    text = path.read_text().replace("tlsight.observation/1", "tlsight.observation/2")
    if changed == "fields too":
        text = text.replace('"target":{', '"target":["moved"],"of_tomorrow":{')
    path.write_text(text)
    done = tlsight("judge", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "schema 'tlsight.observation/2', expected 'tlsight.observation/1'" in done.stderr
    assert done.stderr.endswith("; update tlsight\n")
