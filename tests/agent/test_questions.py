"""What a fleet may ask, and what an agent refuses to look at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from detector.agent.questions import MOST_OPEN, Question, read_sheet, refusal, write_sheet
from detector.errors import ListError

UNTIL = datetime(2026, 11, 30, 12, tzinfo=UTC)
GOOD = Question("a" * 32, "host.example", 443, UNTIL)


def test_a_sheet_says_again_what_was_written() -> None:
    assert read_sheet(write_sheet((GOOD,))) == (GOOD,)


@pytest.mark.parametrize(
    "wrong",
    [Question("short", "host.example", 443, UNTIL), Question("a" * 32, "http://x/", 443, UNTIL),
     Question("a" * 32, "-oProxyCommand=x", 443, UNTIL), Question("a" * 32, "HOST.example", 443, UNTIL),
     Question("a" * 32, "a b", 443, UNTIL), Question("a" * 32, "host.example", 0, UNTIL), Question("a" * 32, "", 443, UNTIL),
     Question("a" * 32, "host.example", 65536, UNTIL), Question("a" * 32, "host.example", 443, UNTIL.replace(tzinfo=None))],
    ids=lambda one: one.host or "empty",
)  # fmt: skip
def test_what_is_no_host_and_port_is_left_out(wrong: Question) -> None:
    assert read_sheet(write_sheet((wrong, GOOD))) == (GOOD,)


def test_no_more_questions_are_open_than_is_said_and_a_field_more_is_no_sheet() -> None:
    assert len(read_sheet(write_sheet([GOOD] * (MOST_OPEN + 9)))) == MOST_OPEN
    with pytest.raises(ListError):
        read_sheet(
            b'{"questions":[{"id":"x","host":"a","port":1,"until":"2026-11-30T00:00:00Z","run":"rm"}]}'
        )


@pytest.mark.parametrize(
    ("address", "always", "private"),
    [("93.184.216.34", False, False), ("10.0.0.1", True, False), ("fd00::1", True, False), ("100.64.0.1", True, False),
     ("127.0.0.1", True, True), ("::1", True, True), ("169.254.169.254", True, True), ("fe80::1%eth0", True, True),
     ("0.0.0.0", True, True), ("::ffff:127.0.0.1", True, True), ("224.0.0.1", True, True), ("nonsense", True, True)],
)  # fmt: skip
def test_addresses_that_not_everybody_reaches_are_refused_and_the_machine_itself_always(
    address: str, always: bool, private: bool
) -> None:
    assert bool(refusal("host.example", [address], private=False)) is always
    assert bool(refusal("host.example", [address], private=True)) is private
    assert bool(refusal("host.example", ["93.184.216.34", address], private=False)) is always
