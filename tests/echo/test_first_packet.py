"""What a SYN says is read from headers as systems really sent them."""

from __future__ import annotations

import pytest

from detector.echo.first_packet import FirstPacket, first_packet

# Debian 12, over Ethernet, as the server's system kept it (TCP_SAVED_SYN).
LINUX = bytes.fromhex(
    "4500003c1c46400040060000c0a80102c0a80101"
    "d43401bb00000001000000 00a002faf00000 0000 020405b40402080a3f3c9a1b0000000001030307".replace(
        " ", ""
    )
)
# Windows 10, one router away.
WINDOWS = bytes.fromhex(
    "450000340000400 07f0600000a0000020a000001c35001bb0000000100000000 8002faf000000000"
    "020405b40103030801010402".replace(" ", "")
)
IPV6 = bytes.fromhex(
    "6000000000280640" + "20010db8" + "00" * 11 + "01" + "20010db8" + "00" * 11 + "02"
) + bytes.fromhex("d43401bb0000000100000000a002fd2000000000020405a00402080a0000000100000000010303" "07")  # fmt: skip


def test_linux_and_windows_are_told_apart_by_their_options() -> None:
    assert first_packet(LINUX) == FirstPacket(
        64, 0, 64240, 1460, 7, True, True,
        ("mss", "sack", "timestamps", "nop", "window-scale"), True,
    )  # fmt: skip
    assert first_packet(WINDOWS) == FirstPacket(
        127, 1, 64240, 1460, 8, False, True, ("mss", "nop", "window-scale", "sack"), True
    )


def test_ipv6_has_a_hop_limit() -> None:
    found = first_packet(IPV6)
    assert found is not None
    assert (found.ttl, found.mss, found.window) == (64, 1440, 64800)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x45", b"\x00" * 60, LINUX[:45], LINUX[:40] + b"\x02\x00" + LINUX[42:], WINDOWS[:9] + b"\x11" + WINDOWS[10:]],
)  # fmt: skip
def test_what_makes_no_sense_says_nothing(data: bytes) -> None:
    assert first_packet(data) is None
