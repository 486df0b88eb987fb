import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import WireError
from detector.wire.records import (
    HANDSHAKE,
    MAX_RECORD,
    HandshakeReader,
    RecordReader,
    encode_message,
    encode_record,
)


def test_one_record_cut_into_single_bytes_comes_out_whole() -> None:
    reader = RecordReader()
    wire = encode_record(HANDSHAKE, b"hello")
    found = [record for byte in wire for record in reader.feed(bytes((byte,)))]
    assert [(r.type, r.payload, r.offset) for r in found] == [(22, b"hello", 0)]
    assert reader.pending == 0


def test_records_know_their_offset_in_the_stream() -> None:
    reader = RecordReader()
    reader.feed(encode_record(HANDSHAKE, b"12345"))
    (second,) = reader.feed(encode_record(HANDSHAKE, b"x"))
    assert second.offset == 10


@pytest.mark.parametrize(
    ("wire", "complaint"),
    [
        (b"HTTP/1.1 400", "record type 72"),
        (b"\x16\x02\x00\x00\x05", "record version 0x0200"),
        (b"\x16\x03\x03\xff\xff", "65535 bytes"),
    ],
)
def test_what_is_no_tls_is_refused_at_its_offset(wire: bytes, complaint: str) -> None:
    with pytest.raises(WireError, match=complaint):
        RecordReader().feed(wire)


def test_an_unfinished_record_holds_at_most_one_records_worth() -> None:
    reader = RecordReader()
    head = b"\x16\x03\x03" + MAX_RECORD.to_bytes(2, "big")
    reader.feed(head + bytes(MAX_RECORD - 1))
    assert reader.pending == MAX_RECORD + 4


def test_a_message_spread_over_three_records_is_joined() -> None:
    reader = HandshakeReader()
    wire = encode_message(1, b"abcdefgh")
    assert reader.feed(wire[:3]) == []
    assert reader.feed(wire[3:7]) == []
    (message,) = reader.feed(wire[7:] + encode_message(2, b"")[:2])
    assert (message.type, message.body, message.offset) == (1, b"abcdefgh", 0)
    assert reader.pending == 2


def test_a_message_that_claims_sixteen_megabytes_is_refused_at_once() -> None:
    with pytest.raises(WireError, match="16777215 bytes"):
        HandshakeReader().feed(b"\x0b\xff\xff\xff")


@given(st.binary(max_size=40_000), st.integers(1, 5000))
def test_any_payload_survives_records_and_any_segmentation(payload: bytes, step: int) -> None:
    wire = encode_record(HANDSHAKE, payload)
    reader = RecordReader()
    found = [
        record
        for start in range(0, len(wire), step)
        for record in reader.feed(wire[start : start + step])
    ]
    assert b"".join(r.payload for r in found) == payload
    assert all(len(r.payload) <= 1 << 14 for r in found)
