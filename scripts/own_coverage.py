"""How much of each file its own tests run: tests/x/test_y.py for detector/x/y.py.

    .venv/bin/python scripts/own_coverage.py                  all unit tests, held against the floor
    .venv/bin/python scripts/own_coverage.py tests/chain      only these tests, nothing held
    .venv/bin/python scripts/own_coverage.py --write-floor    raise the floor to what is measured

A line that another file's tests happen to run is not covered: nothing looks at what it does. One run of the unit
tests is enough, since every line is kept with the test file that ran it, in processes that tests start too. Only
lines inside functions count: the others run when a module is imported, whoever does it first. What functions keep
in caches is forgotten before each test file, so that the order of the files decides nothing.

scripts/coverage_floor.toml holds a floor a file, and how many files have no test file of their own. Floors may only
rise, that number may only fall.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("detector", "addons")
FLOOR = "scripts/coverage_floor.toml"
# Time and chance decide some branches: the floor stands so many points below what was measured.
SLACK = 5
SETTINGS = """\
[run]
source = {source}
data_file = {folder}/data
parallel = true
core = ctrace
patch = _exit
context = ${{OWN_COVERAGE_TEST-start}}
disable_warnings = no-data-collected, module-not-imported, module-not-measured, no-sysmon
"""


@dataclass(frozen=True)
class Row:
    """One file.

    Attributes:
        test: its own test file, None without one.
        missing: lines in functions that its own tests do not run.

    """

    path: str
    test: str | None
    lines: int
    missing: tuple[int, ...]

    @property
    def percent(self) -> int:
        return 100 * (self.lines - len(self.missing)) // self.lines


@dataclass(frozen=True)
class Floor:
    without_own_tests: int
    files: dict[str, int]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tests", nargs="*", help="only these tests")
    parser.add_argument("--write-floor", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT, help="another tree")
    parser.add_argument("--settings", type=Path, help=argparse.SUPPRESS)  # one process's share
    given = parser.parse_args(arguments)
    os.chdir(given.root)
    if given.settings is not None:
        return share(given.settings, given.root, given.tests)
    if given.tests and given.write_floor:
        parser.error("a floor needs all tests")
    rows = measured(given.root, given.tests)
    if given.tests:
        ran = tuple(str(Path(test)) for test in given.tests)
        rows = [row for row in rows if row.test is not None and row.test.startswith(ran)]
    floor = read_floor(given.root / FLOOR)
    show(rows, floor)
    if given.tests:
        return 0
    complaints = compared(rows, floor)
    if given.write_floor:
        (given.root / FLOOR).write_text(raised(rows, floor))
        print(f"{FLOOR} is written")
    for complaint in complaints:
        print(f"coverage: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def measured(root: Path, tests: list[str]) -> list[Row]:
    """Run the unit tests and say of every file what its own ones ran, the worst first.

    As many processes as there are cores take a share each: many tests wait rather than compute.
    """
    wanted = tests or sorted({test for path in files(root) if (test := own_test(root, path))})
    jobs = min(len(wanted), max(2, os.cpu_count() or 1))
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "coveragerc"
        source = ",".join(str(root / package) for package in PACKAGES)
        settings.write_text(SETTINGS.format(source=source, folder=folder))
        # For processes that tests start.
        environment = {**os.environ, "COVERAGE_PROCESS_START": str(settings)}
        words = [sys.executable, __file__, "--root", str(root), "--settings", str(settings)]
        running = [
            subprocess.Popen([*words, *wanted[number::jobs]], env=environment)
            for number in range(jobs)
        ]
        ended = [process.wait() for process in running]
        if any(ended):
            raise SystemExit(max(ended))
        found = coverage.Coverage(config_file=str(settings))
        found.combine([folder], strict=True)
        rows = [row for path in files(root) if (row := of_file(found, root, path)) is not None]
    return sorted(rows, key=lambda row: (row.percent, row.path))


def share(settings: Path, root: Path, tests: list[str]) -> int:
    """Run some test files in this process; 0 where they ran, whether they passed or not."""
    found = coverage.Coverage(config_file=str(settings), data_suffix=True)
    found.start()
    words = ["-m", "not live", "--hypothesis-seed=0", "-q", *tests]
    ended = pytest.main(words, plugins=[ByTestFile(found, root)])
    found.stop()
    found.save()
    right = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    return 0 if ended in right else int(ended)


class ByTestFile:
    """pytest's plugin that says whose tests run."""

    def __init__(self, running: coverage.Coverage, root: Path) -> None:
        self.running = running
        self.root = root
        self.now = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        name = item.path.relative_to(self.root).as_posix()
        if name != self.now:
            self.now = name
            forget()
            os.environ["OWN_COVERAGE_TEST"] = name
            self.running.switch_context(name)
        return (yield)


