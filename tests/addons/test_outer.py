"""Names that hide others: each with a source, and each a name as rules write it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from addons.bypass import outer
from detector.model.targets import normal_host


def test_every_name_is_normal_and_has_a_source() -> None:
    path = Path(outer.__file__).parents[1] / "data" / "outer_names.toml"
    rows = tomllib.loads(path.read_text())["outer"]
    assert outer.outer_names() == {row["name"] for row in rows}
    assert len(rows) == len(outer.outer_names())
    for row in rows:
        assert normal_host(row["name"]) == row["name"]
        assert "." in row["source"]


def test_a_name_hides_others_and_what_is_below_it_does_not() -> None:
    assert outer.is_outer("cloudflare-ech.com")
    assert not outer.is_outer("www.cloudflare-ech.com")
    assert not outer.is_outer("cloudflare.com")
