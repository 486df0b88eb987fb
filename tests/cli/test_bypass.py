"""`tlsight bypass` as an administrator runs it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt
from addons.bypass.coverage import Leaf
from addons.bypass.learning import Candidate
from addons.store.bypass_store import BypassStore
from tests.addons import learning_attacks as attacks
from tests.cli.conftest import Run

ADD = ("--reason", "pinned app", "--owner", "network", "--expires", "90d")


def test_the_script_is_a_file_for_mitmdump(tlsight: Run) -> None:
    path = Path(tlsight("bypass", "script").stdout.strip())
    assert path.is_file()
    assert "addons = [" in path.read_text()


def test_a_rule_is_added_listed_explained_tested_expired_and_removed(tlsight: Run) -> None:
    assert tlsight("bypass", "add", ".bank.example.com", *ADD).stdout == "pass .bank.example.com\n"
    stricter = ("login.bank.example.com", *ADD, "--action", "inspect")
    assert tlsight("bypass", "add", *stricter).returncode == 0
    assert len(tlsight("bypass", "list").stdout.splitlines()) == 2
    done = tlsight("bypass", "explain", "login.bank.example.com")
    assert done.stdout.splitlines()[0] == "login.bank.example.com:443  inspect"
    assert "decides; pinned app" in done.stdout
    passed = ("bypass", "test", "www.bank.example.com", "login.bank.example.com")
    done = tlsight(*passed)
    assert (done.returncode, done.stdout) == (1, "login.bank.example.com: inspect, not pass\n")
    assert tlsight("bypass", "remove", "login.bank.example.com").returncode == 0
    assert tlsight(*passed).returncode == 0
    assert tlsight("bypass", "expire", ".bank.example.com", "--reason", "moved").returncode == 0
    assert tlsight(*passed).returncode == 1


def test_rules_of_a_file_kept_by_hand_count_beside_the_store(tlsight: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "hand.example.com"\n')
    tlsight("bypass", "add", "store.example.com", *ADD)
    both = ("bypass", "test", "hand.example.com", "store.example.com")
    assert tlsight(*both, "--rules", rules).returncode == 0
    assert tlsight(*both).returncode == 1


def test_what_no_rule_names_is_inspected(tlsight: Run) -> None:
    done = tlsight("bypass", "explain", "a.com", "--json")
    assert json.loads(done.stdout) == {
        "host": "a.com", "action": "inspect", "considered": [], "besides": [],
        "proxies": [],
    }  # fmt: skip


def test_lint_fails_for_errors_and_strictly_for_warnings(tlsight: Run) -> None:
    done = tlsight("bypass", "add", ".files.dropbox.com", *ADD)
    assert "warning: files.dropbox.com is file sharing" in done.stderr
    assert tlsight("bypass", "lint").returncode == 0
    assert tlsight("bypass", "lint", "--strict").returncode == 1
    done = tlsight("bypass", "add", ".co.nz", *ADD)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Strangers register names below co.nz" in done.stderr
    tlsight("bypass", "add", ".co.nz", *ADD, "--force")
    done = tlsight("bypass", "lint", "--json")
    assert done.returncode == 1
    assert {json.loads(line)["id"] for line in done.stdout.splitlines()} == {
        "risky-category", "public-suffix",
    }  # fmt: skip


def test_rules_are_exported_and_what_cannot_be_said_is_told(tlsight: Run) -> None:
    tlsight("bypass", "add", "bank.example.com", *ADD)
    tlsight("bypass", "add", "10.0.0.0/24", *ADD)
    done = tlsight("bypass", "export", "squid")
    assert done.returncode == 0
    assert "acl tlsight_0_splice ssl::server_name bank.example.com" in done.stdout
    assert "left out 10.0.0.0/24: the list is of names" in done.stderr
    assert tlsight("bypass", "export", "--strict", "mitmproxy").returncode == 1
    assert len(tlsight("bypass", "formats").stdout.splitlines()) == 27


def test_going_around_the_proxy_must_be_meant(tlsight: Run) -> None:
    tlsight("bypass", "add", ".bank.example.com", *ADD)
    done = tlsight("bypass", "export", "no-proxy")
    assert done.stdout == ""
    assert "around the proxy altogether" in done.stderr
    done = tlsight("bypass", "export", "no-proxy", "--skip-proxy")
    assert done.stdout == "NO_PROXY=bank.example.com\n"


def test_seeds_are_toml_that_nobody_can_import_without_an_owner(
    tlsight: Run, tmp_path: Path
) -> None:
    seeds = tmp_path / "seeds.toml"
    seeds.write_text(tlsight("bypass", "seeds").stdout)
    assert 'suffix = "push.apple.com"' in seeds.read_text()
    assert tlsight("bypass", "list").stdout == ""
    assert tlsight("bypass", "import", "toml", seeds).returncode == 2
    words = ("bypass", "import", "toml", seeds, "--owner", "net", "--expires", "90d", "--yes")
    done = tlsight(*words)
    assert done.returncode == 0
    assert "0 changed, 0 removed, 0 there already, 0 left out" in done.stdout
    m365 = tmp_path / "m365.json"
    m365.write_text(json.dumps([
        {"id": 1, "serviceAreaDisplayName": "Exchange Online", "urls": ["outlook.office.com",
         "*.mail.office365.com", "autodiscover.*.onmicrosoft.com"], "tcpPorts": "80,443",
         "category": "Optimize", "required": True},
        {"id": 9, "urls": ["*.other.com"], "tcpPorts": "443", "category": "Default"},
        {"id": 10, "urls": ["smtp.office365.com"], "tcpPorts": "587", "category": "Allow"},
    ]))  # fmt: skip
    printed = tlsight("bypass", "seeds", m365).stdout
    assert 'host = "outlook.office.com"' in printed
    assert 'suffix = "mail.office365.com"' in printed
    assert "autodiscover" in printed
    assert "other.com" not in printed
    assert "smtp" not in printed


def test_the_audit_trail_is_listed_and_verified(tlsight: Run, tmp_path: Path) -> None:
    store = ("--store", tmp_path / "b.sqlite3")
    tlsight("bypass", "add", "a.com", *ADD, *store)
    tlsight("bypass", "remove", "a.com", *store)
    listed = tlsight("bypass", "audit", "list", *store).stdout
    assert [line.split()[-2:] for line in listed.splitlines()] == [
        ["add", "a.com"],
        ["remove", "a.com"],
    ]
    done = tlsight("bypass", "audit", "verify", *store)
    assert done.returncode == 0
    head = done.stdout.split()[-1]
    assert tlsight("bypass", "audit", "verify", "--head", head, *store).returncode == 0
    db = sqlite3.connect(tmp_path / "b.sqlite3")
    db.execute("DELETE FROM audit WHERE number = 2")
    db.commit()
    for more in ((), ("--head", head)):
        done = tlsight("bypass", "audit", "verify", *more, *store)
        assert (done.returncode, "cut off" in done.stdout) == (1, True)
    db.execute("UPDATE audit SET subject = 'b.com'")
    db.commit()
    db.close()
    done = tlsight("bypass", "audit", "verify", *store)
    assert (done.returncode, "entry 1 was changed" in done.stdout) == (1, True)


def test_what_was_learned_is_decided_on(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite3"
    store = ("--store", path)
    now = datetime.now(UTC)
    with BypassStore(path, lambda: now) as opened:
        for host in ("bank.example.com", "game.example.com", "chat.example.com"):
            fields = (4.0, ("10.0.0.1", "10.0.0.2"), now, now, "2 clients refuse it.")
            opened.propose(Candidate(host, "certificate-pinned", *fields))
    listed = tlsight("bypass", "candidates", *store).stdout
    assert "bank.example.com:443" in listed
    assert ".example.com:443" in listed
    done = tlsight("bypass", "approve", "bank.example.com", *ADD, *store)
    assert done.stdout == "pass bank.example.com:443\n"
    assert tlsight("bypass", "reject", "game.example.com", *store).returncode == 0
    assert tlsight("bypass", "snooze", "chat.example.com", *store).returncode == 0
    assert tlsight("bypass", "candidates", *store).stdout == "no candidates\n"
    every = tlsight("bypass", "candidates", "--all", "--json", *store).stdout.splitlines()
    assert {json.loads(line)["state"] for line in every} == {"approved", "rejected", "snoozed"}


def test_approving_and_lint_say_what_the_certificate_hides_besides(
    tlsight: Run, tmp_path: Path
) -> None:
    path = tmp_path / "b.sqlite3"
    now = datetime.now(UTC)
    bank, shop = "bank.example.com", "shop.example.com"
    with BypassStore(path, lambda: now) as opened:
        fields = (4.0, ("10.0.0.1", "10.0.0.2"), now, now, "2 clients refuse it.")
        opened.propose(Candidate(bank, "certificate-pinned", *fields))
        opened.leaves.write([Leaf(now, bank, "203.0.113.10", 443, (bank, shop))])
        opened.traffic.write([Attempt(now, "client", shop, 443, "10.0.0.1", "accepted")], [])
    text = f"Passing {bank} also hides {shop}, which this proxy inspects"
    assert text in tlsight("bypass", "candidates", "--store", path).stdout
    done = tlsight("bypass", "approve", bank, *ADD, "--store", path)
    assert f"warning: {text}" in done.stderr
    done = tlsight("bypass", "lint", "--store", path)
    assert (done.returncode, text in done.stdout) == (0, True)
    assert tlsight("bypass", "lint", "--strict", "--store", path).returncode == 1


def test_what_an_attack_would_have_done_and_why_a_host_is_none_is_told(
    tlsight: Run, tmp_path: Path
) -> None:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, lambda: datetime.now(UTC)) as opened:
        opened.traffic.write([*attacks.alert_40_by_another_server()], [])
        opened.traffic.write([*attacks.one_visit_to_mtls()], [])
        opened.traffic.write([attacks.trusts(f"10.0.1.{n}") for n in (1, 2)], [])
        opened.traffic.write(
            [attacks.refuses(f"10.0.1.{n % 2 + 1}", host="app.test") for n in range(4)], []
        )
    store = ("--store", path)
    lines = tlsight("bypass", "replay", *store).stdout.splitlines()
    assert [one for one in lines if one.startswith("candidate") and "app.test" in one]
    assert not [one for one in lines if one.startswith("candidate") and "auto would try it" in one]
    assert [one for one in lines if one.startswith("left out   2 attempts: went to an address")]
    assert [one for one in lines if one.split() == ["2", "bank.example", "by", "10.0.0.66"]]
    declared = tlsight("bypass", "replay", "--devices", "10.0.1.0/24", *store).stdout
    assert "auto would try it" in declared
    told = tlsight("bypass", "candidates", "--why", "BANK.example", *store).stdout
    assert told.startswith("bank.example is no candidate")
    assert "unbound" in told
    told = tlsight("bypass", "candidates", "--why", "mtls.test", *store).stdout
    assert "upstream-mtls: 1 clients count, 2 are needed" in told
    read = json.loads(tlsight("bypass", "candidates", "--why", "app.test", "--json", *store).stdout)
    assert (read["why"]["candidate"], read["why"]["counted"]) == (
        True, {"10.0.1.1": 2.0, "10.0.1.2": 2.0},
    )  # fmt: skip
    assert (
        "nothing failed there" in tlsight("bypass", "candidates", "--why", "x.test", *store).stdout
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "a b", *ADD), "no host name"),
        (("add", "a.com", *ADD[:4], "--expires", "soon"), "'soon' is no day"),
        (("add", "a.com"), "Missing option"),
        (("remove", "a.com"), "no such rule"),
        (("approve", "a.com", *ADD), "is no candidate"),
        (("import", "nonsense", "-", *ADD[2:]), "'nonsense' is none of"),
        (("import", "squid", "/nonexistent", *ADD[2:]), "No such file"),
        (("serve", "--listen", "nowhere"), "is no ADDRESS:PORT"),
        (("serve", "--listen", "0.0.0.0:0"), "give --certificate and --users"),
        (("candidates", "--why", "a b"), "no host name"),
        (("replay", "--devices", "10.0.0.1/8"), "--devices: 10.0.0.1/8 has host bits set"),
        (("export", "nonsense"), "'nonsense' is none of toml, mitmproxy, squid"),
        (("explain", "a b"), "no host name"),
        (("list", "--rules", "/nonexistent.toml"), "No such file"),
    ],
)
def test_mistakes_are_one_line_and_code_two(
    tlsight: Run, words: tuple[str, ...], says: str
) -> None:
    done = tlsight("bypass", *words)
    assert done.returncode == 2, done.stdout
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("stats", "--days", "999999999"),
        ("snooze", "a.com", "--days", "999999999"),
        ("replay", "--half-life", "1e300"),
        ("explain", "a.com", "--port", "70000"),
        ("test", "a.com", "--client", "nonsense"),
        ("export", "squid", "--port", "0"),
    ],
)
def test_a_number_or_an_address_that_is_none_is_a_mistake(
    tlsight: Run, words: tuple[str, ...]
) -> None:
    assert tlsight("bypass", "add", "a.com", *ADD).returncode == 0
    done = tlsight("bypass", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_port_stands_behind_a_pattern_and_a_rule_ends_at_a_moment(tlsight: Run) -> None:
    hours = ("--reason", "r", "--owner", "o", "--expires", "2h")
    for pattern, shown in (
        ("a.example.com:8443", "a.example.com:8443"),
        ("*:5061", "*:5061"),
        ("[2001:db8::1]:443", "2001:db8::1/128:443"),
        (r"/^(.+\.)?bank\.com:443$/", r"/(.+\.)?bank\.com/:443"),
    ):
        done = tlsight("bypass", "add", pattern, *hours)
        assert (done.returncode, done.stdout) == (0, f"pass {shown}\n"), done.stderr
        assert tlsight("bypass", "remove", shown).returncode == 0
    tlsight("bypass", "add", "a.example.com:8443", *hours, "--bind", "certificate")
    (line,) = tlsight("bypass", "list", "--json").stdout.splitlines()
    rule = json.loads(line)
    end = datetime.fromisoformat(rule["expires"])
    assert timedelta(hours=1, minutes=58) < end - datetime.now(UTC) <= timedelta(hours=2)
    assert (rule["bind"], rule["not_in_force"]) == ("certificate", None)
    assert "(bind certificate)" in tlsight("bypass", "list").stdout
    assert "bind certificate" in tlsight("bypass", "explain", "a.example.com:8443").stdout
    assert tlsight("bypass", "test", "a.example.com:8443").returncode == 0
    assert tlsight("bypass", "test", "a.example.com").returncode == 1
    done = tlsight("bypass", "add", "b.example.com", *hours[:4], "--expires", "2090-12-01T18:00")
    assert "is in no zone" in done.stderr
    assert done.returncode == 2


def test_an_address_is_explained_as_the_proxy_decides_it(tlsight: Run) -> None:
    tlsight("bypass", "add", "10.0.0.0/8:443", *ADD)
    for host, code in (
        ("10.1.2.3", 0),
        ("10.1.2.3:443", 0),
        ("10.1.2.3:80", 1),
        ("[2001:db8::1]", 1),
    ):
        assert tlsight("bypass", "test", host).returncode == code, host
    assert tlsight("bypass", "explain", "10.1.2.3").stdout.startswith("10.1.2.3:443  pass\n")
    assert tlsight("bypass", "explain", "2001:db8::1").stdout.startswith(
        "[2001:db8::1]:443  inspect"
    )
    both = ("a.example.com", "--address", "10.1.2.3")
    assert tlsight("bypass", "test", *both).returncode == 0
    assert tlsight("bypass", "explain", *both).stdout.startswith("a.example.com:443  pass")


def test_a_name_that_hides_others_passes_by_force_alone(tlsight: Run) -> None:
    for pattern in ("cloudflare-ech.com", ".cloudflare-ech.com:443", "/cloudflare-.*[.]com/"):
        done = tlsight("bypass", "add", pattern, *ADD)
        assert done.returncode == 2
        assert "cloudflare-ech.com hides other names (ECH)" in done.stderr
        assert "--force where that is meant" in done.stderr
    assert tlsight("bypass", "list").stdout == ""
    assert (
        tlsight("bypass", "add", "cloudflare-ech.com", *ADD, "--action", "inspect").returncode == 0
    )
    done = tlsight("bypass", "add", ".cloudflare-ech.com", *ADD, "--force")
    assert done.returncode == 0
    assert "(outer-name)" in done.stderr
    assert "outer-name" in tlsight("bypass", "lint").stdout


def test_a_regex_of_an_old_store_that_cannot_be_said_is_named(tlsight: Run, tmp_path: Path) -> None:
    store = tmp_path / "b.sqlite3"
    at = ("--store", store)
    tlsight("bypass", "add", "good.example.com", *ADD, *at)
    tlsight("bypass", "add", "/placeholder/", *ADD, *at)
    with closing(sqlite3.connect(store)) as db, db:
        db.execute(
            "UPDATE rule SET pattern = '/a(?=b).*/', row = json_set(row, '$.regex', 'a(?=b).*') WHERE id = 2"
        )
    listed = tlsight("bypass", "list", *at)
    assert listed.returncode == 0
    assert "It is not in force, its hosts are inspected: RE2 has not a look ahead" in listed.stdout
    assert tlsight("bypass", "test", "good.example.com", *at).returncode == 0
    assert tlsight("bypass", "test", "ab.example.com", *at).returncode == 1
    assert "(regex-refused)" in tlsight("bypass", "lint", *at).stdout
    assert tlsight("bypass", "remove", "/a(?=b).*/", *at).returncode == 0
    done = tlsight("bypass", "add", "/a(?=b).*/", *ADD, *at)
    assert (done.returncode, "look ahead" in done.stderr) == (2, True)
