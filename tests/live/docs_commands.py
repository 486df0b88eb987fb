"""What a page says, done from the top to the bottom, and held against what it shows."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from detector.cli import exit_codes
from tests.documented import Command, Content, calls, steps
from tests.live.conftest import DOCUMENTED, TABLES
from tests.live.docs_world import ROOT, Reader, substituted

# Verbs that stay until they are told to stop.
STAYING = frozenset(
    (
        "bypass run", "bypass serve", "bypass sync run", "bypass sync serve", "fleet serve",
        "fleet page", "lab serve", "echo serve", "agent run", "agent exporter", "logs -f",
        "pcap --interface", "watch-path --every",
    )
)  # fmt: skip
_DONE = (exit_codes.CLEAN, exit_codes.FOUND)


class Prepared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What docs_pages.toml has for a page."""

    page: str
    before: str = ""
    open: dict[str, str] = {}
    codes: dict[str, int] = {}
    instead: dict[str, str] = {}
    typed: dict[str, str] = {}
    given: dict[str, str] = {}
    beside: str = ""


def prepared() -> dict[str, Prepared]:
    """By page."""
    data = tomllib.loads((Path(__file__).parent / "docs_pages.toml").read_text())
    rows = msgspec.convert(data.get("page", []), list[Prepared])
    return {row.page: row for row in rows}


def follow(page: Path, reader: Reader) -> list[str]:
    """Do all that a page says; what did not work, a line each. What became of each command is in TABLES."""
    name = str(page.relative_to(ROOT))
    ready = prepared().get(name, Prepared(name))
    said: list[str] = []
    if ready.before:
        log = reader.home / "before"
        done = reader.run(f"set -eu; exec 2>&1\n{ready.before}")
        log.write_text(done.stdout)
        if done.returncode:
            return [f"{name}: what it takes for granted was not made: {done.stdout[-600:]}"]
    if ready.beside:
        reader.start(ready.beside, reader.home / "beside")
    names: dict[str, str] = {}
    for step in steps(page):
        where = f"{name}:{step.line}"
        if isinstance(step, Command) and step.excuse:
            _note(where, step, f"not run: {step.excuse}")
            continue
        for word, source in ready.open.items():
            if word in step.text and word not in names:
                names[word] = reader.run(source).stdout.strip()
        if isinstance(step, Content):
            path = reader.home / "work" / step.name
            path.write_text(substituted(step.text, names))
            continue
        told = _do(step, reader, names, ready)
        _note(where, step, told or "works")
        if told:
            said.append(f"{where}: {step.text}\n{told}")
    return said


def _do(step: Command, reader: Reader, names: Mapping[str, str], ready: Prepared) -> str:
    """One command; what was not as it is shown, or ""."""
    text = substituted(step.text, names)
    for words, others in ready.instead.items():
        text = text.replace(words, others)
    if _stays(text):
        log = reader.home / f"stays-{step.line}"
        child = reader.start(re.sub(r"\s*&$", "", text.split("  #")[0]), log)
        if child.poll() not in (None, *_DONE):
            return f"ended with {child.returncode}: {log.read_text()[-600:]}"
        shown = log.read_text()
    else:
        typed, given = (
            next((keys for words, keys in said.items() if words in text), "")
            for said in (ready.typed, ready.given)
        )
        done = reader.run(text, typed=typed, given=given)
        expected = [code for words, code in ready.codes.items() if words in text] or _DONE
        if done.returncode not in expected:
            return f"exit code {done.returncode}: {done.stderr[-600:]}{done.stdout[-300:]}"
        if "Traceback" in done.stderr or done.stderr.startswith("bash: "):
            return done.stderr[-600:]
        shown = done.stdout
    if step.shown and step.shown[0] != "..." and not _alike(step.shown[0], shown):
        return f"shows {shown.splitlines()[:3]}, the page {step.shown[0]!r}"
    return ""


def _stays(text: str) -> bool:
    for words in calls(text):
        line = " ".join(words)
        if any(line == verb or line.startswith(f"{verb} ") for verb in STAYING):
            return True
    return text.startswith("mitmdump ")


def _alike(shown: str, printed: str) -> bool:
    """Whether the first line is the page's, but for numbers, dates and spaces."""

    def plain(line: str) -> str:
        return " ".join(re.sub(r"\d[\d:.+T-]*", "0", line).split())

    first = next((line for line in printed.splitlines() if line.strip()), "")
    return plain(shown) == plain(first)


def _note(where: str, step: Command, told: str) -> None:
    row = TABLES.setdefault(DOCUMENTED, {}).setdefault(f"{where} {step.text[:70]}", {})
    row["is"] = told.splitlines()[0][:60]
