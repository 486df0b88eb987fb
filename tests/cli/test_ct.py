"""`tlsight ct` as a user runs it, against services of the lab over real HTTPS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.lab.web import Web
from tests.cli.conftest import Run, running
from tests.lookup.conftest import served_logs
from tests.lookup.test_issuers import LEAF, ONE, TWO, Service, row


@pytest.fixture
def service(world: LabPki, tmp_path: Path) -> Iterator[tuple[Service, list[str]]]:
    """A service that knows two hosts, and the options that lead to it."""
    found = Service([row(1, "a.com"), row(2, "a.com"), row(3, "b.com", spki=TWO)])
    (tmp_path / "logs.json").write_text(world.ct_logs_json)
    with running(Web(world.issue("127.0.0.1"), found)) as web:
        base = f"https://127.0.0.1:{web.port}"
        yield found, [
            "--sources", f"certspotter={base}/spotter,crt.sh={base}/crtsh",
            "--roots", str(tmp_path / "root.pem"), "--ct-logs", str(tmp_path / "logs.json"),
        ]  # fmt: skip


def test_the_issuers_of_a_host_are_a_table(
    tlsight: Run, service: tuple[Service, list[str]]
) -> None:
    done = tlsight("ct", "A.com.", *service[1])
    assert (done.returncode, done.stderr) == (0, "")
    head, columns, issuer = done.stdout.splitlines()
    assert head.startswith("a.com  certspotter, ")
    assert columns.split()[0] == "issuer"
    assert issuer.startswith(f"C=US, O=CA, CN=CA 1  {ONE[:16]}…")
    assert issuer.split()[-3] == "2"
    assert ONE in tlsight("ct", "-v", "A.com.", *service[1]).stdout


def test_logged_leaves_that_no_pin_knows_are_listed(
    tlsight: Run, service: tuple[Service, list[str]], tmp_path: Path
) -> None:
    pins = tmp_path / "pins.toml"
    pins.write_text(f'[[pin]]\nhost = "a.com"\nspki = ["{LEAF}"]\n')
    words = ("ct", "a.com", "--unexpected", "--pins", pins, *service[1])
    done = tlsight(*words)
    assert (done.returncode, done.stdout) == (
        0,
        "a.com  1 leaf keys are logged, 0 of them not pinned\n",
    )
    pins.write_text(f'[[pin]]\nhost = "a.com"\nspki = ["{TWO}"]\n')
    done = tlsight(*words, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["unexpected"] == [LEAF]
    done = tlsight("ct", "a.com", "--unexpected", *service[1])
    assert (done.returncode, "give --pins FILE" in done.stderr) == (2, True)


def test_the_second_time_nothing_is_asked(tlsight: Run, service: tuple[Service, list[str]]) -> None:
    tlsight("ct", "a.com", *service[1])
    count = len(service[0].asked)
    done = tlsight("ct", "a.com", "--json", *service[1])
    assert len(service[0].asked) == count
    record = json.loads(done.stdout)
    assert (record["schema"], record["host"], record["trusted"]) == ("tlsight.ct/1", "a.com", True)
    assert record["issuers"][0]["spki_sha256"] == ONE


def test_a_token_is_read_from_a_file_and_never_shown(
    tlsight: Run, service: tuple[Service, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("hush\n")
    done = tlsight("ct", "a.com", *service[1], "--token-file", tmp_path / "token")
    assert service[0].asked[0].headers["authorization"] == "Bearer hush"
    assert "hush" not in done.stdout + done.stderr


def test_a_service_that_is_down_is_told_and_exits_3(
    tlsight: Run, service: tuple[Service, list[str]]
) -> None:
    service[0].status = 404
    done = tlsight("ct", "zzz.com", *service[1], "--sources", service[1][1].split(",")[0])
    assert done.returncode == 3
    assert "answers 404" in done.stderr
    assert "nothing is known" in done.stdout


def test_many_hosts_are_fetched_and_the_run_can_be_resumed(
    tlsight: Run, service: tuple[Service, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "hosts").write_text("a.com\n# a comment\nb.com:443\nA.COM\nbad host\n")
    done = tlsight("ct", "fetch", "-l", tmp_path / "hosts", *service[1])
    assert done.stdout == "2 hosts: 2 known, 0 unknown, 2 asked for\n"
    assert "'bad host'" in done.stderr
    done = tlsight("ct", "fetch", "-l", tmp_path / "hosts", *service[1])
    assert done.stdout == "2 hosts: 2 known, 0 unknown, 0 asked for\n"
    done = tlsight("ct", "fetch", "-l", "/dev/stdin", *service[1], stdin="b.com\n")
    assert done.stdout == "1 hosts: 1 known, 0 unknown, 0 asked for\n"


def test_knowledge_moves_to_another_machine(
    tlsight: Run, service: tuple[Service, list[str]], tmp_path: Path
) -> None:
    tlsight("ct", "a.com", "b.com", *service[1])
    done = tlsight("ct", "export", tmp_path / "known.ndjson")
    assert done.returncode == 0, done.stderr
    there = {"XDG_STATE_HOME": str(tmp_path / "other")}
    done = tlsight("ct", "import", tmp_path / "known.ndjson", **there)
    assert done.stdout == "2 answers imported\n"
    done = tlsight("ct", "a.com", "--offline", "--json", **there)
    assert json.loads(done.stdout)["issuers"][0]["certificates"] == 2
    assert tlsight("ct", "export", "-").stdout == (tmp_path / "known.ndjson").read_text()
    again = tlsight("ct", "export", **there)
    assert again.stdout == (tmp_path / "known.ndjson").read_text()


def test_after_an_import_check_and_diagnose_say_the_same(
    tlsight: Run, service: tuple[Service, list[str]], world: LabPki, tmp_path: Path
) -> None:
    tlsight("ct", "a.com", *service[1])
    tlsight("ct", "export", tmp_path / "known.ndjson")
    there = {"XDG_STATE_HOME": str(tmp_path / "other")}
    tlsight("ct", "import", tmp_path / "known.ndjson", **there)
    minting = Authority("Sub CA", parent=world.root)
    old = minting.issue("a.com", start=minting.now - timedelta(days=2))
    with running(Origin({"a.com": old})) as origin:
        words = ("a.com", "--connect", f"127.0.0.1:{origin.port}", *service[1][2:], "--json")
        checked = json.loads(tlsight("check", *words, **there).stdout)
        diagnosed = json.loads(tlsight("diagnose", *words, **there).stdout)
    assert checked["verdict"] == diagnosed["verdict"]["verdict"] == "suspect"
    assert checked["decided_by"] == diagnosed["verdict"]["decided_by"]
    assert "ct-issuer-unknown" in {e["id"] for e in checked["evidence"]}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"b.com"', '"b com"', ":2: target 'b com': is no host name"),
        ('"b.com"', '"B.com"', ":2: 'B.com' is no plain host"),
        (TWO, "xyz", ":2: 'xyz' is no key digest"),
        ('"ttl":86400', '"ttl":"x"', ":2: no answer"),
        ("00Z", "00", ":2: time without zone"),
        ("{", "", ":2: no answer"),
    ],
)
def test_half_a_good_import_is_none(
    tlsight: Run,
    service: tuple[Service, list[str]],
    tmp_path: Path,
    old: str,
    new: str,
    why: str,
) -> None:
    tlsight("ct", "a.com", "b.com", *service[1])
    lines = tlsight("ct", "export").stdout.splitlines()
    if old == "00Z":  # seconds of the time of the look-up are anything
        record = json.loads(lines[1])
        lines[1] = json.dumps({**record, "fetched": record["fetched"].removesuffix("Z")})
    else:
        lines[1] = lines[1].replace(old, new, 1)
    there = {"XDG_STATE_HOME": str(tmp_path / "other")}
    done = tlsight("ct", "import", "-", stdin="\n".join(lines), **there)
    assert done.returncode == 2
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert tlsight("ct", "export", **there).stdout == ""


def test_an_export_that_cannot_be_written_leaves_the_old_one(
    tlsight: Run, service: tuple[Service, list[str]], tmp_path: Path
) -> None:
    tlsight("ct", "a.com", *service[1])
    done = tlsight("ct", "export", tmp_path / "missing" / "known.ndjson")
    assert done.returncode == 4
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_with_the_store_filled_a_check_asks_nobody_but_its_target(
    tlsight: Run, service: tuple[Service, list[str]], world: LabPki
) -> None:
    """A public CA of the lab that no log knows for the host answers without a logged leaf."""
    tlsight("ct", "a.com", *service[1])
    count = len(service[0].asked)
    minting = Authority("Sub CA", parent=world.root)
    old = minting.issue("a.com", start=minting.now - timedelta(days=2))
    with running(Origin({"a.com": old})) as origin:
        words = [
            "check",
            "a.com",
            "--connect",
            f"127.0.0.1:{origin.port}",
            *service[1][2:],
            "--json",
        ]
        done = tlsight(*words)
        without = tlsight(*words, "--no-store")
    record = json.loads(done.stdout)
    assert (done.returncode, record["verdict"]) == (1, "suspect")
    finding = next(e for e in record["evidence"] if e["id"] == "ct-issuer-unknown")
    assert finding["details"]["known"] == [ONE]
    assert finding["details"]["issuer_spki_sha256"] == Certificate(minting.der).spki_sha256
    assert "ct-issuer-unknown" not in without.stdout
    assert len(service[0].asked) == count


def test_a_store_that_was_asked_for_and_is_not_there_is_an_error(tlsight: Run) -> None:
    done = tlsight("check", "a.com", "--store", "/nowhere/ct.sqlite3")
    assert done.returncode == 4
    assert "use --no-store or --store FILE" in done.stderr


def test_a_damaged_store_does_not_stop_a_check(tlsight: Run, tmp_path: Path) -> None:
    store = tmp_path / "state" / "tlsight" / "ct.sqlite3"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"no database at all" * 100)
    done = tlsight("check", "127.0.0.1:9", "--timeout", "1")
    assert done.returncode == 3
    assert "store of CT knowledge cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_proves_that_a_log_holds_the_leaf_and_keeps_the_proof(
    tlsight: Run, world: LabPki, tmp_path: Path
) -> None:
    leaf = world.issue("a.com")
    with running(served_logs(world)) as web, running(Origin({"a.com": leaf})) as origin:
        (tmp_path / "logs.json").write_text(world.ct_logs_json)
        words = [
            "check", "a.com", "--connect", f"127.0.0.1:{origin.port}", "--json",
            "--roots", tmp_path / "root.pem", "--ct-logs", tmp_path / "logs.json",
        ]  # fmt: skip
        done = tlsight(*words, "--ct-proof")
        record = json.loads(done.stdout)
        assert (record["verdict"], record["evidence"][0]["id"]) == ("direct", "ct-logged")
        count = len(web.asked)
        assert count == 2
        again = tlsight(*words)
        assert json.loads(again.stdout)["evidence"][0]["id"] == "ct-logged"
        assert len(web.asked) == count
    down = tlsight(*words, "--ct-proof", "--no-store", "--timeout", "1")
    assert json.loads(down.stdout)["verdict"] == "inconclusive"


def test_a_log_that_is_down_is_told_and_changes_no_verdict(
    tlsight: Run, world: LabPki, tmp_path: Path
) -> None:
    for log in world.logs:
        log.url = "https://127.0.0.1:9/"
    (tmp_path / "logs.json").write_text(world.ct_logs_json)
    with running(Origin({"a.com": world.issue("a.com")})) as origin:
        done = tlsight(
            "check", "a.com", "--connect", f"127.0.0.1:{origin.port}", "--ct-proof",
            "--roots", tmp_path / "root.pem", "--ct-logs", tmp_path / "logs.json",
            "--timeout", "4",
        )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith("DIRECT")
    assert done.stderr.count("no answer") == 2
