"""Probes of honest, broken and hostile peers, each a real TCP connection."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import socket
import ssl
import struct
import time
import warnings

import pytest

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.observation import Observation, ProxyAnswer, Spoke
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe, speaks_http
from detector.net.routes import Routing, parse_proxy
from detector.report.check_json import encode
from detector.runs.saved import encode_observation
from detector.wire import registry as r
from detector.wire.hello import ServerHello, build_server_hello
from detector.wire.records import ALERT, HANDSHAKE, encode_message, encode_record
from detector.wire.transcript import read_transcript
from tests.net.peers import peer, probed, sends


def origin_probe(pki: LabPki, **how: object) -> Observation:
    async def run() -> Observation:
        async with Origin({"a.com": pki.issue("a.com")}) as origin:
            options = ProbeOptions(connect_to=("127.0.0.1", origin.port), **how)  # type: ignore[arg-type]
            return await probe(parse_target("a.com"), options)

    return asyncio.run(run())


def server_hello(**changes: object) -> bytes:
    """A TLS 1.2 ServerHello in its record."""
    fields = {"cipher": 0xC02F, "extensions": ()} | changes
    hello = ServerHello(0x0303, b"r" * 32, b"", fields["cipher"], 0, fields["extensions"])  # type: ignore[arg-type]
    return encode_record(HANDSHAKE, encode_message(r.SERVER_HELLO, build_server_hello(hello)))


def certificates(count: int, size: int) -> bytes:
    """A Certificate message of `count` certificates of `size` bytes."""
    one = size.to_bytes(3, "big") + bytes(size)
    body = (len(one) * count).to_bytes(3, "big") + one * count
    return encode_record(HANDSHAKE, encode_message(r.CERTIFICATE, body))


def cause(seen: Observation) -> str | None:
    return seen.failure.cause if seen.failure else None


def test_an_honest_handshake_is_recorded_whole(pki: LabPki) -> None:
    seen = origin_probe(pki)
    assert seen.failure is None
    assert seen.handshake is not None
    assert (seen.handshake.completed, seen.handshake.version) == (True, "TLSv1.3")
    assert seen.handshake.alpn == "http/1.1"
    assert seen.handshake.group in ("x25519", "X25519MLKEM768")  # from OpenSSL 3.5 on
    assert len(seen.chain) == 2
    assert set(seen.ms) == {"connect", "server-hello", "tls"}  # no name was resolved
    transcript = read_transcript(seen.client_bytes, seen.server_bytes)
    assert transcript.client_hello is not None
    assert transcript.client_hello.sni == "a.com"
    assert transcript.server_hello is not None


def test_tls_1_2_alone_shows_the_same_chain(pki: LabPki) -> None:
    seen = origin_probe(pki, maximum="TLSv1.2", alpn=())
    assert seen.handshake is not None
    assert (seen.handshake.version, seen.handshake.alpn) == ("TLSv1.2", None)
    assert seen.handshake.group in ("x25519", "secp256r1")
    transcript = read_transcript(seen.client_bytes, seen.server_bytes)
    assert tuple(entry.der for entry in transcript.chain) == seen.chain


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a.com", True), ("a.com:8443", True), ("imaps://a.com", False), ("smtp://a.com", False)],
)
def test_http_names_are_offered_where_http_is_spoken(text: str, expected: bool) -> None:
    assert speaks_http(parse_target(text)) is expected


def test_ipv6_and_names_that_resolve_are_dialled(pki: LabPki) -> None:
    async def run(host: str, listen: str) -> Observation:
        async with Origin({"localhost": pki.issue("localhost")}, host=listen) as origin:
            return await probe(parse_target(f"{host}:{origin.port}"))

    assert asyncio.run(run("[::1]", "::1")).target.ip == "::1"
    # localhost resolves to ::1 and 127.0.0.1; only the second listens.
    seen = asyncio.run(run("localhost", "127.0.0.1"))
    assert (seen.failure, seen.target.ip) == (None, "127.0.0.1")


def test_no_name_no_sni(pki: LabPki) -> None:
    async def run() -> Observation:
        async with Origin({"x": pki.issue("127.0.0.1")}) as origin:
            return await probe(parse_target(f"127.0.0.1:{origin.port}"))

    transcript = read_transcript(asyncio.run(run()).client_bytes, b"")
    assert transcript.client_hello is not None
    assert transcript.client_hello.sni is None


@pytest.mark.parametrize(
    ("answer", "expected", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not-tls", "plain HTTP"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "captive-portal", "in clear"),
        (b"HTTP/1.0 511 Log in\r\n\r\n", "captive-portal", "511"),
        (b"SSH-2.0-OpenSSH\r\n", "not-tls", "SSH"),
        (b"220 ProFTPD Server\r\n", "not-tls", "--starttls ftp"),
        (b"220 hello\r\n", "not-tls", "--starttls smtp or ftp"),
        (b"220 mx ESMTP\r\n", "not-tls", "--starttls smtp"),
        (b"\x4a\x00\x00\x00\x0a8.0.36\x00", "not-tls", "--starttls mysql"),
        (b"\xde\xad\xbe\xef" * 50, "not-tls", "it said"),
        (encode_record(ALERT, bytes((2, 40))), "no-shared-cipher", "handshake_failure"),
        (encode_record(ALERT, bytes((2, 70))), "version-mismatch", "protocol_version"),
        (encode_record(ALERT, bytes((2, 112))), "sni-unrecognized", "unrecognized_name"),
        (b"\x16\x03\x03\x00\x10" + b"\xff" * 16, "malformed-handshake", "broke the handshake"),
        (server_hello()[:20], "closed-during-handshake", "in the middle"),
        (server_hello(extensions=((43, b"\x03"),)), "malformed-handshake", "broke the handshake"),
        (server_hello(extensions=((16, b"\x00"),)), "malformed-handshake", "broke the handshake"),
        (server_hello(extensions=((51, b"\x00"),)), "malformed-handshake", "broke the handshake"),
        (server_hello(), "closed-during-handshake", "in the middle"),
        (b"", "closed-during-handshake", "after our ClientHello"),
    ],
)
def test_broken_peers_have_their_cause(answer: bytes, expected: str, text: str) -> None:
    seen = probed(sends(answer))
    assert seen.failure is not None
    assert (seen.failure.step, seen.failure.cause) == ("tls", expected)
    assert text in seen.failure.text


def test_a_server_that_talks_first_is_not_tls() -> None:
    assert cause(probed(sends(b"* OK IMAP ready\r\n", hello=False))) == "not-tls"


def test_an_alert_is_kept_with_its_sender() -> None:
    seen = probed(sends(encode_record(ALERT, bytes((2, 40)))))
    assert [(a.sender, a.name) for a in seen.alerts] == [("server", "handshake_failure")]


def test_half_a_handshake_keeps_what_was_chosen() -> None:
    seen = probed(sends(server_hello()))
    assert seen.handshake is not None
    assert (seen.handshake.completed, seen.handshake.version) == (False, "TLSv1.2")


def test_a_reset_is_a_reset() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    assert cause(probed(handler)) == "connection-reset"


def test_silence_ends_with_the_time_out() -> None:
    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    seen = probed(handler, timeout=0.3)
    assert cause(seen) == "silent-drop"
    assert "stays silent" in (seen.failure.text if seen.failure else "")


def test_one_byte_a_second_does_not_buy_more_time() -> None:
    said = 0

    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal said
        for octet in server_hello():
            writer.write(bytes((octet,)))
            await writer.drain()
            said += 1
            await asyncio.sleep(0.1)

    assert cause(probed(handler, timeout=0.5)) == "silent-drop"
    assert said < len(server_hello()) // 2


def test_ten_megabytes_of_certificates_are_not_swallowed() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = probed(sends(server_hello(), certificates(160, 65_000)))
    assert cause(seen) == "malformed-handshake"
    assert len(seen.server_bytes) <= 64 << 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_a_thousand_certificates_are_refused() -> None:
    assert cause(probed(sends(server_hello(), certificates(1000, 1000)))) == "malformed-handshake"


def test_an_endless_stream_of_alerts_ends() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        while not writer.is_closing():
            writer.write(encode_record(ALERT, bytes((1, 90))) * 100)
            await writer.drain()

    assert cause(probed(handler, timeout=100)) == "malformed-handshake"


def test_messages_that_openssl_ignores_for_ever_end_at_a_megabyte() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        while not writer.is_closing():
            # HelloRequest during a handshake is to be ignored (RFC 5246 section 7.4.1.1).
            writer.write(encode_record(HANDSHAKE, encode_message(0, b"") * 4000))
            await writer.drain()

    seen = probed(handler, timeout=30)
    assert seen.failure is not None
    assert (seen.failure.cause, "1024 KiB" in seen.failure.text) == ("malformed-handshake", True)
    assert len(seen.server_bytes) <= 64 << 10


def test_refused_unresolvable_and_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        refused = asyncio.run(probe(parse_target(f"127.0.0.1:{port}")))
    assert cause(refused) == "connection-refused"
    assert cause(asyncio.run(probe(parse_target("nowhere.invalid")))) == "dns-failure"


def test_a_full_backlog_is_a_connection_time_out() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
            fillers.append(filler)
        time.sleep(0.05)
        target = parse_target(f"127.0.0.1:{server.getsockname()[1]}")
        seen = asyncio.run(probe(target, ProbeOptions(timeout=0.4)))
        for filler in fillers:
            filler.close()
    assert (cause(seen), seen.failure.step if seen.failure else "") == ("connection-timeout", "tcp")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 407 x\r\n\r\n", "proxy-auth-required"),
        (b"HTTP/1.1 403 x\r\n\r\n", "proxy-refused"),
        (b"<html>portal</html>\n", "proxy-refused"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>log in</html>", "not-tls"),
    ],
)
def test_proxies_that_do_not_tunnel(answer: bytes, expected: str) -> None:
    async def run() -> Observation:
        async with peer(sends(answer)) as port:
            routing = Routing(parse_proxy(f"http://127.0.0.1:{port}"))
            return await probe(parse_target("a.com"), ProbeOptions(routing=routing, timeout=20))

    seen = asyncio.run(run())
    assert cause(seen) == expected
    assert seen.route.kind == "http-connect"
    assert seen.target.ip is None


def test_a_dead_proxy_is_refused_by_name() -> None:
    routing = Routing(parse_proxy("http://127.0.0.1:1"))
    seen = asyncio.run(probe(parse_target("a.com"), ProbeOptions(routing=routing)))
    assert seen.failure is not None
    assert seen.failure.text == "the proxy at 127.0.0.1:1 refuses the connection"
    assert seen.failure.proxy == ProxyAnswer("down")


def test_an_old_server_is_seen_with_its_old_version(pki: LabPki) -> None:
    async def run() -> Observation:
        origin = Origin({"a.com": pki.issue("a.com")})
        context = origin._default
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.maximum_version = ssl.TLSVersion.TLSv1
        async with origin:
            options = ProbeOptions(connect_to=("127.0.0.1", origin.port))
            return await probe(parse_target("a.com"), options)

    seen = asyncio.run(run())
    assert seen.handshake is not None, seen.failure
    assert seen.handshake.version == "TLSv1"


def bent(flight: bytes, number: int) -> bytes:
    """The flight with a few bytes changed, dropped or repeated; each number its own way."""
    dice = random.Random(number)
    data = bytearray(flight)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(min(len(data), 400))
        change = dice.choice(("flip", "drop", "zero", "insert"))
        if change == "flip":
            data[at] ^= 1 << dice.randrange(8)
        elif change == "drop":
            del data[at : at + dice.randint(1, 5)]
        elif change == "zero":
            data[at : at + 2] = b"\x00\x00"
        else:
            data[at:at] = dice.randbytes(dice.randint(1, 5))
    return bytes(data)


def test_three_hundred_bent_flights_are_three_hundred_observations(
    pki: LabPki, known: Knowledge
) -> None:
    """From socket to record: nothing that a peer sends may end a sweep."""
    genuine = origin_probe(pki, maximum="TLSv1.2", alpn=())
    modern = origin_probe(pki)

    async def one(number: int) -> Observation:
        flight = genuine.server_bytes if number % 2 else modern.server_bytes
        async with peer(sends(bent(flight, number))) as port:
            options = ProbeOptions(timeout=1, connect_to=("127.0.0.1", port))
            return await probe(parse_target("a.com"), options)

    async def all_of_them() -> list[Observation]:
        return [
            seen
            for start in range(0, 300, 50)
            for seen in await asyncio.gather(*(one(n) for n in range(start, start + 50)))
        ]

    seen = asyncio.run(all_of_them())
    assert all(s.failure is not None for s in seen)
    judged = judge_all(seen, known)
    assert "direct" not in {j.verdict for j in judged}
    assert all(encode(j) for j in judged)


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (b"", "fin"),
        (encode_record(ALERT, bytes((2, 40))), "alert"),
        (server_hello()[:20], "fin"),
    ],
)
def test_the_way_a_handshake_ended_is_kept(answer: bytes, how: str) -> None:
    seen = probed(sends(answer))
    assert seen.failure is not None
    assert (seen.failure.how, seen.failure.dialled, seen.failure.spoke) == (how, "server", None)


def test_what_came_instead_is_kept_as_values_and_told_to_programs(known: Knowledge) -> None:
    seen = probed(sends(b"SSH-2.0-dropbear_2022.83\r\n"))
    assert seen.failure is not None
    assert seen.failure.spoke == Spoke("ssh", "SSH-2.0-dropbear_2022.83")
    (judgement,) = judge_all([seen], known)
    error = json.loads(encode(judgement))["error"]
    assert error["spoke"]["protocol"] == "ssh"
    assert json.loads(encode_observation(seen))["failure"]["spoke"]["protocol"] == "ssh"


def test_a_portal_is_one_for_check_too(known: Knowledge) -> None:
    seen = probed(sends(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://p/\r\n\r\n"))
    (judgement,) = judge_all([seen], known)
    assert [one.id for one in judgement.causes] == ["captive-portal"]


def test_a_proxy_that_is_down_is_blamed_and_not_the_server(known: Knowledge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    routing = Routing(parse_proxy(f"http://127.0.0.1:{port}"))
    seen = asyncio.run(probe(parse_target("a.com"), ProbeOptions(routing=routing)))
    assert seen.failure is not None
    assert (seen.failure.cause, seen.failure.how) == ("connection-refused", "refused")
    assert seen.failure.dialled == "proxy"
    (judgement,) = judge_all([seen], known)
    assert [one.party for one in judgement.causes] == ["network"]


def test_a_server_that_refuses_is_blamed_itself(known: Knowledge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    seen = asyncio.run(probe(parse_target(f"127.0.0.1:{port}")))
    assert seen.failure is not None
    assert (seen.failure.cause, seen.failure.dialled) == ("connection-refused", "server")
    (judgement,) = judge_all([seen], known)
    assert [one.party for one in judgement.causes] == ["server"]


@pytest.mark.parametrize("level", [1, 2])
def test_a_goodbye_instead_of_a_hello_is_a_close(level: int) -> None:
    observation = probed(sends(encode_record(ALERT, bytes((level, 0)))))
    assert observation.failure is not None
    assert observation.failure.cause == "closed-during-handshake"
    assert "says goodbye (close_notify) after our ClientHello" in observation.failure.text