def forget() -> None:
    """Empty every cache of ours: what it kept would not run again for the next file."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES:
            for value in list(vars(module).values()):
                if callable(getattr(value, "cache_clear", None)):
                    value.cache_clear()


def files(root: Path) -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((root / package).rglob("*.py"))


def of_file(found: coverage.Coverage, root: Path, path: Path) -> Row | None:
    """None for a file without a line in a function."""
    inside = in_functions(path.read_text())
    lines = {line for line in found.analysis2(str(path))[1] if line in inside}
    if not lines:
        return None
    test = own_test(root, path)
    run: set[int] = set()
    if test is not None:
        data = found.get_data()
        data.set_query_contexts([rf"(^|\|){re.escape(test)}$"])
        run = set(data.lines(str(path)) or ())
    name = path.relative_to(root).as_posix()
    return Row(name, test, len(lines), tuple(sorted(lines - run)))


def in_functions(text: str) -> set[int]:
    """Numbers of the lines that run when a function is called, not when it is defined."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update(range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1))
    return found


def own_test(root: Path, path: Path) -> str | None:
    """The test file of a file; those of addons may lie together."""
    package, *rooms, _ = path.relative_to(root).parts
    test = f"test_{path.name}"
    places = [(*rooms, test)] if package == "detector" else [
        ("addons", *rooms, test), ("addons", test), (*rooms, test),
    ]  # fmt: skip
    for place in places:
        name = "/".join(("tests", *place))
        if (root / name).is_file():
            return name
    return None


def show(rows: list[Row], floor: Floor) -> None:
    for row in rows:
        if row.test is not None:
            held = floor.files.get(row.path)
            text = "no floor yet" if held is None else f"floor {held:3}"
            print(f"{row.percent:4}%  {text:12}  {row.path}")
    without = [row.path for row in rows if row.test is None]
    if without:
        print(f"{len(without)} files without a test file of their own:")
        for path in without:
            print(f"   0%                {path}")


def compared(rows: list[Row], floor: Floor) -> list[str]:
    """What is worse than the floor says."""
    found = [
        f"{row.path}: its own tests run {row.percent}%, the floor is {held}%; not run: {spans(row.missing)}"
        for row in rows
        if row.percent < (held := floor.files.get(row.path, 0))
    ]
    without = sum(row.test is None for row in rows)
    if without > floor.without_own_tests:
        found.append(
            f"{without} files have no test file of their own, {floor.without_own_tests} may"
        )
    return found


def spans(lines: tuple[int, ...]) -> str:
    """1, 2, 3, 7 as "1-3 7"."""
    found: list[list[int]] = []
    for line in lines:
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def read_floor(path: Path) -> Floor:
    """Without a file everything is allowed, as before the first `--write-floor`."""
    if not path.exists():
        print(f"{path} is not there yet: nothing is held", file=sys.stderr)
        return Floor(sys.maxsize, {})
    data = tomllib.loads(path.read_text())
    return Floor(data["without_own_tests"], data["floor"])


def raised(rows: list[Row], floor: Floor) -> str:
    """The floor's file anew: no floor falls; files that are gone are left out."""
    without = sum(row.test is None for row in rows)
    lines = [
        "# Written by scripts/own_coverage.py --write-floor. Floors may only rise, the number only fall.",
        f"without_own_tests = {min(without, floor.without_own_tests)}",
        "",
        "[floor]",
    ]
    for row in sorted(rows, key=lambda row: row.path):
        held = max(row.percent - SLACK, floor.files.get(row.path, 0), 0)
        if row.test is not None:
            lines.append(f'"{row.path}" = {held}')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
