"""What is tried of a peer, and what is held against it only after a second try."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes

from detector.judging.diagnose import diagnose
from detector.knowledge.fixes import config_lines
from detector.known.knowledge import Knowledge
from detector.lab.loopback import Loopback
from detector.lab.origin import Origin, server_context
from detector.lab.peers import Decision, Gate
from detector.lab.pki import LabPki
from detector.model.inquiry import Diagnosis, Inquiry
from detector.model.targets import parse_target
from detector.net.inquire import Curiosity, inquire
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.wire.hello import ClientHello
from tests.net.peers import Handler, peer, sends


def inquired(server: object, text: str = "localhost:{port}", **options: object) -> Inquiry:
    async def run() -> Inquiry:
        async with server as started:  # type: ignore[attr-defined]
            target = parse_target(text.format(port=started.port))
            return await inquire(target, ProbeOptions(timeout=2, **options))  # type: ignore[arg-type]

    return asyncio.run(run())


def test_a_good_server_answers_the_hellos_it_should(pki: LabPki) -> None:
    found = inquired(Origin({"localhost": pki.issue("localhost")}))
    answered = {name for name, trial in found.trials.items() if trial.answered}
    assert {
        "browser",
        "plain",
        "large",
        "two-records",
        "two-segments",
        "tls12",
        "tls13",
    } <= answered
    assert not answered & {"null", "export", "rc4", "tls11", "tls10", "ssl3"}
    assert found.resumption == "resumed"
    assert found.application is not None
    assert found.application.outcome == "answered"


def test_a_cut_counts_only_when_it_happens_three_times(pki: LabPki) -> None:
    """The first two large hellos are lost, as packets are; the next one gets through."""
    seen: list[int] = []

    def lose_two(hello: ClientHello, _first: bytes, whole: bytes) -> Decision:
        large = len(whole) > 1600 and hello.ech is None
        if large and len(seen) < 2:
            seen.append(1)
            return "reset"
        return "pass"

    found = inquired(Gate(Origin({"localhost": pki.issue("localhost")}), lose_two))
    assert len(seen) == 2
    assert all(found.trials[name].answered for name in ("browser", "large", "plain"))


@pytest.mark.parametrize("third", [0, 1, 2])
def test_a_network_that_loses_a_third_of_all_hellos_is_not_taken_for_a_fault(
    pki: LabPki, third: int
) -> None:
    """Each of these hellos is lost once, by its length, so that every run is the same."""
    lost: set[tuple[object, ...]] = set()

    def lose_once(hello: ClientHello, _first: bytes, whole: bytes) -> Decision:
        kind = (len(whole), hello.versions, hello.ciphers, hello.groups, hello.alpn, hello.sni)
        if len(whole) % 3 == third and kind not in lost:
            lost.add(kind)
            return "reset"
        return "pass"

    found = inquired(Gate(Origin({"localhost": pki.issue("localhost")}), lose_once))
    assert lost
    diagnosis = diagnose(found, pki.knowledge(), config_lines())
    assert [cause.id for cause in diagnosis.causes] == []


def test_a_handshake_that_was_cut_once_is_made_again(pki: LabPki) -> None:
    cut: list[int] = []

    def lose_the_handshake(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
        if hello.extension(22) is not None and not cut:  # encrypt_then_mac: OpenSSL's, not ours
            cut.append(1)
            return "reset"
        return "pass"

    found = inquired(Gate(Origin({"localhost": pki.issue("localhost")}), lose_the_handshake))
    assert cut
    assert found.observation.failure is None
    assert found.resumption == "resumed"


def test_each_address_of_a_name_is_tried(pki: LabPki) -> None:
    """Localhost has an IPv4 and an IPv6 address here; only the first is served."""
    found = inquired(Origin({"localhost": pki.issue("localhost")}))
    if found.addresses:
        outcomes = {address: trial.outcome for address, trial in found.addresses.items()}
        assert outcomes["127.0.0.1"] == "answered"


def test_without_curiosity_there_is_one_handshake(pki: LabPki) -> None:
    async def run() -> Inquiry:
        async with Origin({"localhost": pki.issue("localhost")}) as origin:
            target = parse_target(f"localhost:{origin.port}")
            modest = Curiosity(trials=False, addresses=False, resume=False)
            return await inquire(target, ProbeOptions(timeout=20), modest)

    found = asyncio.run(run())
    assert found.trials == {}
    assert found.resumption is None
    assert found.observation.handshake is not None


def diagnosed_at(handler: Handler, known: Knowledge) -> Diagnosis:
    async def run() -> Inquiry:
        async with peer(handler) as port:
            return await inquire(parse_target(f"localhost:{port}"), ProbeOptions(timeout=10))

    return diagnose(asyncio.run(run()), known, config_lines())


def test_a_portal_is_one_for_diagnose_too(known: Knowledge) -> None:
    found = diagnosed_at(sends(b"HTTP/1.1 302 Found\r\nLocation: http://p/\r\n\r\n"), known)
    assert [cause.id for cause in found.causes] == ["captive-portal"]


@pytest.mark.parametrize(
    ("greeting", "advice"),
    [
        (b"220 (vsFTPd 3.0.5)\r\n", "use --starttls ftp, or"),
        (b"220 mx ESMTP\r\n", "use --starttls smtp, or"),
        (b"220 welcome\r\n", "use --starttls smtp or --starttls ftp, or"),
    ],
)
def test_the_greeting_says_how_to_turn_to_tls(
    known: Knowledge, greeting: bytes, advice: str
) -> None:
    found = diagnosed_at(sends(greeting), known)
    assert [cause.id for cause in found.causes] == ["not-tls"]
    assert advice in found.causes[0].fix[0].text


def test_a_proxy_that_is_down_is_to_be_mended_not_the_server(pki: LabPki, known: Knowledge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    routing = Routing(parse_proxy(f"http://127.0.0.1:{port}"))
    server = Origin({"localhost": pki.issue("localhost")})
    found = diagnose(inquired(server, routing=routing), known, config_lines())
    (cause,) = found.causes
    assert (cause.id, cause.party) == ("connection-refused", "network")
    assert "Start the proxy" in cause.fix[0].text
    assert cause.evidence == ("Past the proxy, a hello is answered.",)
    assert f"127.0.0.1:{port}" in cause.confirm


class Mixed(Loopback):
    """Speaks HTTP/2, and wants this question in HTTP/1.1 (RFC 9113 section 7)."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(OSError):
            asked = await reader.read(4096)
            if asked.startswith(b"PRI "):
                there = H2Connection(H2Configuration(client_side=False))
                there.initiate_connection()
                there.receive_data(asked)
                there.close_connection(ErrorCodes.HTTP_1_1_REQUIRED)
                writer.write(there.data_to_send())
            elif asked:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()


def test_a_server_that_wants_http11_is_asked_so(pki: LabPki) -> None:
    context = server_context(pki.issue("localhost"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    found = inquired(Mixed(context))
    assert found.application is not None
    assert found.application.data.startswith(b"HTTP/1.1 200 OK")
    assert found.observation.handshake is not None
    assert found.observation.handshake.alpn == "http/1.1"
