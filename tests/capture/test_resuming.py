"""Sessions taken up again, clients' certificates, and hellos of old: conversations that OpenSSL really has."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from detector.lab.pki import LabPki
from tests.capture import packets as p
from tests.capture.handshakes import Said, shake_hands
from tests.wire.test_old_hello import old_hello


class Pair:
    """A client and a server who meet more than once."""

    def __init__(self, folder: Path, version: ssl.TLSVersion, *, ask: bool = False) -> None:
        pki = LabPki()
        own = folder / "own.pem"
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client = ssl.create_default_context(cadata=pki.root.pem)
        for name, context in (("a.example", self.server), ("b.example", self.client)):
            credential = pki.issue(name)
            own.write_text(credential.chain_pem + credential.key_pem)
            context.load_cert_chain(own)
        if ask:
            self.server.verify_mode = ssl.CERT_REQUIRED
            self.server.load_verify_locations(cadata=pki.root.pem)
        self.server.maximum_version = self.client.maximum_version = version
        self._session: ssl.SSLSession | None = None

    def meet(self) -> Said:
        said, self._session = shake_hands(self.client, self.server, self._session)
        return said


def connection(said: Said) -> p.Connection:
    talk = p.Talk().open()
    for from_client, data in said:
        talk.send(from_client, data).send(not from_client)
    return p.one(talk.close().packets)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_that_is_taken_up_is_told_from_the_first(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    pair = Pair(tmp_path, version)
    first, second = connection(pair.meet()), connection(pair.meet())
    assert (first.resumed, second.resumed) == (False, True)
    assert first.completed
    assert second.completed


def test_a_server_that_breaks_off_after_its_hello_has_resumed_nothing(tmp_path: Path) -> None:
    said = Pair(tmp_path, ssl.TLSVersion.TLSv1_2).meet()
    size = 5 + int.from_bytes(said[1][1][3:5])
    c = connection([said[0], (False, said[1][1][:size])])
    assert c.answer is not None
    assert c.resumed is None


def test_the_chain_that_a_client_shows_is_kept(tmp_path: Path) -> None:
    c = connection(Pair(tmp_path, ssl.TLSVersion.TLSv1_2, ask=True).meet())
    assert c.client_certificate
    assert len(c.client_chain) == 2
    assert c.client_chain[0] != c.chain[0]
    assert connection(Pair(tmp_path, ssl.TLSVersion.TLSv1_2).meet()).client_chain == ()


def test_a_clients_chain_that_makes_no_sense_is_none_and_no_error(tmp_path: Path) -> None:
    said = Pair(tmp_path, ssl.TLSVersion.TLSv1_2, ask=True).meet()
    flight = bytearray(said[2][1])
    assert flight[5] == 11
    flight[12:15] = b"\xff\xff\xff"  # the first certificate's length
    c = connection([*said[:2], (True, bytes(flight)), *said[3:]])
    assert c.client_certificate
    assert c.client_chain == ()
    assert c.error == ""


def test_a_hello_in_the_form_of_ssl_2_begins_a_connection_as_any(tls12: Said) -> None:
    old = old_hello()
    c = connection([(True, old), *tls12[1:]])
    assert c.hello is not None
    assert c.hello.ciphers == (0x002F, 0x0005)
    assert len(c.chain) == 2
    assert c.completed
    assert c.preamble is None


def test_such_a_hello_may_come_in_pieces(tls12: Said) -> None:
    old = old_hello()
    for cut in (1, 2, 10, len(old) - 1):
        c = connection([(True, old[:cut]), (True, old[cut:]), *tls12[1:]])
        assert c.hello is not None
        assert c.completed
