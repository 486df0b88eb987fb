from detector.report.said import Said
from tests.report.telling import told_twice

SENTENCE = "The server does not send its intermediate."


def test_a_sentence_is_told_once() -> None:
    said = Said()
    assert said.anew(SENTENCE)
    assert not said.anew(SENTENCE)
    assert not said.anew("The server does not send\n  its intermediate")
    assert said.anew("The server does not send its leaf at all.")


def test_a_part_of_what_was_told_is_not_told_again() -> None:
    said = Said()
    assert said.anew(f"Fetched, and verified. {SENTENCE}")
    assert not said.anew(SENTENCE)


def test_a_label_may_come_again() -> None:
    said = Said()
    assert said.anew("to be sure")
    assert said.anew("to be sure")


def test_what_is_printed_twice_is_seen() -> None:
    assert told_twice(f"{SENTENCE} Who acts?\n  because {SENTENCE}") == [SENTENCE]
    assert told_twice(f"{SENTENCE}\nanother line") == []
    assert told_twice("CN=Lab Public Intermediate,O=Lab Public Trust,C=US\n" * 2) == []
