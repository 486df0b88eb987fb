"""The trust audit as a page: who can read along first, then findings by file and line, then every place."""

from __future__ import annotations

from pathlib import Path

from detector.report.page import html
from detector.report.trust_json import TrustRecord, audit_record
from detector.report.trust_page import trust_page
from detector.runs.trust import TrustRun
from docs.page_pictures import a_machine
from tests.report.test_check_page import text_of


def audited(root: Path) -> TrustRecord:
    a_machine(root)
    return audit_record(TrustRun(root=root, homes=(root / "home/user",)).audit())


def test_roots_that_can_intercept_come_first_and_settings_have_file_and_line(
    tmp_path: Path,
) -> None:
    made = trust_page(audited(tmp_path))
    assert made.first[0].title == "Somebody can read what is sent from here"
    assert {point.text.partition(":")[0] for point in made.first[0].points} >= {
        "A root of Superfish (adware)", "A root of mitmproxy (debugging-proxy)",
    }  # fmt: skip
    (table,) = made.leading
    assert [block.anchor for block in made.blocks] == list(table.anchors)
    where = {row[4]: row[2] for row in table.rows}
    assert where["verification-off"] == f"{tmp_path}/home/user/.npmrc:1"
    assert [block.tone for block in made.blocks][:2] == ["intercepted"] * 2


def test_every_finding_and_every_root_that_is_not_public_is_there(tmp_path: Path) -> None:
    record = audited(tmp_path)
    said = text_of(html(trust_page(record))).replace("&#39;", "'")
    for finding in record.findings:
        assert finding.text in said
        assert finding.path in said
    for place in record.places:
        assert place.path in said
        for root in place.roots:
            assert root.sha256 in said


def test_a_machine_where_nothing_stands_out_says_so(tmp_path: Path) -> None:
    made = trust_page(audit_record(TrustRun(root=tmp_path, homes=(tmp_path,)).audit()))
    assert made.first == ()
    assert made.leading == ()
    assert made.notes == ("Nothing stands out.", "Looks at the same again: tlsight trust")
