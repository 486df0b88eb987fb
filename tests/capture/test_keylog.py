"""TLS 1.3 opened with the secrets that Python's own TLS wrote."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from detector.capture.keylog import KeyLog
from detector.lab.pki import LabPki
from tests.capture import packets as p
from tests.capture.handshakes import Said, shake_hands


def conversation(folder: Path, *, ask: bool = False, trusted: bool = True) -> Said:
    """A handshake of TLS 1.3 whose secrets go to keys.txt."""
    pki = LabPki()
    (folder / "server.pem").write_text(
        (credential := pki.issue("a.example")).chain_pem + credential.key_pem
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    server.set_alpn_protocols(["h2"])
    if ask:
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(cadata=pki.root.pem)
    client = ssl.create_default_context(cadata=(pki if trusted else LabPki()).root.pem)
    client.set_alpn_protocols(["h2"])
    client.keylog_filename = str(folder / "keys.txt")
    return shake_hands(client, server)[0]


def packets(said: Said, *, by_client: bool = True) -> list[bytes]:
    talk = p.Talk().open()
    for from_client, data in said:
        talk.send(from_client, data)
    return talk.close(by_client).packets


def test_certificates_alpn_and_finished_are_read(tmp_path: Path) -> None:
    made = packets(conversation(tmp_path))
    (closed,) = p.read(p.pcap(made, 101))
    assert closed.chain == ()
    keys = KeyLog()
    with (tmp_path / "keys.txt").open("rb") as file:
        keys.add(file)
    assert len(keys) == 1
    (c,) = p.read(p.pcap(made, 101), keys)
    assert len(c.chain) == 2
    assert c.alpn == "h2"
    assert c.completed


def test_a_key_log_inside_of_a_pcapng_serves(tmp_path: Path) -> None:
    from detector.capture.tally import Tally
    from detector.runs.packets import Capture

    made = packets(conversation(tmp_path))
    path = tmp_path / "a.pcapng"
    path.write_bytes(p.pcapng(made, 101, (tmp_path / "keys.txt").read_bytes()))
    (c,) = Capture(KeyLog()).connections(str(path), Tally())
    assert len(c.chain) == 2


def test_a_server_that_wants_a_certificate_and_gets_none_is_told(tmp_path: Path) -> None:
    made = packets(conversation(tmp_path, ask=True))
    keys = KeyLog()
    with (tmp_path / "keys.txt").open("rb") as file:
        keys.add(file)
    (c,) = p.read(p.pcap(made, 101), keys)
    assert c.authorities is not None
    assert c.client_certificate is False
    assert [a.code for a in c.alerts if a.sender == "server"] == [116]
    assert not c.completed


def test_wrong_secrets_open_nothing_and_harm_nothing(tmp_path: Path) -> None:
    made = packets(conversation(tmp_path))
    text = (tmp_path / "keys.txt").read_text()
    keys = KeyLog()
    keys.add(
        " ".join([*line.split()[:2], "ab" * (len(line.split()[2]) // 2)]).encode()
        for line in text.splitlines() if not line.startswith("#")
    )  # fmt: skip
    (c,) = p.read(p.pcap(made, 101), keys)
    assert c.chain == ()
    assert c.sni == "a.example"


@pytest.mark.parametrize(
    "line",
    [b"", b"CLIENT_RANDOM a b", b"SERVER_TRAFFIC_SECRET_0 zz zz", b"\xff\xfe \x00", b"x" * 9000],
)
def test_lines_that_make_no_sense_are_passed_over(line: bytes) -> None:
    keys = KeyLog()
    keys.add([line])
    assert len(keys) == 0


def test_secrets_of_tls_1_2_are_known_and_of_no_use() -> None:
    keys = KeyLog()
    keys.add(
        [b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48, b"hello", b"# a comment of three"]
    )
    assert (len(keys), keys.others) == (0, 1)


def test_early_data_goes_before_what_the_handshakes_keys_open(tmp_path: Path) -> None:
    (_, hello), *rest = conversation(tmp_path)
    early = b"\x17\x03\x03\0\x30" + bytes(range(48))
    keys = KeyLog()
    with (tmp_path / "keys.txt").open("rb") as file:
        keys.add(file)
    (c,) = p.read(p.pcap(packets([(True, hello + early), *rest]), 101), keys)
    assert c.completed
    assert len(c.chain) == 2
