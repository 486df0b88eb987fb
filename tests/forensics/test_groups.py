"""What connections have in common."""

from __future__ import annotations

import msgspec
import pytest

from detector.capture.connection import HelloFacts, ServerFacts
from detector.forensics.browsers import HelloOpinion
from detector.forensics.groups import groups_of
from tests.forensics.test_selection import ONE, judged

ML_KEM, X25519 = 0x11EC, 29
HELLO = HelloFacts(
    0x0303, (0x0304, 0x0303), (0x1301,), (0, 43), (ML_KEM, X25519), (), (), (ML_KEM, X25519), "a",
    "b",
)  # fmt: skip
ANSWER = ServerFacts(0x0304, 0x1301, ML_KEM, None, "", True)


@pytest.mark.parametrize(
    ("hello", "answer", "key"),
    [
        ({}, ANSWER, "offered with a key, chosen"),
        ({}, msgspec.structs.replace(ANSWER, group=X25519), "offered with a key, not chosen"),
        ({"shares": (X25519,)}, ANSWER, "offered without a key, chosen"),
        ({"shares": (), "groups": (X25519,)}, ANSWER, "not offered"),
        ({}, None, "offered with a key, no answer"),
    ],
)
def test_post_quantum_use_is_what_was_offered_and_what_was_taken(
    hello: dict[str, object], answer: ServerFacts | None, key: str
) -> None:
    c = msgspec.structs.replace(ONE, hello=msgspec.structs.replace(HELLO, **hello), answer=answer)
    assert dict(groups_of(judged(c)))["post-quantum"] == key


@pytest.mark.parametrize(
    ("size", "key"),
    [
        (512, "up to 512 bytes"),
        (513, "513 to 1,400 bytes"),
        (1400, "513 to 1,400 bytes"),
        (1401, "1,401 to 4,096 bytes"),
        (9000, "more than 4,096 bytes"),
    ],
)
def test_hellos_that_one_packet_does_not_hold_are_apart(size: int, key: str) -> None:
    c = msgspec.structs.replace(ONE, hello=HELLO, hello_size=size, hello_segments=2)
    found = dict(groups_of(judged(c)))
    assert found["hello-size"] == key
    assert found["hello-packets"] == "in several segments"


def test_what_packets_do_not_show_is_not_counted() -> None:
    assert set(dict(groups_of(judged()))) == {"sni", "cause"}


def test_a_hello_that_is_not_its_browsers_is_a_group() -> None:
    one = msgspec.structs.replace(judged(), opinion=HelloOpinion("likely", "Chrome 140", None))
    assert dict(groups_of(one))["browser"] == "likely: Chrome 140"
