import pytest

from detector.errors import WireError
from detector.wire.reader import Reader


def test_reads_integers_and_vectors_in_order() -> None:
    read = Reader(b"\x01\x00\x02ab\x00")
    assert read.uint(1, "one") == 1
    assert read.vector(2, "two").rest() == b"ab"
    assert read.rest() == b"\x00"


def test_a_vector_that_promises_more_than_is_left_names_its_offset() -> None:
    read = Reader(b"\x00\x05abc", base=100)
    with pytest.raises(WireError) as caught:
        read.vector(2, "name")
    assert caught.value.offset == 102


def test_offsets_of_nested_vectors_count_from_the_whole_input() -> None:
    outer = Reader(b"\xff\x00\x04\x00\x09xx", base=10)
    outer.take(1, "junk")
    inner = outer.vector(2, "outer")
    with pytest.raises(WireError) as caught:
        inner.vector(2, "inner")
    assert caught.value.offset == 10 + 5


def test_an_odd_list_of_16_bit_values_is_an_error() -> None:
    with pytest.raises(WireError, match="odd length 3"):
        Reader(b"abc").uint16_list("ciphers")


def test_done_refuses_what_is_left_over() -> None:
    read = Reader(b"ab")
    read.take(1, "a")
    with pytest.raises(WireError, match="1 bytes too many at byte 1"):
        read.done("message")
