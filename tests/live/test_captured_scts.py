"""SCTs of other clients' connections: OpenSSL asks OpenSSL for them, tcpdump looks on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from detector.known.knowledge import Knowledge
from detector.lab.ca_service import staple
from detector.lab.pki import Credential, LabPki, sct_extension, sct_list
from tests.live.captured import read, tcpdump
from tests.live.programs import find
from tests.net.test_unasked import OpensslServer, Sends

pytestmark = pytest.mark.live


def talk(server: OpensslServer, *arguments: str) -> None:
    """A client that shakes hands and goes; with -ct it asks for SCTs and for a staple."""
    command = [
        find("openssl"), "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "a.com",
        "-keylogfile", str(server.folder / "keys"), *arguments,
    ]  # fmt: skip
    subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False)


@pytest.fixture(scope="module")
def bare(pki: LabPki) -> Credential:
    return pki.issue("a.com", logs=())


@pytest.mark.parametrize("only", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("where", ["extension", "staple", "nowhere"])
def test_they_count_where_the_client_asked_and_are_not_missed_where_it_did_not(
    pki: LabPki, known: Knowledge, bare: Credential, tmp_path: Path, only: str, where: str
) -> None:
    sct = pki.logs[0].sign_certificate(bare.der)
    sends = {
        "extension": Sends(scts=sct_list([sct]), only=only),
        "staple": Sends(ocsp=staple(pki.intermediate, bare, sct_extension([sct])), only=only),
        "nowhere": Sends(only=only),
    }[where]
    logs = tmp_path / "logs.cnf"
    logs.write_text("enabled_logs=\n")
    asks = ("-ct", "-ctlogfile", str(logs))
    for name, arguments in (("asks", asks), ("does-not", ())):
        with OpensslServer(tmp_path / name, [bare], sends) as server:
            capture = tmp_path / f"{name}.pcap"
            with tcpdump(capture, f"tcp port {server.port}"):
                talk(server, *arguments)
        keys = tmp_path / name / "keys" if only == "-tls1_3" else None
        told, _ = read(capture, known, keys)
        (found,) = [one.judgement for one in told if one.judgement is not None]
        missing = next((e for e in found.evidence if e.id == "sct-missing"), None)
        if name == "does-not":
            assert found.verdict == "consistent"
            assert missing is not None
            assert (missing.strength, missing.details) == ("weak", {"looked": False})
        elif where == "nowhere":
            assert missing is not None
            assert (missing.strength, missing.details) == ("weak", {"looked": True})
        else:
            assert (found.verdict, missing) == ("direct", None)


def test_one_clients_answer_counts_for_the_next_that_did_not_ask(
    pki: LabPki, known: Knowledge, bare: Credential, tmp_path: Path
) -> None:
    sct = pki.logs[0].sign_certificate(bare.der)
    logs = tmp_path / "logs.cnf"
    logs.write_text("enabled_logs=\n")
    capture = tmp_path / "both.pcap"
    with OpensslServer(tmp_path, [bare], Sends(scts=sct_list([sct]), only="-tls1_2")) as server:
        with tcpdump(capture, f"tcp port {server.port}"):
            talk(server)
            talk(server, "-ct", "-ctlogfile", str(logs))
    told, _ = read(capture, known)
    verdicts = [one.verdict for one in told if one.connection.chain]
    assert verdicts == ["direct", "direct"]
