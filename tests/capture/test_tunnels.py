"""TLS is found whatever carries it; what only uses a tunnel's port is no tunnel."""

from __future__ import annotations

import struct

import pytest

from detector.capture.layers import Layers
from tests.capture import packets as p
from tests.capture.tunnelled import OUTER, WAYS, Carried

Said = list[tuple[bool, bytes]]


def talk(said: Said, client: str, server: str) -> list[bytes]:
    made = p.Talk(client, server).open()
    for from_client, data in said:
        for at in range(0, len(data), 1200):
            made.send(from_client, data[at : at + 1200])
    return made.close().packets


@pytest.mark.parametrize(
    "ends", [(p.CLIENT, p.SERVER), ("2001:db8::9", "2001:db8::5")], ids=["IPv4", "IPv6"]
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_connection_inside_is_the_connection(
    way: Carried, ends: tuple[str, str], tls12: Said
) -> None:
    frames = [frame for packet in talk(tls12, *ends) for frame in way.frames(packet)]
    (c,) = p.read(p.pcap(frames, way.link))
    assert (c.client, c.server, c.sni) == (*ends, "www.example.org")
    assert c.completed
    assert len(c.chain) == 2


HEAD = struct.pack(">IIBBHHH", 0, 0, 0x50, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("port", "payload"),
    [
        (2152, b"\x32\xff\0\x04" + bytes(60)),  # the inside is no IP
        (2152, b"\x30\xff\xff\xff" + bytes(4) + b"\x45" + bytes(60)),  # longer than the datagram
        (2152, b"\x30\x01" + bytes(60)),  # an echo request
        (2152, b"\x34\xff\0\x3c" + bytes(7) + b"\x85" + bytes(60)),  # an extension header of no length
        (6081, b"\x3f\0\x65\x58" + bytes(60)),  # options beyond the datagram
        (6081, b"\x40\0\x65\x58" + bytes(60)),  # another version
        (5247, b"\x01" + bytes(60)),  # DTLS
        (5247, b"\0\x10\x02\x08" + bytes(60)),  # keeps the way open
        (5247, b"\0\0\x02\0" + bytes(60)),  # a header of no length
        (4789, b"\0" * 60),
        (37008, b"\x01\0\0\x01" + b"\0" * 90),  # the last tag is missing
        (3544, b"\x60\0\0\0\xff\xff" + bytes(60)),  # longer than the datagram
    ],
)  # fmt: skip
def test_what_only_uses_a_tunnels_port_is_a_datagram(port: int, payload: bytes) -> None:
    packet = p.udp(*OUTER, (5000, port), payload)
    found = Layers().unpack(101, packet, 0, len(packet))
    assert found is not None
    assert found[1][-2:] == port.to_bytes(2, "big")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_frame_cut_anywhere_is_no_error(way: Carried) -> None:
    packet = p.tcp(p.CLIENT, p.SERVER, (50000, 443), 1, 0, p.SYN)
    for frame in way.frames(packet):
        for end in range(len(frame)):
            Layers().unpack(way.link, frame[:end], 0, end)


def test_tunnels_in_tunnels_end() -> None:
    packet = p.tcp(p.CLIENT, p.SERVER, (50000, 443), 1, 0, p.SYN)
    for _ in range(40):
        packet = p.ip(*OUTER, 47, b"\0\0\x08\0" + packet)
    assert Layers().unpack(101, packet, 0, len(packet)) is None
