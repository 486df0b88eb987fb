"""Begin a rule: its file, its row, and a test that fails until the rule is written.

    make rule NAME=leaf-too-young KIND=evidence
    make rule NAME=name-too-long KIND=cause

Writes what the author would copy from another rule, with the places to fill in named. Nothing is written where
something of the name is there already.
"""

from __future__ import annotations

import argparse
import keyword
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A rule of each kind whose imports a fresh one needs, wherever these have moved.
PATTERN = "self_signed"
EVIDENCE = '''\
"""{name}: the claim in one sentence, as the finding says it.

Source: where the claim is from (RFC and section, a product's documentation, a measurement).
"""

from __future__ import annotations

{imports}

def find(seen: Examination, _: Sharing) -> Evidence | None:
    del seen  # The rule. Until it is written, its own test fails and nothing else does.
    return None
'''
CAUSE = '''\
"""{name}: the fact about one party in one sentence (RFC and section, or the documentation it is from)."""

from __future__ import annotations

{imports}

def find(clues: Clues) -> Claim | None:
    del clues  # The rule. Until it is written, its own test fails and nothing else does.
    return None
'''
EVIDENCE_TEST = '''\
"""When {name} speaks, and when it does not apply."""

from __future__ import annotations

from {package} import {module}
from detector.lab.pki import LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_{module}_speaks_where_its_claim_holds(pki: LabPki, observe: Observe, ask: Ask) -> None:
    """Show it what it is about, and say what it points to and how strongly."""
    found = ask({module}, observe("a.com", pki.issue("a.com")))
    assert found is not None
    assert found.id == "{name}"


def test_{module}_does_not_apply_elsewhere(pki: LabPki, observe: Observe, ask: Ask) -> None:
    """Show it what comes closest to its claim and is innocent."""
    assert ask({module}, observe("b.com", pki.issue("b.com"))) is None
'''
CAUSE_TEST = '''\
"""When {name} is the cause, and when it is not."""

from __future__ import annotations

from {package}.{module} import find
{inquiry}
from detector.lab.pki import LabPki
from tests.causes.conftest import MakeClues
from tests.conftest import Observe


def test_{module}_is_found_where_it_is_so(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    """Show it what it is about, and say how severe it is."""
    found = find(clues(Inquiry(observe("a.com", pki.issue("a.com")))))
    assert found is not None
    assert found.severity == "error"


def test_{module}_is_not_found_elsewhere(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    """Show it what comes closest and is healthy."""
    assert find(clues(Inquiry(observe("b.com", pki.issue("b.com"))))) is None
'''


class CannotMakeError(Exception):
    pass


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kind", help="evidence or cause")
    parser.add_argument("name", help="the id, in lower case with hyphens")
    parser.add_argument("--root", type=Path, default=ROOT, help="another tree")
    given = parser.parse_args(arguments)
    try:
        make = KINDS.get(given.kind)
        if make is None or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", given.name):
            raise CannotMakeError("make rule NAME=some-name KIND=evidence or KIND=cause")
        if keyword.iskeyword(given.name):
            raise CannotMakeError(
                f"{given.name} is a word of Python's own: no module can be called so"
            )
        texts, todo = make(given.root, given.name)
    except CannotMakeError as error:
        print(f"make_rule: {error}", file=sys.stderr)
        return 2
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"written: {path.relative_to(given.root)}")
    tidy([path for path in texts if path.suffix == ".py"])
    print(todo)
    return 0


def evidence(root: Path, name: str) -> tuple[dict[Path, str], str]:
    """Every file to write, and what is left to do."""
    module = name.replace("-", "_")
    room = root / "detector" / "evidence"
    rules, tests = places(root, "evidence", module)
    listing = room / "gather.py" if (room / "gather.py").exists() else room / "rules.py"
    table = root / "docs" / "reference" / "evidence.md"
    row = f"| {name} | say it in a line | intercepted | weak |"
    texts = {
        rules: EVIDENCE.format(name=name, imports=imports(rules)),
        tests: EVIDENCE_TEST.format(name=name, module=module, package=dotted(root, rules.parent)),
        listing: listed(listing.read_text(), module),
        table: after_last_row(table.read_text(), row),
    }
    todo = f"Now: claim and source in {module}.py; its place in {listing.name}; its row in evidence.md."
    return texts, todo


