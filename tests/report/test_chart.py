"""The chart of a page: stacked bars with interception at the bottom, and changes marked."""

from __future__ import annotations

from detector.model.timeline import Timeline
from detector.report.chart import chart_of

START = 1_790_150_400  # 2026-09-23 08:00 UTC


def a_timeline() -> Timeline:
    found = Timeline()
    for minute in range(60):
        for kind in ("a", "b", "c", "d", "e", "f", "g"):
            found.add(START + 60 * minute, kind, 3)
    found.add(START + 1800, "tls-intercepted")
    return found


def test_one_intercepted_handshake_among_a_thousand_is_at_the_bottom_in_its_own_colour() -> None:
    chart = chart_of(a_timeline(), "Failures over time", "failed handshakes")
    assert chart is not None
    (bar,) = [one for one in chart.bars if one.shade == 0]
    assert bar.text == "2026-09-23 08:30:00 UTC: 1 tls-intercepted"
    assert round(bar.y + bar.height) == chart.bottom
    assert chart.legend[0] == (0, "tls-intercepted", "1")
    assert chart.legend[-1] == (6, "others: f, g", "360")


def test_axes_say_what_they_count() -> None:
    chart = chart_of(a_timeline(), "Failures over time", "failed handshakes")
    assert chart is not None
    assert chart.unit == "failed handshakes per 30 seconds"
    assert chart.times_of == "UTC, 2026-09-23"
    assert [text for _, text in chart.counts] == ["0", "5", "10", "15", "20", "25"]
    assert [text for _, text in chart.times] == ["08:00", "08:15", "08:30", "08:45"]


def test_a_reload_is_marked_where_it_was_and_told() -> None:
    changes = [(START - 9000.0, "long before"), (START + 1800.0, "nginx read its configuration")]
    chart = chart_of(a_timeline(), "Failures over time", "failed handshakes", changes)
    assert chart is not None
    (mark,) = chart.marks
    assert mark.text == "2026-09-23 08:30:00 UTC: nginx read its configuration"
    assert [text for x, text in chart.times if x == mark.x] == ["08:30"]


def test_nothing_that_happened_is_no_chart() -> None:
    assert chart_of(Timeline(), "Failures over time", "failed handshakes") is None
