"""Packets written by hand: frames of a conversation, and the file around them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address

from detector.capture.connection import Connection
from detector.capture.flow_table import FlowTable
from detector.capture.keylog import KeyLog
from detector.capture.packet_file import PacketFile
from detector.capture.reading import Reading

SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8
CLIENT, SERVER = "10.0.0.9", "192.0.2.5"
START = 1_790_000_000


def tcp(
    source: str, target: str, ports: tuple[int, int], seq: int, ack: int, flags: int,
    payload: bytes = b"", *, ttl: int = 64, window: int = 502,
) -> bytes:  # fmt: skip
    """An IP packet, v4 or v6 as the addresses are."""
    head = struct.pack(
        ">HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, window, 0, 0
    )
    return ip(source, target, 6, head + payload, ttl=ttl)


def udp(source: str, target: str, ports: tuple[int, int], payload: bytes) -> bytes:
    return ip(source, target, 17, struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload)


def ip(source: str, target: str, protocol: int, body: bytes, *, ttl: int = 64) -> bytes:
    one, other = ip_address(source).packed, ip_address(target).packed
    if len(one) == 16:
        return struct.pack(">IHBB", 0x60000000, len(body), protocol, ttl) + one + other + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0x4000, ttl, protocol, 0)
    return head + one + other + body


def ethernet(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return bytes(12) + b"".join(b"\x81\x00" + t.to_bytes(2, "big") for t in tags) + kind + packet


def pcap(
    frames: Iterable[bytes], link: int = 1, *, step: float = 0.001, big: bool = False,
    leaps: Mapping[int, float] | None = None,
) -> bytes:  # fmt: skip
    """A file of packets `step` seconds apart; before some, by number, the clock leaps by so many seconds."""
    order = ">" if big else "<"
    start: float = START
    out = [struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
    for number, frame in enumerate(frames):
        start += (leaps or {}).get(number, 0.0)
        at = start + number * step
        out.append(
            struct.pack(f"{order}IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame
        )
    return b"".join(out)


def pcapng(frames: Iterable[bytes], link: int = 1, secrets: bytes = b"", *, unit: int = 6) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = len(body) + 12
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)

    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    out.append(block(1, struct.pack("<HHI", link, 0, 0) + struct.pack("<HHB3x", 9, 1, unit)))
    if secrets:
        out.append(block(10, struct.pack("<II", 0x544C534B, len(secrets)) + secrets))
    for number, frame in enumerate(frames):
        ticks = int((START + number * 0.001) * 10**unit)
        head = struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
        out.append(block(6, head + frame))
    return b"".join(out)


class Talk:
    """A TCP conversation, said line by line; `packets` are IP packets."""

    def __init__(
        self, client: str = CLIENT, server: str = SERVER, port: int = 443, own: int = 50000,
        start: tuple[int, int] = (1000, 9000),
    ) -> None:  # fmt: skip
        self.packets: list[bytes] = []
        self._names = {True: client, False: server}
        self._ports = {True: (own, port), False: (port, own)}
        self._seq = {True: start[0], False: start[1]}

    def send(
        self, from_client: bool, payload: bytes = b"", flags: int = ACK, *, ttl: int = 64,
        move: bool = True, at: int | None = None,
    ) -> Talk:  # fmt: skip
        seq = self._seq[from_client] if at is None else at
        self.packets.append(
            tcp(
                self._names[from_client], self._names[not from_client], self._ports[from_client],
                seq, self._seq[not from_client], flags, payload, ttl=ttl,
            )
        )  # fmt: skip
        if move and at is None:
            self._seq[from_client] += len(payload) + bool(flags & (SYN | FIN))
        return self

    def move(self, client: bool, count: int) -> Talk:
        """As if that side had sent so many bytes more."""
        self._seq[client] += count
        return self

    def open(self) -> Talk:
        return self.send(True, flags=SYN).send(False, flags=SYN | ACK).send(True)

    def client(self, payload: bytes) -> Talk:
        return self.send(True, payload, PSH | ACK).send(False)

    def server(self, payload: bytes) -> Talk:
        return self.send(False, payload, PSH | ACK).send(True)

    def close(self, by_client: bool = True) -> Talk:
        return (
            self.send(by_client, flags=FIN | ACK)
            .send(not by_client, flags=FIN | ACK)
            .send(by_client)
        )


def read(data: bytes, keys: KeyLog | None = None, limit: int = 1000) -> list[Connection]:
    """Every connection of a file."""
    stream = memoryview(data)
    place = 0

    def take(size: int) -> bytes:
        nonlocal place
        found = bytes(stream[place : place + size])
        place += len(found)
        return found

    reading = Reading(keys)
    table = FlowTable(
        limit, keys.__contains__ if keys is not None else None, settled=reading.settle
    )
    reading.surroundings = table.datagrams.surroundings
    found = (reading.connection(flow) for flow in table.run(PacketFile(take)))
    return [connection for connection in found if connection is not None]


def one(packets: Iterable[bytes], link: int = 101) -> Connection:
    """The only connection of some packets."""
    (found,) = read(pcap(packets, link))
    return found
