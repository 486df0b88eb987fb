"""`tlsight diagnose` as a user runs it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from detector.chain.certificate import split_pem
from detector.lab.ca_service import ca_service, connected
from detector.lab.cases import case
from detector.lab.pki import LabPki
from tests.cli.conftest import Run, running
from tests.cli.test_check import again


@pytest.fixture
def ports(world: LabPki) -> Iterator[dict[str, int]]:
    """Three cases, served in this process, with the CA's service."""
    with ExitStack() as stack:
        connected(world, stack.enter_context(running(ca_service(world))))
        found = {}
        for name in ("healthy", "expired", "incomplete-chain", "client-certificate-1.2"):
            one = case(name)
            assert one is not None
            found[name] = stack.enter_context(running(one.make(world))).port
        yield found


@pytest.fixture
def ask(tlsight: Run, tmp_path: Path) -> Run:
    def run(*words: object, **how: object):  # type: ignore[no-untyped-def]
        return tlsight("diagnose", "--roots", tmp_path / "root.pem", *words, **how)  # type: ignore[arg-type]

    return run


def test_a_broken_server_is_shown_with_its_rung_cause_and_lines(
    ask: Run, ports: dict[str, int]
) -> None:
    done = ask("--for", "nginx", f"localhost:{ports['expired']}")
    assert done.returncode == 1
    assert "✗ certificate" in done.stdout
    assert "ssl_certificate_key KEY;" in done.stdout
    assert "SSLCertificateFile" not in done.stdout


def test_a_healthy_server_exits_with_zero(ask: Run, ports: dict[str, int]) -> None:
    done = ask("--json", f"localhost:{ports['healthy']}")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["healthy"] is True


def test_the_line_of_a_report_finds_the_same_again(
    ask: Run, tlsight: Run, ports: dict[str, int], world: LabPki, tmp_path: Path
) -> None:
    shown = world.issue("client").write(tmp_path / "me.pem")
    page = tmp_path / "page.html"
    target = f"localhost:{ports['client-certificate-1.2']}"
    told = ask(
        "--json", "--html", page, "--client-cert", shown, "--suites", "--no-lookups", "--no-proxy",
        "--timeout", "4", target,
    )  # fmt: skip
    (line,) = again(page)
    done = tlsight("diagnose", "--json", *shlex.split(line)[2:])
    assert "--suites" in line
    before, after = json.loads(told.stdout), json.loads(done.stdout)
    for part in ("healthy", "causes", "suites"):
        assert after[part] == before[part], part
    assert [step["status"] for step in after["steps"]] == [s["status"] for s in before["steps"]]


def test_many_targets_give_a_line_each_and_the_worst_code(
    ask: Run, ports: dict[str, int], tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("".join(f"localhost:{port}\n" for port in ports.values()))
    done = ask("--json", "-l", hosts)
    assert done.returncode == 1
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(one["causes"][0]["id"] for one in records if one["causes"]) == [
        "certificate-expired",
        "client-certificate-required",
        "incomplete-chain",
    ]
    assert len(records) == len(ports)


def test_the_repaired_chain_is_written_and_is_what_was_missing(
    ask: Run, ports: dict[str, int], world: LabPki, tmp_path: Path
) -> None:
    path = tmp_path / "fullchain.pem"
    done = ask("--repair", path, f"localhost:{ports['incomplete-chain']}")
    assert done.returncode == 1
    assert f"wrote {path}" in done.stderr
    leaf, above = split_pem(path.read_bytes())
    assert above == world.intermediate.der
    assert leaf != above


@pytest.mark.parametrize(
    ("expected", "name", "code"),
    [
        ("healthy", "healthy", 0),
        ("healthy", "expired", 1),
        ("certificate-expired", "expired", 0),
        ("certificate-expired", "healthy", 1),
    ],
)
def test_expectations_are_exit_codes(
    ask: Run, ports: dict[str, int], expected: str, name: str, code: int
) -> None:
    assert ask("--expect", expected, f"localhost:{ports[name]}").returncode == code


def test_watching_ends_when_it_is_as_expected(ask: Run, ports: dict[str, int]) -> None:
    done = ask("--watch", "0.1", "--json", f"localhost:{ports['healthy']}")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1


def test_a_client_certificate_is_shown(
    ask: Run, ports: dict[str, int], world: LabPki, tmp_path: Path
) -> None:
    where = f"localhost:{ports['client-certificate-1.2']}"
    assert "(client-certificate-required)" in ask(where).stdout
    member = world.issue("member.lab.test").write(tmp_path / "member.pem")
    done = ask("--client-cert", member, "--json", where)
    causes = [cause["id"] for cause in json.loads(done.stdout)["causes"]]
    assert "client-certificate-required" not in causes


def test_saved_observations_are_judged_again(
    ask: Run, ports: dict[str, int], tlsight: Run, tmp_path: Path
) -> None:
    path = tmp_path / "seen.ndjson"
    ask("--save", path, f"localhost:{ports['healthy']}")
    done = tlsight("judge", "--roots", tmp_path / "root.pem", "--json", path)
    assert json.loads(done.stdout)["target"]["host"] == "localhost"


def test_a_trace_shows_messages(ask: Run, ports: dict[str, int]) -> None:
    done = ask("--trace", f"localhost:{ports['healthy']}")
    assert "> ClientHello" in done.stdout
    assert "< EncryptedExtensions" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no target; name a host, or a file with -l"),
        (("--for", "ngnix", "a.com"), "'ngnix' is none of nginx, apache"),
        (("--expect", "nonsense", "a.com"), "no cause 'nonsense'"),
        (("--client-key", "k.pem", "a.com"), "no certificate; add --client-cert FILE"),
        (("--client-cert", "/nonexistent.pem", "a.com"), "No such file"),
        (("--starttls", "x", "a.com"), "is none of smtp"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_code_two(
    ask: Run, world: LabPki, words: tuple[str, ...], says: str
) -> None:
    done = ask(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_key_that_cannot_be_written_to_is_told(
    ask: Run, ports: dict[str, int], tmp_path: Path
) -> None:
    (tmp_path / "dir").mkdir()
    done = ask("--repair", tmp_path / "dir", f"localhost:{ports['incomplete-chain']}")
    assert done.returncode == 4
    assert "Is a directory" in done.stderr
