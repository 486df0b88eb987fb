"""Files that a reading of captures leaves behind: whole ones, and nobody else's."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from detector.capture.connection import Connection
from detector.errors import ConfigError, StoreError
from detector.forensics.judged import JudgedConnection
from detector.runs.exports import Exports
from tests.capture.zeek_traces import zeek_trace
from tests.report.test_pcap_zeek import connections

TRACE = "tls/google-duplicate.pcap"


@pytest.fixture
def judged() -> list[JudgedConnection]:
    return [JudgedConnection(c, None, ()) for c in connections(TRACE)]


def export(judged: list[JudgedConnection], **where: object) -> list[str]:
    source = str(zeek_trace(TRACE))
    with Exports(**where) as exports:  # type: ignore[arg-type]
        exports.check([source], live=False)
        for one in judged:
            exports.note(one)
        return exports.finish([source])


def everything(folder: Path) -> dict[str, object]:
    return {
        "write": str(folder / "cut.pcapng"), "csv": str(folder / "all.csv"),
        "certificates": folder / "chains", "zeek": folder / "zeek",
    }  # fmt: skip


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_all_of_them_at_once(judged: list[JudgedConnection], tmp_path: Path) -> None:
    assert export(judged, **everything(tmp_path)) == []
    chains = {one.connection.chain for one in judged if one.connection.chain}
    made = files(tmp_path)
    assert {"cut.pcapng", "all.csv", "zeek/ssl.log", "zeek/x509.log", "chains/index.csv"} < made
    assert len([name for name in made if name.endswith(".pem")]) == len(chains)
    with (tmp_path / "all.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == len(judged) + 1
    logged = (tmp_path / "zeek/ssl.log").read_text().splitlines()
    assert len([one for one in logged if one[0] != "#"]) == len(judged)
    assert logged[-1].startswith("#close\t")


def test_a_certificate_is_logged_once(judged: list[JudgedConnection], tmp_path: Path) -> None:
    export(judged + judged, zeek=tmp_path / "zeek")
    lines = (tmp_path / "zeek/x509.log").read_text().splitlines()
    fingerprints = [one.split("\t")[1] for one in lines if one[0] != "#"]
    assert len(fingerprints) == len(set(fingerprints)) > 1


def test_the_same_run_again_changes_nothing(judged: list[JudgedConnection], tmp_path: Path) -> None:
    where = {"csv": str(tmp_path / "a.csv"), "certificates": tmp_path / "chains"}
    export(judged, **where)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    export(judged, **where)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_logs_that_are_there_are_left_alone(judged: list[JudgedConnection], tmp_path: Path) -> None:
    (tmp_path / "x509.log").write_text("a real sensor's")
    with pytest.raises(ConfigError, match="is there already; give another folder"):
        export(judged, zeek=tmp_path)
    assert files(tmp_path) == {"x509.log"}
    assert (tmp_path / "x509.log").read_text() == "a real sensor's"


def test_a_link_that_leads_nowhere_is_there_too(
    judged: list[JudgedConnection], tmp_path: Path
) -> None:
    (tmp_path / "ssl.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is there already"):
        export(judged, zeek=tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_an_index_of_somebody_else_is_left_alone(
    judged: list[JudgedConnection], tmp_path: Path
) -> None:
    (tmp_path / "index.csv").write_text("mine\n")
    with pytest.raises(ConfigError, match="no index of this program"):
        export(judged, certificates=tmp_path)
    assert files(tmp_path) == {"index.csv"}


def test_a_pem_file_of_somebody_else_is_left_alone_and_ours_are_taken_away(
    judged: list[JudgedConnection], tmp_path: Path
) -> None:
    export(judged, certificates=tmp_path / "first")
    names = sorted(path.name for path in (tmp_path / "first").glob("*.pem"))
    place = tmp_path / "second"
    place.mkdir()
    (place / names[-1]).write_text("mine")
    with pytest.raises(ConfigError, match="is another file already"):
        export(judged, certificates=place)
    assert files(place) == {names[-1]}
    assert (place / names[-1]).read_text() == "mine"


def test_of_a_run_that_fails_nothing_is_kept(
    judged: list[JudgedConnection], tmp_path: Path
) -> None:
    (tmp_path / "all.csv").write_text("the last good one")
    with pytest.raises(AttributeError):
        export([judged[0], None], **everything(tmp_path))  # type: ignore[list-item]
    assert files(tmp_path) == {"all.csv"}
    assert (tmp_path / "all.csv").read_text() == "the last good one"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
@pytest.mark.parametrize("option", ["csv", "write"])
def test_a_full_disk_is_told_with_the_file(
    option: str, judged: list[JudgedConnection], tmp_path: Path
) -> None:
    where = {**everything(tmp_path), option: "/dev/full"}
    for times in (1, 20):  # less and more than a buffer holds
        with pytest.raises(
            StoreError, match="/dev/full: cannot be written: No space left on device"
        ):
            export(judged * times, **where)
        assert files(tmp_path) == set()


def test_a_folder_that_cannot_be_written_is_told(
    judged: list[JudgedConnection], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for where in ({"zeek": tmp_path / "file/x"}, {"certificates": tmp_path / "file/x"}):
        with pytest.raises(StoreError, match="cannot be made"):
            export(judged, **where)
    for where in ({"csv": str(tmp_path / "no/a.csv")}, {"write": str(tmp_path)}):
        with pytest.raises(StoreError, match="cannot be written"):
            export(judged, **where)


def test_what_can_be_read_once_only_is_refused(tmp_path: Path) -> None:
    exports = Exports(write=str(tmp_path / "a.pcapng"))
    os.mkfifo(tmp_path / "pipe")
    for sources, live in ((["-"], False), ([str(tmp_path / "pipe")], False), ([], True)):
        with pytest.raises(ConfigError, match="read a second time, which only a file allows"):
            exports.check(sources, live=live)
    Exports(csv="a.csv").check(["-"], live=False)


def test_a_capture_is_not_written_over_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(zeek_trace(TRACE).read_bytes())
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(ConfigError, match="is read itself"):
        Exports(write=str(tmp_path / "link")).check([str(path)], live=False)


def test_only_one_can_have_stdout() -> None:
    with pytest.raises(ConfigError, match="only one of them"):
        Exports(write="-", csv="-")


def test_of_very_many_chains_the_first_are_kept(
    judged: list[JudgedConnection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.runs.exports._MAX_CHAINS", 1)
    other = connections("tls/ecdsa-cert.pcap")
    said = export([*judged, *map(_alone, other)], certificates=tmp_path)
    assert said == ["--certificates: only the first 1 chains are written"]
    assert len(files(tmp_path)) == 2


def _alone(c: Connection) -> JudgedConnection:
    return JudgedConnection(c, None, ())
