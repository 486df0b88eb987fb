"""Text of others, made fit to be printed."""

from __future__ import annotations

import pytest

from detector.model.harmless import harmless


@pytest.mark.parametrize("text", ["", "täglich ✗ 你好", "a b", "~!\"'"])
def test_what_steers_nothing_stays(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    "steering",
    [
        "\x00",
        "\x07",
        "\x1b",
        "\n",
        "\r",
        "\x7f",
        "\x9b",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2028",
        "\udcff",
    ],
)
def test_what_steers_a_terminal_is_replaced(steering: str) -> None:
    assert harmless(f"a{steering}b") == "a�b"
