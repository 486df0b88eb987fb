"""The plot as a file: units, whole counts, year and zone, the colours of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detector.report.palette import SHADES
from detector.report.plotting import save_plot
from tests.report.test_chart import START, a_timeline


def drawn(path: Path) -> str:
    changes = [(START + 1800.0, "nginx read its configuration again")]
    save_plot(path, a_timeline(), "Failed TLS handshakes", "failed handshakes", changes)
    return path.read_text() if path.suffix == ".svg" else ""


def test_the_axes_say_unit_day_and_zone_and_count_in_whole_numbers(tmp_path: Path) -> None:
    made = drawn(tmp_path / "plot.svg")
    said = re.findall(r"<!-- (.*?) -->", made)
    assert "failed handshakes per 30 seconds" in said
    assert (
        "UTC, 2026−09−23" in said or "UTC, 2026-09-23" in said or "UTC, 2026&#45;09&#45;23" in said
    )
    assert {"0", "5", "10", "15", "20", "25"} <= set(said)
    assert not [text for text in said if re.fullmatch(r"\d+\.\d+", text)]


def test_interception_has_the_colour_of_the_page_and_a_reload_is_marked(tmp_path: Path) -> None:
    made = drawn(tmp_path / "plot.svg")
    assert f"fill: {SHADES[0].light}" in made
    said = " ".join(re.findall(r"<!-- (.*?) -->", made))
    assert "nginx read its configuration again" in said
    assert "others: f, g (360)" in said


def test_a_png_is_one(tmp_path: Path) -> None:
    drawn(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["plot.svg", "plot.png"])
def test_nothing_that_happened_is_an_empty_plot(tmp_path: Path, name: str) -> None:
    from detector.model.timeline import Timeline

    save_plot(tmp_path / name, Timeline(), "Failed TLS handshakes")
    assert (tmp_path / name).stat().st_size > 1000
