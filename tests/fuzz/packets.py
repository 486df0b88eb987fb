"""Targets of what packets carry: frames and tunnels, QUIC's packets, DNS answers, one connection followed."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from detector.capture.following import follow
from detector.capture.layers import Layers
from detector.capture.outer_names import OuterNames
from detector.capture.packet_file import PacketFile
from detector.wire.compressed_certificate import MAX_CERTIFICATE, unpacked_certificate
from detector.wire.quic_packets import Frames
from tests.capture import packets as p
from tests.capture.test_outer_names import answer
from tests.capture.test_quic import key_log, talk
from tests.capture.tunnelled import WAYS
from tests.fuzz.target import Target
from tests.wire.test_compressed_certificate import MESSAGE, PACK, packed

_MOST_STEPS = 1000
_FRAMES: Final = (
    b"\x02\x05\x00\x01\x01\x01\x01" + b"\x06\x00\x02ab" + b"\x18\x01\x00\x04" + bytes(20)
)


def targets() -> dict[str, Target]:
    """By name."""
    quic, secrets = _quic()
    keys = key_log(secrets)

    def followed(data: bytes) -> None:
        """Each connection of a capture followed, with a key log: bounded, and all of its packets found."""
        for c in p.read(data, keys, limit=64)[:8]:
            parts = iter([data])
            found = follow(c, PacketFile(lambda _, parts=parts: next(parts, b"")), keys)
            assert found.packets == c.packets
            assert len(found.steps) <= _MOST_STEPS

    frames = [
        way.link.to_bytes(2) + way.frames(p.tcp(p.CLIENT, p.SERVER, (50000, 443), 1, 0, p.SYN))[0]
        for way in WAYS.values()
    ]
    return {
        "frames": Target(_frame, tuple(frames)),
        "dns-answers": Target(_answer, (answer(), answer("0 other.example."))),
        "compressed-certificate": Target(
            _unpacked, tuple(packed(number, pack(MESSAGE)) for number, pack in PACK.items())
        ),
        "quic-frames": Target(_quic_frames, (_FRAMES + b"\x1c\x41\x2a\x06\x00", b"\x0a\x04\x02hi")),
        "capture-followed": Target(followed, (quic, _tcp())),
    }


def _frame(data: bytes) -> None:
    """A frame of any link layer: what it carries lies inside of it, or of what was joined."""
    found = Layers().unpack(int.from_bytes(data[:2]), data, 2, len(data))
    if found is not None:
        protocol, key, _, buffer, at, stored, _ = found
        assert protocol in (6, 17)
        assert len(key) in (12, 36)
        assert 0 <= at <= stored <= len(buffer)


def _answer(data: bytes) -> None:
    """A DNS answer, of which outer names are learned."""
    OuterNames().learn(data)


def _unpacked(data: bytes) -> None:
    """A compressed certificate, never longer than it may be."""
    assert len(unpacked_certificate(data)) <= MAX_CERTIFICATE


def _quic_frames(data: bytes) -> None:
    """The frames of an opened packet of QUIC."""
    frames = Frames()
    frames.add(data)
    assert len(frames.crypto) <= 1 << 16


def _quic() -> tuple[bytes, StringIO]:
    secrets = StringIO()
    with TemporaryDirectory() as folder:
        return p.pcap(talk(Path(folder), keys=secrets), 101), secrets


def _tcp() -> bytes:
    talk = p.Talk().open().client(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00").close()
    return p.pcap(talk.packets, 101)
