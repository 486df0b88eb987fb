"""Log-odds add up: texts, circumstances, and what is left out."""

from __future__ import annotations

import msgspec
import pytest

from detector.knowledge.explanations import error_table
from detector.messages.weighing import Clue, weighed
from detector.model.alerts import Meaning

TABLE = error_table()
SIGNALS = {signal.id: signal for signal in TABLE.signals}


def clue(*causes: str, generic: bool = False, everyday: bool = False, number: bool = False) -> Clue:
    told = tuple(
        Meaning(cause.lstrip("?"), "possible" if cause[0] == "?" else "likely") for cause in causes
    )
    return Clue("text", told, everyday=everyday, generic=generic, number=number)


def order(*clues: Clue, signals: tuple[str, ...] = ()) -> list[str]:
    return [one.cause for one in weighed(clues, [(SIGNALS[name], "") for name in signals], TABLE)]


def test_without_a_text_there_is_no_cause() -> None:
    assert order(signals=("public-host",)) == []


def test_a_public_host_turns_a_missing_intermediate_into_interception() -> None:
    said = clue("incomplete-chain", "?tls-intercepted", "?untrusted-root")
    assert order(said)[0] == "incomplete-chain"
    assert order(said, signals=("public-host",))[0] == "tls-intercepted"
    assert order(said, signals=("private-host",))[0] != "tls-intercepted"


def test_generic_texts_are_silent_beside_one_that_names_its_cause() -> None:
    generic = clue("?hostname-mismatch", "?certificate-expired", generic=True)
    assert order(generic, clue("self-signed"))[:1] == ["self-signed"]
    assert "hostname-mismatch" not in order(generic, clue("self-signed"))
    assert "hostname-mismatch" in order(generic)


def test_words_of_everyday_life_do_not_silence_a_text_of_tls() -> None:
    found = order(clue("certificate-expired", everyday=True), clue("?untrusted-root", generic=True))
    assert "untrusted-root" in found


def test_a_number_says_less_than_the_words_beside_it() -> None:
    assert order(clue("closed-during-handshake", number=True), clue("not-tls"))[0] == "not-tls"
    assert order(clue("closed-during-handshake", number=True)) == ["closed-during-handshake"]


def test_every_way_of_not_trusting_is_a_candidate_as_soon_as_one_is() -> None:
    found = weighed([clue("self-signed")], [(SIGNALS["public-host"], "a.example")], TABLE)
    assert "tls-intercepted" in {one.cause for one in found}


def test_probabilities_leave_room_for_something_else() -> None:
    found = weighed([clue("self-signed"), clue("hostname-mismatch")], [], TABLE)
    assert 0.6 < sum(one.probability for one in found) < 1


def test_what_decided_is_told() -> None:
    found = weighed([clue("incomplete-chain")], [(SIGNALS["public-host"], "github.com")], TABLE)
    assert found[0].signals == ("github.com is fine for everybody else",)


def test_saying_it_again_adds_less_than_saying_it_first() -> None:
    once, often = (weighed([clue("self-signed")] * count, [], TABLE)[0].score for count in (1, 50))
    assert once < often < once + 1


@pytest.mark.parametrize("signal", TABLE.signals, ids=lambda row: row.id)
def test_every_number_has_its_reason(signal: object) -> None:
    row = msgspec.to_builtins(signal)
    assert len(row["reason"]) > 10
    assert all(-4 < weight < 4 for weight in row["weights"].values())
