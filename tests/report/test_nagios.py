"""Nagios' ranges, lines and codes, by the plug-ins' guidelines."""

from __future__ import annotations

import pytest

from detector.errors import ConfigError
from detector.report.nagios import Figure, Finding, parse_range, told, worst

# The guidelines' own table: range, values that alert, values that do not.
RANGES = [
    ("10", (-1, 11), (0, 10)),
    ("10:", (9,), (10, 1e9)),
    ("~:10", (11,), (-1e9, 10)),
    ("10:20", (9, 21), (10, 20)),
    ("@10:20", (10, 15, 20), (9, 21)),
    ("1.5:2.5", (1.4,), (2.0,)),
]


@pytest.mark.parametrize(("text", "alerts", "fine"), RANGES)
def test_ranges_alert_as_the_guidelines_say(
    text: str, alerts: tuple[float, ...], fine: tuple[float, ...]
) -> None:
    found = parse_range(text, "-w")
    assert [found.alerts(one) for one in alerts] == [True] * len(alerts)
    assert [found.alerts(one) for one in fine] == [False] * len(fine)


@pytest.mark.parametrize("text", ["", ":", "@", "a", "10:5", "1:2:3", "~", "1e9", "٣", "1" * 40])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="-w"):
        parse_range(text, "-w")


def test_the_worst_counts_and_silence_hides_no_interception() -> None:
    assert worst(()) == 0
    assert worst((0, 3, 1)) == 1
    assert worst((0, 3, 2, 1)) == 2
    assert worst((0, 3)) == 3


def test_the_worst_is_named_first_and_four_are_a_few_too_many() -> None:
    findings = [
        Finding(3, "silent"),
        Finding(0, "fine"),
        Finding(1, "odd"),
        Finding(2, "bad"),
        Finding(1, "odd too"),
    ]
    code, line = told("TLS", findings, "unused", ())
    assert (code, line) == (2, "TLS CRITICAL - bad; odd; odd too; and 1 more")


def test_text_of_a_peer_cannot_end_the_line_or_begin_the_data() -> None:
    _, line = told(
        "TLS", [Finding(2, "a|b\n2\x1b[31m")], "", [Figure("a'=b|", 1.25, "s", "1:", "")]
    )
    assert line.count("|") == 1
    assert line.endswith("| 'ab'=1.250s;1:")
    assert "\n" not in line
    assert "\x1b" not in line
