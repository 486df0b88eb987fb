"""The kernel is asked and heard; what nobody but it may say is dropped."""

from __future__ import annotations

import socket
import struct

import pytest

from detector.net.netlink import ROUTE, Listener, Message, ask, is_there, messages


def message(kind: int, body: bytes = b"") -> bytes:
    whole = struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body
    return whole + bytes(-len(whole) % 4)


def test_messages_of_a_datagram_come_one_after_the_other() -> None:
    data = message(16, b"abc") + message(20) + message(24, b"12345678")
    assert list(messages(data)) == [Message(16, b"abc"), Message(20, b""), Message(24, b"12345678")]


@pytest.mark.parametrize("length", [0, 15, 17, 1 << 31])
def test_a_length_that_cannot_be_ends_it(length: int) -> None:
    data = message(16) + struct.pack("=IHHII", length, 16, 0, 1, 0)
    assert list(messages(data)) == [Message(16, b"")]


def test_the_kernel_lists_its_links() -> None:
    assert is_there()
    found = ask(18, bytes(16))  # RTM_GETLINK
    assert {one.kind for one in found} == {16}


def test_a_question_that_it_refuses_has_no_answer() -> None:
    assert ask(18, b"", every=False) == []
    assert ask(9999, bytes(16)) == []


def test_nobody_but_the_kernel_is_heard() -> None:
    """Another program may send to our address only where it has the right to; then it is not believed."""
    with Listener(0) as heard:
        assert heard.heard() == ([], False)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE) as stranger:
            stranger.bind((0, 0))
            address = socket.fromfd(heard.fileno(), socket.AF_NETLINK, socket.SOCK_RAW)
            with address:
                number = address.getsockname()[0]
            try:
                stranger.sendto(message(16, b"forged"), (number, 0))
            except PermissionError:
                return
        assert heard.heard() == ([], False)
