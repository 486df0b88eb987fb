"""The text format, read by Prometheus' own client."""

from __future__ import annotations

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families as read

from detector.report.prometheus import Family, exposition, gauge


def test_a_value_comes_back_with_its_labels_whatever_is_in_them() -> None:
    labels = {"host": 'a"b\\c\n', "owner": "Zürich | {x}", "empty": ""}
    [family] = read(
        exposition([Family("tlsight_x", "Back\\slash\nand line", ((labels, 1.5),))]).decode()
    )
    assert (family.name, family.type, family.documentation) == (
        "tlsight_x",
        "gauge",
        "Back\\slash\nand line",
    )
    [sample] = family.samples
    assert sample.labels == {**labels, "host": 'a"b\\c�'}
    assert sample.value == 1.5


@pytest.mark.parametrize("value", [0, 1, -1, 1803751121, 0.1, 1e300, 2**62, math.inf, -math.inf])
def test_numbers_come_back_as_they_were(value: float) -> None:
    [family] = read(exposition([gauge("x", "y", value)]).decode())
    assert family.samples[0].value == value


def test_what_is_no_number_is_said_so() -> None:
    assert exposition([gauge("x", "y", math.nan)]).endswith(b"x NaN\n")


def test_a_family_without_samples_is_left_out_and_a_series_is_there_once() -> None:
    twice = Family("x", "y", (({"a": "1"}, 1), ({"a": "1"}, 2)))
    assert exposition([gauge("nothing", "y", None), twice]) == (
        b'# HELP x y\n# TYPE x gauge\nx{a="1"} 1\n'
    )


def test_long_labels_are_cut_and_what_steers_a_terminal_is_replaced() -> None:
    said = exposition([gauge("x", "y", 1, host="\x1b[31m" + "a" * 5000)]).decode()
    assert "\x1b" not in said
    assert len(said) < 1200


def test_a_counter_is_one() -> None:
    [family] = read(exposition([Family("lost_total", "y", (({}, 3),), "counter")]).decode())
    assert family.type == "counter"


@pytest.mark.parametrize("name", ["a-b", "1a", "", "ä"])
def test_a_name_that_is_none_is_a_fault_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        exposition([gauge(name, "y", 1)])
