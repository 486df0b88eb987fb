"""Colours that readers can tell apart, also those who see no red or no green, and that can be read as text."""

from __future__ import annotations

from itertools import combinations

import pytest

from detector.report.palette import INTERCEPTION, SHADES, TONES, VERDICTS, series

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
SEEN: dict[str, Matrix] = {
    "everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881),
    ),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
}  # fmt: skip
PAPERS = {"light": ("#ffffff", "#f4f6f9"), "dark": ("#14181e", "#1c222b")}


def linear(colour: str) -> Vector:
    values = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def times(matrix: Matrix, vector: Vector) -> Vector:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def oklab(colour: Vector) -> Vector:
    """Ottosson 2020: distances in it are as the eye has them."""
    cones = times(
        ((0.41222147, 0.53633254, 0.05144599), (0.2119035, 0.6806995, 0.1073969), (0.0883025, 0.2817188, 0.6299787)),
        colour,
    )  # fmt: skip
    red, green, blue = (max(c, 0) ** (1 / 3) for c in cones)
    return times(
        ((0.21045426, 0.79361779, -0.00407205), (1.9779985, -2.4285922, 0.4505937), (0.02590404, 0.78277177, -0.80867577)),
        (red, green, blue),
    )  # fmt: skip


def distance(one: str, other: str, seen: Matrix) -> float:
    pair = []
    for colour in (one, other):
        red, green, blue = (min(max(v, 0), 1) for v in times(seen, linear(colour)))
        pair.append(oklab((red, green, blue)))
    return float(sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) ** 0.5)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's."""
    light, dark = sorted(
        (
            sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True))
            for c in (one, other)
        ),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("scheme", PAPERS)
def test_any_two_colours_of_a_chart_differ(scheme: str, eyes: str) -> None:
    for one, other in combinations(SHADES, 2):
        pair = getattr(one, scheme), getattr(other, scheme)
        assert distance(*pair, SEEN[eyes]) > 0.09, pair


def test_the_simulation_finds_colours_that_only_some_can_tell_apart() -> None:
    assert distance("#009e73", "#8a8a8a", SEEN["everybody"]) > 0.09
    assert distance("#009e73", "#8a8a8a", SEEN["deuteranopia"]) < 0.09


@pytest.mark.parametrize("scheme", PAPERS)
def test_texts_can_be_read_on_paper_and_panel(scheme: str) -> None:
    for name, tone in TONES.items():
        for paper in PAPERS[scheme]:
            assert contrast(getattr(tone, scheme), paper) >= 4.5, name


def test_interception_comes_first_with_its_own_colour_however_rare_it_is() -> None:
    kinds = [f"kind-{n}" for n in range(20)]
    found = series([*kinds, INTERCEPTION])
    assert (found[0].name, found[0].shade) == (INTERCEPTION, 0)
    assert all(one.shade for one in found[1:])
    assert found[-1].name == "others: kind-5, kind-6, kind-7 and 12 more"
    assert sorted(kind for one in found for kind in one.kinds) == sorted([*kinds, INTERCEPTION])


def test_no_colour_stands_for_interception_where_there_is_none() -> None:
    assert [one.shade for one in series(["a", "b"])] == [1, 2]
    assert VERDICTS[0] == "intercepted"
