"""Answers of nl80211, by its header (nl80211.h): recorded by hand, no card was near."""

from __future__ import annotations

import struct

from detector.agent.senses.wireless import read_family, read_ssid, ssid_of
from detector.net.netlink import Message


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


HEAD = struct.pack("=BBH", 7, 1, 0)


def test_the_name_of_the_network_is_read_whatever_stands_around_it() -> None:
    body = HEAD + attribute(3, struct.pack("=I", 3)) + attribute(4, b"wlan0\0")
    assert read_ssid([Message(28, body + attribute(52, b"cafe \xff"))]) == b"cafe \xff"
    assert read_ssid([Message(28, body)]) is None
    assert read_ssid([Message(28, body + attribute(52, b"x" * 33))]) is None
    assert read_ssid([Message(28, b"")]) is None


def test_the_familys_number_is_read() -> None:
    body = HEAD + attribute(2, b"nl80211\0") + attribute(1, struct.pack("=H", 28))
    assert read_family([Message(16, body)]) == 28
    assert read_family([]) is None


def test_a_machine_without_a_wireless_card_is_in_no_such_network() -> None:
    assert ssid_of(1) is None
