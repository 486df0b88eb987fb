"""Encrypted Client Hello: a name is told to stand for others where somebody says so, else nothing is said."""

from __future__ import annotations

import base64

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.capture.connection import Connection
from detector.capture.flow_table import FlowTable
from detector.capture.outer_names import OuterNames
from detector.capture.packet_file import PacketFile
from detector.capture.reading import Reading
from detector.knowledge.ech_outer_names import ech_outer_names
from detector.wire import hello as h
from detector.wire import registry as r
from tests.capture import packets as p

# A configuration whose public name is public.example: HPKE X25519, one suite, no extensions.
_CONFIG = b"\x01\0\x20\0\x20" + bytes(32) + b"\0\x04\0\x01\0\x01\0\x0epublic.example\0\0"
CONFIGS = (len(_CONFIG) + 4).to_bytes(2) + b"\xfe\x0d" + len(_CONFIG).to_bytes(2) + _CONFIG


def answer(record: str = "") -> bytes:
    """A DNS answer with an HTTPS record."""
    query = dns.message.make_query("hidden.example", "HTTPS")
    made = dns.message.make_response(query)
    given = record or f"1 . alpn=h2 ech={base64.b64encode(CONFIGS).decode()}"
    made.answer.append(dns.rrset.from_text("hidden.example.", 300, "IN", "HTTPS", given))
    return made.to_wire()


def hello(name: str, *, ech: bool) -> bytes:
    """A client's record."""
    extensions = [h.server_name(name), h.supported_versions((0x0304,))]
    if ech:
        extensions.append((r.ENCRYPTED_CLIENT_HELLO, b"\0" * 20))
    made = h.ClientHello(0x0303, bytes(32), b"", (0x1301,), b"\0", tuple(extensions))
    return h.client_hello_record(made)


def first(name: str, *, ech: bool = True, before: bytes = b"", port: int = 53) -> Connection:
    packets = [p.udp("192.0.2.53", p.CLIENT, (port, 40000), before)] if before else []
    packets += p.Talk().open().client(hello(name, ech=ech)).packets
    reading = Reading()
    table = FlowTable(1000)
    reading.surroundings = table.datagrams.surroundings
    data = p.pcap(packets, 101)
    parts = iter([data])
    found = [reading.connection(flow) for flow in table.run(PacketFile(lambda _: next(parts, b"")))]
    (one,) = [c for c in found if c is not None]
    return one


def test_the_name_of_a_dns_answer_in_the_capture_is_an_outer_one() -> None:
    assert first("public.example", before=answer()).ech == "outer"
    assert first("PUBLIC.example", before=answer()).ech == "outer"


def test_grease_looks_the_same_and_is_only_an_offer() -> None:
    assert first("public.example").ech == "offered"
    assert first("www.example", before=answer()).ech == "offered"


def test_a_hello_without_the_extension_hides_nothing() -> None:
    assert first("public.example", ech=False, before=answer()).ech is None


def test_only_answers_of_name_servers_count() -> None:
    assert first("public.example", before=answer(), port=5353).ech == "offered"


def test_the_shipped_names_are_known() -> None:
    assert "cloudflare-ech.com" in OuterNames(ech_outer_names())
    assert "www.cloudflare.com" not in OuterNames(ech_outer_names())


@pytest.mark.parametrize("end", range(0, len(answer()), 3))
def test_an_answer_cut_anywhere_is_no_error(end: int) -> None:
    OuterNames().learn(answer()[:end])


@given(st.integers(0, len(answer()) - 1), st.integers(0, 255))
def test_an_answer_bent_anywhere_is_no_error(at: int, byte: int) -> None:
    bent = bytearray(answer())
    bent[at] = byte
    OuterNames().learn(bytes(bent))


def test_names_are_bounded() -> None:
    names = OuterNames(f"n{n}.example" for n in range(4096))
    names.learn(answer())
    assert "public.example" not in names
