import pytest

from detector.errors import DialError
from detector.net.dialogue import Inbox
from detector.wire.greeting import printable
from tests.net.transcripts import play


def lines(count: int):  # type: ignore[no-untyped-def]
    inbox = Inbox("proxy", "proxy-refused")
    found: list[bytes] = []
    while len(found) < count:
        line = yield from inbox.line()
        found.append(line)
    return b"|".join(found) + b"+" + inbox.rest()


def test_lines_come_out_of_any_segmentation() -> None:
    assert play(lines(2), b"one\r\ntw", b"o\nrest")[1] == b"one|two+rest"


def test_the_end_of_the_stream_is_an_error_of_the_step() -> None:
    with pytest.raises(DialError, match="closed in mid-conversation after 'par'") as caught:
        play(lines(1), b"par")
    assert (caught.value.step, caught.value.cause) == ("proxy", "proxy-refused")


def test_an_endless_line_is_cut_off() -> None:
    with pytest.raises(DialError, match="more than 65536 bytes"):
        play(lines(1), *[b"x" * 30_000] * 5)


def test_what_a_peer_says_cannot_steer_the_terminal() -> None:
    assert printable(b"\x1b[31mred\x07\xff") == ".[31mred.ÿ"
