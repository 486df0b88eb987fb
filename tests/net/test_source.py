"""By which address a peer would see us."""

from __future__ import annotations

from detector.net.source import source_towards


def test_a_peer_here_sees_the_loopback_address() -> None:
    assert source_towards("127.0.0.1", 9) == "127.0.0.1"
    assert source_towards("localhost", 9) in ("127.0.0.1", "::1")


def test_nobody_sees_us_where_there_is_no_way() -> None:
    assert source_towards("gone.invalid", 443) is None
    assert source_towards("a" * 300, 443) is None