def cause(root: Path, name: str) -> tuple[dict[Path, str], str]:
    """As `evidence`. The row has the keys that every row has."""
    module = name.replace("-", "_")
    rules, tests = places(root, "causes", module)
    table = root / "detector" / "data" / "causes.toml"
    text = table.read_text()
    rows = tomllib.loads(text)["cause"]
    if any(row["id"] == name for row in rows):
        raise CannotMakeError(f"{name} is in {table.name} already")
    needed = {key: value for key, value in rows[0].items() if all(key in one for one in rows)}
    row = "\n".join(f"{key} = {blank(key, value, name)}" for key, value in needed.items())
    (inquiry,) = re.findall(r"^from detector\S* import Inquiry\b.*", _sample(root), re.MULTILINE)
    texts = {
        rules: CAUSE.format(name=name, imports=imports(rules)),
        tests: CAUSE_TEST.format(
            name=name, module=module, package=dotted(root, rules.parent),
            inquiry=inquiry.partition(" import ")[0] + " import Inquiry",
        ),
        table: f"{text.rstrip()}\n\n[[cause]]\n{row}\n",
    }  # fmt: skip
    todo = (
        f"Now: claim and source in {module}.py; the row in causes.toml, moved to its place in the order;"
        " a case of the lab that shows it; then make docs."
    )
    return texts, todo


def tidy(paths: list[Path]) -> None:
    """Lines break, and imports follow each other, by the length and the letters of the name."""
    ruff = Path(sys.executable).parent / "ruff"
    for words in (["check", "--fix", "--select", "I"], ["format"]):
        subprocess.run([ruff, *words, "--quiet", "--no-cache", *paths], check=True)


KINDS: dict[str, Callable[[Path, str], tuple[dict[Path, str], str]]] = {
    "evidence": evidence,
    "cause": cause,
}


def places(root: Path, room: str, module: str) -> tuple[Path, Path]:
    """The rule's file and its test's, in the folder of rules where there is one."""
    rules, tests = root / "detector" / room, root / "tests" / room
    if (rules / "rules" / f"{PATTERN}.py").exists():
        rules, tests = rules / "rules", tests / "rules"
    found = rules / f"{module}.py", tests / f"test_{module}.py"
    for path in found:
        if path.exists():
            raise CannotMakeError(f"{path.relative_to(root)} is there already")
    return found


def dotted(root: Path, folder: Path) -> str:
    return ".".join(folder.relative_to(root).parts)


def imports(rule: Path) -> str:
    """The lines by which the rule of PATTERN imports what every rule needs."""
    lines = (rule.parent / f"{PATTERN}.py").read_text().splitlines()
    found = [line for line in lines if line.startswith("from detector.")]
    needed = ("Examination", "Sharing", "Evidence", "Clues", "Claim")
    kept: list[str] = []
    for line in found:
        before, _, names = line.partition(" import ")
        wanted = [name for name in names.split(", ") if name in needed]
        if wanted:
            kept.append(f"{before} import {', '.join(wanted)}")
    return "\n".join(kept) + "\n"


def listed(text: str, module: str) -> str:
    """The module among the imports, in their order, and its rule at the end of RULES."""
    blocks = re.finditer(
        r"^from detector\.evidence\S* import \(\n((?:    \w+,\n)+)\)", text, re.MULTILINE
    )
    block = next((one for one in blocks if f"    {PATTERN},\n" in one[1]), None)
    end = re.search(r"^RULES: [^\n]*\(\n(?:    \w+\.find,\n)+", text, re.MULTILINE)
    if block is None or end is None:
        raise CannotMakeError("the list of rules is not of the form that it had")
    names = sorted([*re.findall(r"\w+", block[1]), module])
    inside = "".join(f"    {name},\n" for name in names)
    text = f"{text[: end.end()]}    {module}.find,\n{text[end.end() :]}"
    return text[: block.start(1)] + inside + text[block.end(1) :]


def after_last_row(text: str, row: str) -> str:
    """A table with one row more."""
    lines = text.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("| "))
    return "\n".join([*lines[: last + 1], row, *lines[last + 1 :]]) + "\n"


def blank(key: str, value: object, name: str) -> str:
    """What stands in a fresh row: of words a request to write them, of the rest what the first row has."""
    if key == "id":
        return f'"{name}"'
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, list):
        return "[]"
    known = {"party": '"server"'}
    return known.get(key, f'"{value}"' if " " not in str(value) else f'"write the {key}"')


def _sample(root: Path) -> str:
    return (root / "tests" / "causes" / "conftest.py").read_text()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
