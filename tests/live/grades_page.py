"""The page of grades that people quote, from what the tests of grades measured last.

pytest tests/live/test_grade.py tests/live/test_fetched_interceptors.py && python -m tests.live.grades_page
"""

from __future__ import annotations

import json
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from detector.model.grades import Grade
from detector.report.grade_text import HEADINGS
from tests.live.fetched_interceptors import FETCHED, VERSIONS
from tests.live.grade_world import SETTINGS, TESTS, Setting
from tests.live.programs import TOOLS, find

ROOT = Path(__file__).parents[2]
MEASURED = ROOT / "build" / "grades"
ALL = (*SETTINGS, *FETCHED)
PAGE = ROOT / "docs" / "reference" / "interceptor-grades.md"
_MARKS = {"passed": "✓", "failed": "✗", "passed-on": "↷", "not-asked": "·", "unclear": "?"}
_HEAD = """# Grades of interceptors

What `tlsight grade` says of programs that decrypt TLS, each run by the tests with the configuration in its name and a CA
that its clients trust, in front of the [servers that grade](../explanation/grades.md). A program that leaves verification
out because it was told to is no bad program; a machine that runs it so is a bad place to stand behind.

✓ passed, ✗ failed, ↷ the fault reaches the client, who can refuse, · not asked, ? unclear. Outcomes of tests whose letter
is B or less change with a program's TLS library.

## Grades

| | interceptor | version | grade | decided by |
|---|---|---|---|---|
"""


def keep(setting: Setting, grade: Grade) -> None:
    """What was measured, for the page."""
    MEASURED.mkdir(parents=True, exist_ok=True)
    row = {
        "version": _version(setting.name.partition(",")[0]),
        "letter": grade.letter,
        "reasons": grade.reasons,
        "outcomes": {one.test: one.outcome for one in grade.answers},
    }
    (MEASURED / f"{_file(setting)}.json").write_text(json.dumps(row, indent=1) + "\n")


def page() -> str:
    """From all that was kept. Raises FileNotFoundError for an interceptor that was not measured."""
    rows = [json.loads((MEASURED / f"{_file(setting)}.json").read_text()) for setting in ALL]
    text = _HEAD
    for number, (setting, row) in enumerate(zip(ALL, rows, strict=True), 1):
        reasons = ", ".join(row["reasons"][:4])
        more = f" and {len(row['reasons']) - 4} more" if len(row["reasons"]) > 4 else ""
        text += f"| {number} | {setting.name} | {row['version']} | {row['letter']} | {reasons}{more} |\n"
    text += "\n## Each test\n\nThe numbers are those of the table above; a letter is the best grade that can stand where the test fails.\n"
    for group, heading in HEADINGS.items():
        numbers = " | ".join(str(one) for one in range(1, len(rows) + 1))
        text += f"\n### {heading}\n\n| test | | {numbers} |\n|{'---|' * (len(rows) + 2)}\n"
        for test in TESTS:
            if test.group == group:
                cells = " | ".join(_MARKS[row["outcomes"][test.id]] for row in rows)
                text += f"| {test.id} | {test.best} | {cells} |\n"
    return text


def letters(text: str) -> dict[str, str]:
    """Interceptor to letter, as a page has them."""
    rows = re.findall(r"^\| \d+ \| ([^|]+) \| [^|]* \| ([A-F]) \|", text, re.MULTILINE)
    return dict(rows)


def _file(setting: Setting) -> str:
    return re.sub(r"[^a-z0-9]+", "-", setting.name.lower())


def _version(program: str) -> str:
    if program in ("mitmproxy", "proxy.py"):
        return version(program)
    if program == "warcprox":
        return VERSIONS[program]
    if program in VERSIONS:
        return f"{VERSIONS[program]}, {_node()}"
    if program == "http-mitm-proxy":
        package = TOOLS / "npm" / "node_modules" / program / "package.json"
        return f"{json.loads(package.read_text())['version']}, {_node()}"
    words = {"squid": "-v", "sslsplit": "-V", "haproxy": "-v", "nginx": "-v", "privoxy": "--version"}  # fmt: skip
    found = re.search(r"\d+\.\d+(\.\d+)?", _said(program, words[program]))
    return found[0] if found else "?"


def _node() -> str:
    return f"Node {_said('node', '--version').removeprefix('v')}"


def _said(program: str, word: str) -> str:
    done = subprocess.run(
        [find(program), word], capture_output=True, text=True, check=False, timeout=20
    )
    return (done.stdout + done.stderr).strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    (ROOT / "build" / "grades.md").write_text(page(), encoding="utf-8")
