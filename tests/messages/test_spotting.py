"""Which of the known texts in lines say something there."""

from __future__ import annotations

import pytest

from detector.knowledge.explanations import error_table
from detector.messages.reading import lines_of
from detector.messages.spotting import spotted

TABLE = error_table()


def told(text: str) -> list[str]:
    lines = lines_of(text)
    joined = "\n".join(line.text for line in lines)
    return [one.clue.told for one in spotted(joined, lines, TABLE, "client")]


def test_words_of_everyday_life_count_beside_tls_and_not_far_from_it() -> None:
    words = "the lease of the room has expired"
    assert told(words) == []
    assert "has expired" in told("the certificate of the room has expired")
    assert "has expired" not in told(f"SSL is on\n{'done\n' * 8}{words}")


def test_the_end_of_a_connection_counts_beside_https_and_not_at_another_port() -> None:
    assert "Connection reset by peer" in told("https://a.b/: Connection reset by peer")
    assert told("read 10.0.0.7:5432: Connection reset by peer") == []


def test_a_line_that_tells_a_success_says_nothing() -> None:
    assert told("✓ rejects a self-signed certificate") == []
    assert told("rejects a self-signed certificate") != []


def test_the_words_around_an_alert_are_the_alerts() -> None:
    assert told("SSL routines::tlsv1 alert unknown ca:SSL alert number 48") == [
        "alert 48 unknown_ca"
    ]


@pytest.mark.parametrize("number", ["0x80092012", "-2146885614", "2148081682"])
def test_a_number_is_the_same_in_any_spelling(number: str) -> None:
    assert any("CRYPT_E_NO_REVOCATION_CHECK" in one for one in told(f"schannel: error {number}"))
