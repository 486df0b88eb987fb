"""One connection followed through its capture: every message with its time, and how the network carried it.

Theory of operation
-------------------
Finding connections is one pass over a file, and that pass must be fast: it keeps no times of messages. To follow one
connection is a second pass, which looks at its packets alone. Which those are is known: packets with its addresses
and ports, from its first one on, as many as the first pass counted. So both passes agree also where ports are used
again, and where the first pass gave a connection up early.

A message's time is that of the packet with its last byte, as Wireshark has it. Records that nobody can read are
joined as long as they follow each other in one direction; of a long transfer the first and the last steps are kept.

Retransmissions are told as Wireshark tells them: bytes that came before, or that fill a hole later than packets that
overtake each other would. One byte before the next one is a keep-alive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

import msgspec

from detector.capture.connection import Connection, Sender
from detector.capture.datagrams import turned
from detector.capture.followed_datagrams import DatagramFollower
from detector.capture.followed_stream import StreamFollower
from detector.capture.keylog import KeyLog
from detector.capture.layers import TCP, UDP, Layers
from detector.capture.packet_file import Packet
from detector.capture.steps import Step, Steps


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A connection in detail.

    Attributes:
        steps: what was said, in order; of a long connection its beginning and its end.
        left_out: how many steps there were in between.
        packets: how many of its packets were found; `first_packet` and `last_packet` are places in the file.
        bytes: what each side sent above TCP or UDP; what came twice is counted once.
        retransmitted: packets of each side that came again, or that filled a hole late.
        overtaken: packets of each side that came out of order.
        ms: how long it took, in milliseconds, measured where it was captured: "rtt" of TCP's three-way handshake,
            of which "rtt-server" is beyond the capture and "rtt-client" before it; "first-byte" from the ClientHello
            to what the server said next; "answer" from the client's first data to what the server said next, which
            in TLS 1.3 may be a session ticket.
        display_filter: for Wireshark: selects its packets and no others.

    """

    steps: tuple[Step, ...]
    left_out: int
    packets: int
    first_packet: int
    last_packet: int
    bytes: dict[Sender, int]
    retransmitted: dict[Sender, int]
    overtaken: dict[Sender, int]
    ms: dict[str, float]
    display_filter: str


# Place in the file, time, who sent it, the transport's header and payload: buffer, start, captured and real end.
OwnPacket = tuple[int, float, Sender, bytes, int, int, int]


def packets_of(c: Connection, packets: Iterable[Packet]) -> Iterator[OwnPacket]:
    """The packets of one connection out of all of its file.

    Args:
        c: the connection, as the first pass gave it.
        packets: of the same file, from its beginning.

    """
    ours = _key(c)
    theirs = turned(ours)
    wanted = TCP if c.transport == "tcp" else UDP
    layers = Layers()
    left = c.packets
    for number, (time, link, frame, start, end, _) in enumerate(packets, 1):
        found = layers.unpack(link, frame, start, end)
        if number < c.number or found is None:
            continue
        protocol, key, _, buffer, place, stored, stop = found
        if protocol == wanted and key in (ours, theirs):
            yield number, time, "client" if key == ours else "server", buffer, place, stored, stop
            left -= 1
            if left <= 0:
                return


def follow(c: Connection, packets: Iterable[Packet], keys: KeyLog | None = None) -> Followed:
    """Follow a connection through its file.

    Args:
        c: the connection, as the first pass gave it.
        packets: of the same file, from its beginning.
        keys: secrets of TLS 1.3, for the names of what is encrypted.

    """
    steps = Steps()
    side: StreamFollower | DatagramFollower
    side = StreamFollower(steps, c, keys) if c.transport == "tcp" else DatagramFollower(steps, c)
    seen = first = last = 0
    for number, time, sender, buffer, place, stored, stop in packets_of(c, packets):
        seen += 1
        first = first or number
        last = number
        side.packet(number, time, sender, buffer, place, stored, stop)
    side.finish()
    kept, left_out = steps.kept()
    return Followed(
        steps=kept,
        left_out=left_out,
        packets=seen,
        first_packet=first,
        last_packet=last,
        bytes=side.bytes,
        retransmitted=side.retransmitted,
        overtaken=side.overtaken,
        ms={name: round(seconds * 1000, 3) for name, seconds in side.seconds().items()},
        display_filter=display_filter(c, first, last),
    )


def display_filter(c: Connection, first: int, last: int) -> str:
    """What selects packets of a connection in Wireshark, and no others.

    Ports are used again, so the places of its first and last packet belong to it. An ICMP message quotes the packet
    that it is about, and Wireshark finds the quoted ports too.
    """
    six = ":" in c.client
    ip, icmp = ("ipv6", "icmpv6") if six else ("ip", "icmp")
    layer = c.transport
    ways = (
        f"({ip}.src == {a} && {layer}.srcport == {m} && {ip}.dst == {b} && {layer}.dstport == {n})"
        for a, m, b, n in (
            (c.client, c.client_port, c.server, c.server_port),
            (c.server, c.server_port, c.client, c.client_port),
        )
    )
    return f"frame.number >= {first} && frame.number <= {last} && ({' || '.join(ways)}) && !{icmp}"


def _key(c: Connection) -> bytes:
    """Addresses and ports as packets of the client have them."""
    return (
        ip_address(c.client).packed
        + ip_address(c.server).packed
        + c.client_port.to_bytes(2)
        + c.server_port.to_bytes(2)
    )
