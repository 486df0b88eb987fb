"""Files that gate a build, as the command writes them: they agree with its exit code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import Run, running
from tests.live.programs import free_port


@pytest.fixture
def lab(world: LabPki, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """Words that lead to an honest host and a forged one."""
    gateway = Authority("Gateway", organization="Example Corp", profile=False)
    (tmp_path / "logs.json").write_text(world.ct_logs_json)
    hosts = {"good.test": world.issue("good.test"), "github.com": gateway.issue("github.com")}
    with running(Origin(hosts)) as origin:
        yield (
            "--roots", str(tmp_path / "root.pem"), "--ct-logs", str(tmp_path / "logs.json"),
            "--connect", f"127.0.0.1:{origin.port}",
        )  # fmt: skip


def cases(path: Path) -> dict[str, str]:
    """Outcome by host, and the suite's counts agree with them."""
    (suite,) = ET.parse(path).getroot()
    found = {
        (one.get("name") or "").split(":")[0]: one[0].tag if len(one) else "passed"
        for one in suite.iter("testcase")
    }
    outcomes = list(found.values())
    assert suite.get("failures") == str(outcomes.count("failure"))
    assert suite.get("errors") == str(outcomes.count("error"))
    return found


def results(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    (run,) = json.loads(done.stdout)["runs"]
    return list(run["results"])


def test_the_file_fails_where_the_exit_code_does(
    tlsight: Run, lab: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "tlsight.xml"
    done = tlsight("check", "--junit", path, "good.test", "github.com", *lab)
    assert done.returncode == 1
    assert "INTERCEPTED" in done.stdout
    assert cases(path) == {"good.test": "passed", "github.com": "failure"}

    done = tlsight("check", "--junit", path, "good.test", *lab)
    assert done.returncode == 0
    assert cases(path) == {"good.test": "passed"}


def test_fail_on_says_what_a_failure_is(
    tlsight: Run, world: LabPki, lab: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "tlsight.xml"
    logless = (*lab[:2], *lab[4:])
    done = tlsight("check", "--junit", path, "good.test", *logless)
    assert (done.returncode, cases(path)) == (0, {"good.test": "passed"})
    done = tlsight("check", "--junit", path, "--fail-on", "consistent", "good.test", *logless)
    assert (done.returncode, cases(path)) == (1, {"good.test": "failure"})


def test_a_silent_host_is_an_error_and_exits_3(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "tlsight.xml"
    done = tlsight("check", "--junit", path, f"127.0.0.1:{free_port()}")
    assert (done.returncode, cases(path)) == (3, {"127.0.0.1": "error"})


def test_a_line_that_is_no_target_is_an_error_too(
    tlsight: Run, lab: tuple[str, ...], tmp_path: Path
) -> None:
    hosts, path = tmp_path / "hosts.txt", tmp_path / "tlsight.xml"
    hosts.write_text("good.test\nno target here:x\n")
    done = tlsight("check", "--junit", path, "-l", hosts, *lab)
    assert done.returncode == 2
    assert cases(path) == {"good.test": "passed", str(hosts): "error"}


def test_sarif_is_all_of_stdout_and_points_to_the_lists_line(
    tlsight: Run, lab: tuple[str, ...], tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("# ours\ngood.test\n\ngithub.com  # theirs\n")
    done = tlsight("check", "--sarif", "-l", hosts, *lab)
    assert (done.returncode, done.stderr) == (1, "")
    first = results(done)[0]
    assert (first["ruleId"], first["level"]) == ("public-host-private-ca", "error")
    physical = first["locations"][0]["physicalLocation"]
    assert physical["region"] == {"startLine": 4}
    assert physical["artifactLocation"]["uri"] == hosts.as_uri()
    again = tlsight("check", "--sarif", "-l", hosts, *lab)
    prints = [one["partialFingerprints"] for one in results(done)]
    assert [one["partialFingerprints"] for one in results(again)] == prints


def test_a_clean_run_has_an_empty_list_of_results(tlsight: Run, lab: tuple[str, ...]) -> None:
    done = tlsight("check", "--sarif", "good.test", *lab)
    assert (done.returncode, results(done)) == (0, [])


def test_a_diagnosis_fails_unless_it_is_what_was_expected(tlsight: Run, tmp_path: Path) -> None:
    path, nobody = tmp_path / "tlsight.xml", f"127.0.0.1:{free_port()}"
    done = tlsight("diagnose", "--junit", path, nobody)
    assert (done.returncode, cases(path)) == (1, {"127.0.0.1": "failure"})
    wanted = ("--expect", "connection-refused")
    done = tlsight("diagnose", "--junit", path, *wanted, nobody)
    assert (done.returncode, cases(path)) == (0, {"127.0.0.1": "passed"})
    done = tlsight("diagnose", "--sarif", nobody)
    assert [one["ruleId"] for one in results(done)] == ["connection-refused"]


def test_saved_observations_gate_as_the_run_did(
    tlsight: Run, lab: tuple[str, ...], tmp_path: Path
) -> None:
    saved, first, second = (tmp_path / name for name in ("seen.ndjson", "a.xml", "b.xml"))
    tlsight("check", "--save", saved, "--junit", first, "good.test", "github.com", *lab)
    done = tlsight("judge", saved, "--junit", second, *lab[:4])
    assert done.returncode == 1
    assert cases(second) == cases(first)
    sarif = tlsight("judge", "--sarif", saved, *lab[:4])
    assert results(sarif)[0]["ruleId"] == "public-host-private-ca"


@pytest.mark.parametrize(
    "words",
    [("check", "--sarif", "--json"), ("check", "--junit", "/nowhere/at/all.xml")],
)
def test_mistakes_are_one_line_and_exit_2(tlsight: Run, words: tuple[str, ...]) -> None:
    done = tlsight(*words, "127.0.0.1:9")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_written_is_told(tlsight: Run, tmp_path: Path) -> None:
    (tmp_path / "tlsight.xml").mkdir()
    done = tlsight("check", "--junit", tmp_path / "tlsight.xml", f"127.0.0.1:{free_port()}")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr


def test_sarif_has_no_error_where_the_run_passes(
    tlsight: Run, lab: tuple[str, ...], tmp_path: Path
) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    done = tlsight("diagnose", "--sarif", nobody)
    assert (done.returncode, {one["level"] for one in results(done)}) == (1, {"error"})
    done = tlsight("diagnose", "--sarif", "--expect", "connection-refused", nobody)
    (found,) = results(done)
    assert (done.returncode, found["ruleId"], found["level"]) == (0, "connection-refused", "note")

    other = ("--sarif", "--sni", "good.test", "--fail-on", "intercepted", "elsewhere.test")
    done = tlsight("check", *other, *lab)
    assert done.returncode == 0
    assert results(done)
    assert "error" not in {one["level"] for one in results(done)}
