"""STARTTLS against the real servers of each protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from detector.model.inquiry import Diagnosis
from detector.model.observation import Observation
from detector.model.targets import STARTTLS_PORTS, parse_target
from detector.net.probe import ProbeOptions, probe
from detector.runs.diagnose import Investigation
from tests.live import starttls_programs as s
from tests.live.programs import Program, readable_by_all

pytestmark = pytest.mark.live


def server(protocol: str, folder: Path, pki: LabPki) -> Program:
    credential = pki.issue("host.test")
    if protocol in ("imap", "pop3"):
        return s.Dovecot(folder, credential, protocol)
    programs = {
        "smtp": s.Exim,
        "ftp": s.Vsftpd,
        "xmpp": s.Prosody,
        "ldap": s.Slapd,
        "postgres": s.Postgres,
        "mysql": s.MariaDb,
    }
    return programs[protocol](folder, credential)


@pytest.mark.parametrize("protocol", STARTTLS_PORTS)
def test_a_real_server_turns_to_tls_and_is_judged(
    protocol: str, pki: LabPki, known: Knowledge, tmp_path: Path
) -> None:
    readable_by_all(tmp_path)

    async def run(port: int) -> Observation:
        options = ProbeOptions(connect_to=("127.0.0.1", port), timeout=30)
        return await probe(parse_target("host.test", starttls=protocol), options)

    with server(protocol, tmp_path / protocol, pki) as running:
        seen = asyncio.run(run(running.port))
        assert seen.failure is None, f"{seen.failure}\n{running.said()}"
    assert seen.target.starttls == protocol
    assert "starttls" in seen.ms
    (found,) = judge_all([seen], known)
    assert found.verdict == "direct", found.summary


@pytest.mark.parametrize("protocol", ["smtp", "ftp", "imap"])
def test_tls_spoken_at_once_is_told_how_to_begin(
    protocol: str, pki: LabPki, tmp_path: Path
) -> None:
    readable_by_all(tmp_path)

    async def run(port: int) -> Observation:
        return await probe(parse_target(f"127.0.0.1:{port}"), ProbeOptions(timeout=30))

    with server(protocol, tmp_path / protocol, pki) as running:
        seen = asyncio.run(run(running.port))
    assert seen.failure is not None
    assert seen.failure.cause == "not-tls"
    assert "--starttls" in seen.failure.text


@pytest.mark.parametrize("protocol", STARTTLS_PORTS)
def test_a_good_server_behind_starttls_is_not_blamed(
    protocol: str, pki: LabPki, tmp_path: Path
) -> None:
    readable_by_all(tmp_path)

    async def run(port: int) -> Diagnosis:
        options = ProbeOptions(connect_to=("127.0.0.1", port), timeout=30)
        target = parse_target("host.test", starttls=protocol)
        return await Investigation(options).of(target, pki.knowledge())

    with server(protocol, tmp_path / protocol, pki) as running:
        found = asyncio.run(run(running.port))
    assert [c.id for c in found.causes if c.severity == "error"] == [], found.flips
    assert found.inquiry.trials["plain"].answered
