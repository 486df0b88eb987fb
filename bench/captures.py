"""Captures for the benchmark, made from real handshakes: OpenSSL talks to itself in memory, and what it says
is cut into the packets of an Ethernet.
"""

from __future__ import annotations

import hashlib
import ssl
import struct
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from detector import clock
from detector.lab.pki import LabPki

MSS = 1448
_ETHERNET = bytes(12) + b"\x08\x00"
_OPTIONS = b"\x01\x01\x08\x0a" + bytes(8)
Segment = tuple[bool, int, bytes]  # from the client, TCP flags, payload
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
_SYN, _ACK, _FIN, _PSH = 2, 16, 1, 8


def conversation(
    version: ssl.TLSVersion, response: int, *, trusted: bool = True, expired: bool = False
) -> list[Segment]:
    """A whole connection: handshake with a chain of RSA keys, a request, an answer, and the end."""
    pki = LabPki()
    names = ["www.example.org", "example.org", *(f"host-{n}.example.org" for n in range(8))]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    start = clock.now() - timedelta(days=91 if expired else 1)
    credential = pki.issue(*names, key=key, start=start)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write((credential.chain_pem + credential.key_pem).encode())
        file.flush()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file.name)
    client = ssl.create_default_context(cadata=pki.root.pem if trusted else LabPki().root.pem)
    for context in (client, server):
        context.minimum_version = context.maximum_version = version
    client.set_alpn_protocols(["h2", "http/1.1"])
    said = list(_talk(client, server, response))
    opening = [(True, _SYN, b""), (False, _SYN | _ACK, b""), (True, _ACK, b"")]
    ending = [(True, _FIN | _ACK, b""), (False, _FIN | _ACK, b""), (True, _ACK, b"")]
    return [*opening, *_segments(said), *ending]


def _talk(
    client: ssl.SSLContext, server: ssl.SSLContext, response: int
) -> Iterator[tuple[bool, bytes]]:
    pipes = [ssl.MemoryBIO() for _ in range(4)]
    ours = client.wrap_bio(pipes[0], pipes[1], server_hostname="www.example.org")
    theirs = server.wrap_bio(pipes[2], pipes[3], server_side=True)
    for _ in range(4):
        for from_client, end, out, into in (
            (True, ours, pipes[1], pipes[2]),
            (False, theirs, pipes[3], pipes[0]),
        ):
            refused = False
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                refused = True
            data = out.read()
            into.write(data)
            if data:
                yield from_client, data
            if refused:
                return
    ours.write(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n" + b"x" * 300)
    yield True, pipes[1].read()
    for start in range(0, response, 8192):
        theirs.write(b"y" * min(8192, response - start))
    yield False, pipes[3].read()


def _segments(said: list[tuple[bool, bytes]]) -> Iterator[Segment]:
    for from_client, data in said:
        for number, start in enumerate(range(0, len(data), MSS)):
            yield from_client, _ACK | _PSH, data[start : start + MSS]
            if number % 2:
                yield not from_client, _ACK, b""
        yield not from_client, _ACK, b""


class Writer:
    """Writes a conversation again and again, each time from another client.

    The hellos' randoms and session ids are others each time, as they are on a real wire: nothing is to be gained
    by remembering a hello whole.
    """

    def __init__(self, segments: list[Segment]) -> None:
        self._frames: list[tuple[bytearray, bool]] = []
        self._chosen: list[tuple[bytearray, int, int]] = []  # what chance fills: frame, place, size
        seq = {True: 1000, False: 2000}
        for from_client, flags, payload in segments:
            total = 52 + len(payload)
            source, target = (b"\x0a\0\0\1", b"\xc0\0\2\1") if from_client else (
                b"\xc0\0\2\1", b"\x0a\0\0\1")  # fmt: skip
            ports = (40000, 443) if from_client else (443, 40000)
            ip = struct.pack(">BBHHHBBH", 0x45, 0, total, 1, 0x4000, 64, 6, 0) + source + target
            tcp = struct.pack(
                ">HHIIBBHHH", *ports, seq[from_client], seq[not from_client], 0x80, flags, 501, 0, 0
            )
            frame = _ETHERNET + ip + tcp + _OPTIONS + payload
            head = struct.pack("<IIII", 0, 0, len(frame), len(frame))
            written = bytearray(head + frame)
            self._frames.append((written, from_client))
            if payload[:1] == b"\x16" and payload[5:6] in (b"\x01", b"\x02"):
                start = len(written) - len(payload)
                self._chosen.append((written, start + 11, 32))
                self._chosen.append((written, start + 44, min(payload[43], 32)))
            seq[from_client] += len(payload) + bool(flags & 3)
        self.size = sum(len(frame) for frame, _ in self._frames)

    def connection(self, number: int, seconds: int) -> bytes:
        """The conversation of one client: its address and port follow from the number."""
        address = (0x0A000001 + number // 20000).to_bytes(4, "big")
        port = (20000 + number % 20000).to_bytes(2, "big")
        chance = hashlib.sha256(number.to_bytes(8, "big")).digest()
        for frame, place, size in self._chosen:
            frame[place : place + size] = chance[:size]
        out: list[bytes] = []
        for frame, from_client in self._frames:
            frame[0:4] = seconds.to_bytes(4, "little")
            ip = 30 + 12
            if from_client:
                frame[ip : ip + 4], frame[ip + 8 : ip + 10] = address, port
            else:
                frame[ip + 4 : ip + 8], frame[ip + 10 : ip + 12] = address, port
            out.append(bytes(frame))
        return b"".join(out)


def write_handshakes(path: Path, megabytes: int, response: int = 6000) -> int:
    """Handshakes of TLS 1.2 and 1.3, one in a hundred refused; how many connections it holds."""
    writers = [
        Writer(conversation(ssl.TLSVersion.TLSv1_3, response)),
        Writer(conversation(ssl.TLSVersion.TLSv1_2, response)),
    ]
    refused = Writer(conversation(ssl.TLSVersion.TLSv1_2, response, trusted=False))
    size = number = 0
    with path.open("wb") as file:
        file.write(HEADER)
        while size < megabytes << 20:
            writer = refused if number % 100 == 99 else writers[number % 2]
            data = writer.connection(number, 1_790_000_000 + number // 500)
            size += file.write(data)
            number += 1
    return number


def write_flood(path: Path, count: int) -> None:
    """SYNs that nobody answers, each from another client."""
    syn = Writer([(True, _SYN, b"")])
    with path.open("wb") as file:
        file.write(HEADER)
        for number in range(count):
            file.write(syn.connection(number, 1_790_000_000 + number // 5000))


def write_bulk(path: Path, megabytes: int) -> int:
    """A few connections with a megabyte each."""
    writer = Writer(conversation(ssl.TLSVersion.TLSv1_3, 1 << 20))
    size = number = 0
    with path.open("wb") as file:
        file.write(HEADER)
        while size < megabytes << 20:
            size += file.write(writer.connection(number, 1_790_000_000 + number))
            number += 1
    return number
