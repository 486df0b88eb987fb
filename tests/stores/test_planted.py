"""Every setting that is planted in an image is seen, with file and line, and those that are unsafe are findings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detector.auditing.model import TrustAudit
from detector.knowledge.programs import programs
from detector.knowledge.trust_tables import setting_kinds
from detector.runs.trust import TrustRun
from detector.stores.formats import FORMATS
from tests.stores.planted import PLANTED, Planted, plant


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("image")
    plant(found)
    return found


@pytest.fixture(scope="module")
def audited(image: Path) -> TrustAudit:
    return TrustRun(root=image).audit()


def test_there_are_as_many_as_people_have() -> None:
    assert len(PLANTED) >= 36
    assert sum(row.unsafe for row in PLANTED) >= 30


@pytest.mark.parametrize("row", PLANTED, ids=lambda row: f"{row.file} {row.seen[0]}")
def test_a_planted_setting_is_seen_by_file_and_line(
    audited: TrustAudit, image: Path, row: Planted
) -> None:
    where = str(image / row.file.replace("~", "home/ann"))
    seen = [
        (setting.key, setting.value, setting.line)
        for setting in audited.survey.settings
        if setting.where == where
    ]
    assert (*row.seen, row.line) in seen
    off = [
        finding.line
        for finding in audited.findings
        if finding.path == where and finding.id == "verification-off"
    ]
    assert (row.line in off) == row.unsafe


def test_this_machines_own_variables_count_nothing_for_an_image(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "/here.pem")
    found = TrustRun(root=image).audit().survey.settings
    assert "environment" not in {setting.where for setting in found}
    assert os.environ["NODE_EXTRA_CA_CERTS"] not in {setting.value for setting in found}


def test_every_kind_of_a_programs_key_has_its_files() -> None:
    kinds = {name for kind in setting_kinds() for name in (kind.name, *kind.also)}
    without = {
        key
        for program in programs().values()
        for key in (row.key for row in (*program.setting, *program.unsafe))
        if key.partition(":")[0] not in kinds
    }
    assert without == set()


def test_every_kinds_format_has_a_reader() -> None:
    assert {kind.format for kind in setting_kinds()} <= {*FORMATS, "folder", "none"}
