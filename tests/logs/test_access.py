"""User-Agents of access logs."""

from __future__ import annotations

import pytest

from detector.logs import access


def line(address: str, agent: str) -> bytes:
    return (
        f'{address} - - [30/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 3 "-" "{agent}"'.encode()
    )


def test_an_address_with_one_agent_has_it_and_one_with_several_has_none() -> None:
    lines = [line("192.0.2.1", "a"), line("192.0.2.2", "b"), line("192.0.2.2", "c"), b"no line"]
    assert access.agents(lines) == {("192.0.2.1", 0): "a"}


def test_with_a_port_it_is_that_connections() -> None:
    assert access.agents([line("192.0.2.1:5000", "a"), line("192.0.2.1:5001", "b")]) == {
        ("192.0.2.1", 5000): "a",
        ("192.0.2.1", 5001): "b",
    }
    assert access.agents([line("[2001:db8::1]:5000", "a")])["2001:db8::1", 5000] == "a"
    assert access.agents([line("2001:db8::1", "a")]) == {("2001:db8::1", 0): "a"}


def test_a_full_table_still_learns_that_an_address_has_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access, "MAX_AGENTS", 2)
    lines = [
        line("192.0.2.1", "a"),
        line("192.0.2.2", "b"),
        line("192.0.2.3", "c"),
        line("192.0.2.1", "d"),
    ]
    assert access.agents(lines) == {("192.0.2.2", 0): "b"}
