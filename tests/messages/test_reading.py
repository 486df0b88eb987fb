"""Any size and encoding; line numbers stay those of the file."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from detector.messages.reading import WHOLE, lines_of, lines_of_bytes

ERROR = "curl: (60) SSL certificate problem: certificate has expired"
NOISE = "2026-03-01 12:00:00 INFO compiled module 17 of 300 in 40 ms"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_told_from_the_bytes(encoding: str) -> None:
    lines = lines_of_bytes([f"first\r\n{ERROR}\r\n".encode(encoding)])
    assert [(line.number, line.text) for line in lines] == [(1, "first"), (2, ERROR)]


def test_bytes_that_are_no_text_are_replaced() -> None:
    (line,) = lines_of_bytes([b"SSL \xff\xfe error"])
    assert line.text.startswith("SSL ")


def test_a_character_may_lie_across_two_chunks() -> None:
    data = "Zertifikat ungültig".encode()
    at = data.index(b"\xc3") + 1
    assert lines_of_bytes([data[:at], data[at:]])[0].text == "Zertifikat ungültig"


def test_a_short_text_is_kept_whole() -> None:
    assert len(lines_of("\n".join([NOISE] * 200))) == 200


def test_of_a_long_log_what_stands_near_words_of_tls_is_kept_with_its_numbers() -> None:
    many = WHOLE // len(NOISE) + 500
    log = "\n".join([NOISE] * many + [ERROR] + [NOISE] * many)
    lines = lines_of(log)
    assert len(lines) < 60
    assert next(line.number for line in lines if line.text == ERROR) == many + 1


def test_the_beginning_of_a_long_log_is_looked_through_as_well() -> None:
    log = "\n".join([ERROR] + [NOISE] * (2 * WHOLE // len(NOISE)))
    assert lines_of(log)[0].text == ERROR


def test_memory_does_not_grow_with_the_log() -> None:
    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield f"{NOISE}\n{ERROR}\n".encode() * 500

    def peak(count: int) -> int:
        tracemalloc.start()
        lines_of_bytes(chunks(count))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    lines_of_bytes(chunks(1))
    assert peak(60) < 1.3 * peak(20) + (1 << 20)


def test_a_file_without_line_ends_is_cut() -> None:
    lines = lines_of("SSL error " * 200_000)
    assert all(len(line.text) <= 16 << 10 for line in lines)
