"""The tables that agents quote are those that every verb asks."""

from __future__ import annotations

from detector.knowledge.causes import cause_table
from detector.mcp.tables import RESOURCES, alerts, causes
from detector.model.alerts import rows


def test_every_cause_has_its_heading() -> None:
    page = causes()
    for row in cause_table().rows:
        assert f"## {row.id}\n\n{row.text}\n" in page


def test_every_alert_has_a_row_for_both_sides() -> None:
    lines = alerts().splitlines()
    assert len(lines) == 2 + len(rows())
    assert "| 48 | unknown_ca | client-certificate-rejected, " in alerts()


def test_a_resource_is_found_by_its_address() -> None:
    assert {uri: row.uri for uri, row in RESOURCES.items()} == {
        "tlsight://causes": "tlsight://causes",
        "tlsight://alerts": "tlsight://alerts",
    }
