"""Diagnoses as a page: the ladder, causes with who acts, each program's lines by its name, the mended chain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from detector.knowledge.fixes import PROGRAM_NAMES
from detector.lab.cases import case
from detector.lab.world import open_world
from detector.model.inquiry import Diagnosis
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.report.diagnose_page import DiagnosePage, card
from detector.report.page import html
from detector.runs.diagnose import Investigation
from tests.report.test_check_page import text_of
from tests.report.test_diagnose_json import found


def test_the_card_has_the_ladder_the_cause_and_lines_labelled_by_program(tmp_path: Path) -> None:
    diagnosis = found("expired", tmp_path)
    made = card(diagnosis, "x", ("haproxy",))
    assert made.badge == "broken"
    assert [(mark, name) for mark, name, _, _ in made.steps if mark == "✗"] == [
        ("✗", "certificate")
    ]
    cause = made.inner[0]
    assert cause.beside == "error, certificate-expired, server acts"
    assert cause.codes[0].label == "HAProxy"
    config = diagnosis.causes[0].fix[0].config
    assert {code.label: code.text for code in (*cause.codes[:1], *cause.more)} == {
        PROGRAM_NAMES[name]: lines for name, lines in config.items()
    }
    assert cause.folded.startswith("Lines for nginx, Apache, ")
    assert cause.codes[1].text == diagnosis.causes[0].confirm


def test_a_mended_chain_is_there_to_be_copied(tmp_path: Path) -> None:
    diagnosis = found("incomplete-for-good", tmp_path)
    assert not card(diagnosis, "x").more
    repaired = diagnosis.inquiry.observation.chain
    mended = msgspec.structs.replace(diagnosis, repaired=repaired)
    (code,) = card(mended, "x").more
    assert code.text.count("-----BEGIN CERTIFICATE-----") == len(repaired)


def intercepted(folder: Path) -> Diagnosis:
    """A public name that somebody in between answers for."""

    async def run() -> Diagnosis:
        one = case("intercepted")
        assert one is not None
        async with open_world(folder) as pki, one.make(pki) as server:
            options = ProbeOptions(timeout=20, connect_to=("127.0.0.1", server.port))
            return await Investigation(options).of(parse_target(one.host), pki.knowledge())

    return asyncio.run(run())


def test_interception_comes_before_what_is_merely_broken(tmp_path: Path) -> None:
    page = DiagnosePage()
    page.add(found("healthy", tmp_path))
    page.add(found("expired", tmp_path))
    page.add(intercepted(tmp_path))
    made = page.page()
    assert made.first[0].title == "1 server is intercepted"
    (table,) = made.leading
    assert [row[3] for row in table.rows] == ["tls-intercepted", "certificate-expired", ""]
    assert [block.anchor for block in made.blocks] == list(table.anchors)
    assert made.blocks[0].tone == "intercepted"
    said = text_of(html(made))
    for one in ("certificate-expired", "nginx", "Apache", "HAProxy", "To be sure"):
        assert one in said


def test_suites_are_graded(tmp_path: Path) -> None:
    made = card(found("rc4", tmp_path, suites=True), "x")
    rows = [row for table in made.tables for row in table.rows if table.columns[0] == "grade"]
    assert ("weak", "TLS_RSA_WITH_RC4_128_SHA", "in none of Mozilla's profiles") in rows
