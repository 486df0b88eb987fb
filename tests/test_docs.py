"""The docs keep up with the product: links lead somewhere, lists are complete, help is current."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import detector.evidence.rules
from bench.captures import write_handshakes
from detector.lab.pki import LabPki

ROOT = Path(__file__).parents[1]
NAMES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "RELEASING.md")
PAGES = [ROOT / name for name in NAMES]
ISSUES = ROOT / ".github" / "ISSUE_TEMPLATE"
PAGES += sorted((ROOT / "docs").rglob("*.md"))

sys.path.insert(0, str(ROOT / "docs"))
generate = importlib.import_module("generate")
site_links = importlib.import_module("site_links")
sys.path.remove(str(ROOT / "docs"))
MADE = dict(generate.made())


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_a_link_of_the_site_leads_to_a_file_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "how-to").mkdir()
    (tmp_path / "index.html").write_text('<a href="how-to/a%20page.html#there">')
    (tmp_path / "how-to/a page.html").write_text(
        '<a href=".."><a href="#here"><a href="https://example.com/none"><img src="../left-out.py">'
        '<a href="../../outside.html">'
    )
    (tmp_path.parent / "outside.html").touch()
    found = list(site_links.dead_links(tmp_path))
    assert found == [
        ("how-to/a page.html", "../left-out.py"),
        ("how-to/a page.html", "../../outside.html"),
    ]


def test_samples_that_pages_link_are_in_the_site(tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = subprocess.run(
        [Path(sys.executable).parent / "mkdocs", "build", "--site-dir", site],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert not re.findall("samples.*not in the site", done.stderr), done.stderr
    assert (site / "samples/flask_check.py").is_file()
    assert not (site / "generate.py").exists()


def test_every_kind_of_evidence_is_in_the_reference() -> None:
    listed = set(
        re.findall(
            r"^\| ([a-z-]+) \|", (ROOT / "docs/reference/evidence.md").read_text(), re.MULTILINE
        )
    )
    for module in pkgutil.iter_modules(detector.evidence.rules.__path__):
        assert module.name.replace("_", "-") in listed


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_from_the_product_is_as_it_is_now(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == MADE[name](), "run make pages"


def test_pages_that_nothing_makes_any_more_are_gone() -> None:
    for folder in ("readers", "reference/schemas"):
        stand = {f"{folder}/{path.name}" for path in (ROOT / "docs" / folder).iterdir()}
        assert stand <= set(MADE)


def test_every_page_is_read_by_somebody() -> None:
    """A how-to page that no reader's index names is found by nobody."""
    listed = {task.page for reader in generate.readers() for task in reader.task}
    assert listed == {f"how-to/{path.name}" for path in (ROOT / "docs/how-to").glob("*.md")}


def test_the_examples_of_the_python_interface_run(tmp_path: Path, pki: LabPki) -> None:
    (tmp_path / "chain.pem").write_text(pki.issue("example.com").chain_pem)
    write_handshakes(tmp_path / "trace.pcap", 1)
    (tmp_path / "error.log").write_text(
        "2026/11/20 10:00:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A000418:SSL"
        " routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client:"
        " 192.0.2.7, server: 0.0.0.0:443\n"
    )
    page = (ROOT / "docs/reference/python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_issue_forms_ask_for_commands_that_there_are() -> None:
    """Each form is what GitHub takes: known types, ids that differ; its commands have these options."""
    commands = (ROOT / "docs/reference/command.md").read_text()
    forms = [path for path in ISSUES.glob("*.yml") if path.name != "config.yml"]
    assert len(forms) >= 3
    for path in forms:
        form = YAML(typ="safe").load(path)
        assert form["name"]
        assert form["description"]
        ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(ids) == len(set(ids))
        assert {part["type"] for part in form["body"]} <= {
            "markdown", "input", "textarea", "dropdown", "checkboxes",
        }  # fmt: skip
        for line in re.findall(r"`tlsight ([^`]+)`", path.read_text()):
            words = line.split()
            assert words[0].startswith("--") or f"tlsight {words[0]}" in commands
            for option in (word for word in words if word.startswith("-")):
                assert re.search(rf"{option}[ ,]", commands), line


def test_hooks_run_what_is_installed_and_fetch_nothing() -> None:
    (local,) = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        program, *words = hook["entry"].split()
        assert hook["language"] == "system"
        found = Path(sys.executable).parent / Path(program).name
        assert program == f".venv/bin/{found.name}"
        help_text = subprocess.run([found, *words[:1], "--help"], capture_output=True, text=True)
        assert all(word in help_text.stdout for word in words[1:])


def test_pictures_load_nothing_from_elsewhere() -> None:
    for picture in (ROOT / "docs/pictures").glob("*.svg"):
        text = picture.read_text()
        assert "@import" not in text
        assert "url(http" not in text.replace("url(#", "")


def test_the_makefile_has_every_command_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"(?:`|^    )make ([a-z]+)", page.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: make {target}"
