"""Every regular expression of the product, found in its source, and how each is asked.

Theory of operation
-------------------
Each module's syntax tree is walked for calls of `re`, and of `in_order`, which makes them of pieces. Where the
expression is a constant, or made of constants of its module, it is worked out; where it comes out of a table, TABLES
says which. A call that is neither is an error, so nothing is left out because somebody forgot it. How a compiled expression is asked is told from what is called on
its name; where that cannot be told, and TABLES does not say it, it is taken to be searched with, which is the
hardest.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
_ASKED = frozenset(("match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split"))
_WHOLE = frozenset(("findall", "finditer", "sub", "subn", "split"))


class Row(NamedTuple):
    """One expression and one way of asking it.

    Attributes:
        name: "file:line", with a number where a table has several.
        way: the method that asks it.
        most: characters that the product asks it of at most.
        lines: it is asked of lines, which have no end of a line in them.

    """

    name: str
    pattern: re.Pattern[Any]
    way: str
    most: int
    lines: bool

    def ask(self, text: str) -> None:
        """Do with the text what the product does."""
        data: Any = text.replace("\n", " ") if self.lines else text
        if isinstance(self.pattern.pattern, bytes):
            data = data.encode("latin-1", "replace")
        if self.way in _WHOLE:
            for _ in self.pattern.finditer(data):
                pass
        else:
            getattr(self.pattern, self.way)(data)


def rows() -> list[Row]:
    """All of them, by file and line."""
    found: list[Row] = []
    for path in sorted([*ROOT.glob("detector/**/*.py"), *ROOT.glob("addons/**/*.py")]):
        if re.search(r"^import re$|\bin_order\b", path.read_text(), re.MULTILINE):
            found += _of_file(path)
    return found


def _of_file(path: Path) -> Iterator[Row]:
    file = str(path.relative_to(ROOT))
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    tree = ast.parse(path.read_text())
    ways = _ways(tree)
    for call in _calls(tree):
        written = ast.unparse(call.args[0])
        asked = ast.unparse(call.func).removeprefix("re.")
        table = TABLES.get((file, written))
        if table is not None:
            patterns, told = table.read(), {table.way}
        else:
            patterns = (_constant(file, call, written, vars(module)),)
            told = {asked} if asked in _ASKED else {WAYS[file]} if file in WAYS else ways(call)
        for number, pattern in enumerate(patterns):
            name = f"{file}:{call.lineno}" + (f"#{number}" if table is not None else "")
            for way in sorted(told):
                yield Row(name, pattern, way, MOST.get(file, _MOST), file.startswith(LINES))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name == "in_order" or name.removeprefix("re.") in {*_ASKED, "compile"} - {name}:
            yield node


def _constant(file: str, call: ast.Call, written: str, names: dict[str, Any]) -> re.Pattern[Any]:
    if ast.unparse(call.func) == "in_order":
        made: re.Pattern[Any] = eval(ast.unparse(call), dict(names))
        return made
    try:
        expression = eval(written, dict(names))
    except NameError as error:
        raise AssertionError(f"{file}:{call.lineno}: no row of TABLES for {written}") from error
    flags = 0
    for extra in (*call.args[1:], *(k.value for k in call.keywords if k.arg == "flags")):
        try:
            value = eval(ast.unparse(extra), dict(names))
        except NameError:
            continue  # the text that is asked
        flags |= value if isinstance(value, re.RegexFlag) else 0
    return re.compile(expression, flags)


def _ways(tree: ast.Module) -> Callable[[ast.Call], set[str]]:
    """How what a call compiles is asked, by the name that it is given."""
    asked: dict[str, set[str]] = {}
    named: dict[ast.Call, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                named[node.value] = target.id
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.attr in _ASKED
        ):
            asked.setdefault(node.value.id, set()).add(node.attr)
    return lambda call: asked.get(named.get(call, ""), set()) or {"search"}


def _table(module: str, name: str, *column: int) -> Callable[[], list[re.Pattern[Any]]]:
    """One column of a table of a module; of a row that is an expression itself, the row."""

    def read() -> list[re.Pattern[Any]]:
        table = getattr(importlib.import_module(module), name)
        return [row[column[0]] if column else row for row in table]

    return read


def _words() -> Iterator[re.Pattern[Any]]:
    from detector.wire.proxy_answer import _WORDS

    return (re.compile(expression, re.IGNORECASE) for expression, _ in _WORDS)


def _alerts() -> Iterator[re.Pattern[Any]]:
    from detector.messages import alerts

    yield from (*alerts._ALERTS, *alerts._SENT)


def _suites() -> Iterator[re.Pattern[Any]]:
    from detector.wire.suites import _WEAK

    return (re.compile(expression) for _, expression in _WEAK)


def _agents() -> Iterator[re.Pattern[Any]]:
    from detector.knowledge.browser_hellos import browser_hellos

    return iter(browser_hellos().patterns())


def _issuers() -> Iterator[re.Pattern[Any]]:
    from detector.knowledge.shipped import products, shared_cas

    for known in (*products(), *shared_cas()):
        for alternative in known.match:
            yield from (re.compile(one, re.DOTALL) for one in alternative.values())


def _shapes(*fields: str) -> Callable[[], Iterator[re.Pattern[Any]]]:
    def read() -> Iterator[re.Pattern[Any]]:
        from detector.knowledge.shipped import engines

        for engine in engines():
            for shape in engine.shapes:
                for field in fields:
                    value = getattr(shape, field) or {}
                    written = value.values() if isinstance(value, dict) else (value,)
                    yield from (re.compile(one.replace("{host}", "a[.]example")) for one in written)

    return read


def _configurations(field: str) -> Callable[[], Iterator[re.Pattern[Any]]]:
    def read() -> Iterator[re.Pattern[Any]]:
        from detector.logs.programs import all_programs

        for program in all_programs():
            written = (
                (program.config_marks,) if field == "marks" else (s.config for s in program.blind)
            )
            yield from (re.compile(one) for one in written if one)

    return read


def _nothing() -> tuple[re.Pattern[Any], ...]:
    return ()


def _one(expression: str) -> Callable[[], list[re.Pattern[Any]]]:
    return lambda: [re.compile(expression, re.MULTILINE)]


class Table(NamedTuple):
    """Expressions that come from elsewhere, and how they are asked."""

    read: Callable[[], Iterable[re.Pattern[Any]]]
    way: str = "search"


_PREAMBLE = "detector.capture.preamble"
TABLES = {
    ("detector/capture/preamble.py", "c"): Table(_table(_PREAMBLE, "_TABLE", 1)),
    ("detector/capture/preamble.py", "s"): Table(_table(_PREAMBLE, "_TABLE", 2)),
    ("detector/logs/reasons.py", "'|'.join(words)"): Table(_table("detector.logs.reasons", "_TABLE", 0)),
    ("detector/messages/alerts.py", "expression"): Table(_alerts, "finditer"),
    ("detector/messages/target.py", "expression"): Table(_table("detector.messages.target", "_FORMS", 1), "finditer"),
    ("detector/knowledge/explanations.py", "expression"): Table(_nothing),  # asked by re2
    ("detector/wire/proxy_answer.py", "words"): Table(_words),
    ("detector/wire/suites.py", "pattern"): Table(_suites),
    ("detector/forensics/claimed.py", "family.agent"): Table(_agents),
    ("detector/forensics/claimed.py", "family.platform"): Table(_nothing),  # with the others
    ("detector/forensics/claimed.py", "other.agent"): Table(_nothing),
    ("detector/knowledge/shipped.py", "expression"): Table(_issuers, "fullmatch"),
    ("detector/knowledge/shipped.py", "f'[0-9a-f]{{{size}}}'"): Table(_nothing),  # in our own file
    ("detector/known/knowledge.py", "text"): Table(_nothing),  # the issuers again
    ("detector/chain/shape_rule.py", "pattern"): Table(_shapes("extensions_like", "crl", "comment")),
    ("detector/chain/shape_rule.py", "pattern.replace(HOST, host)"): Table(
        _shapes("issuer", "subject"), "fullmatch"
    ),
    ("detector/logs/blind.py", "spot.config"): Table(_configurations("blind")),
    ("detector/logs/blind.py", "one.config_marks"): Table(_configurations("marks")),
    ("detector/knowledge/packages.py", "f'^Package: {re.escape(name)}\\\\n(?:.+\\\\n)*'"): Table(
        _one(r"^Package: ca-certificates\n(?:.+\n)*")
    ),
    ("detector/knowledge/rows.py", "f'^[ \\\\t]*\\\\[\\\\[\\\\s*{re.escape(table)}\\\\s*\\\\]\\\\]'"): Table(
        _one(r"^[ \t]*\[\[\s*rule\s*\]\]"), "finditer"
    ),
    ("detector/logs/pieces.py", "b'\\\\A' + b''.join(pieces)"): Table(_nothing),  # where it is called
    ("detector/knowledge/programs.py", "expression"): Table(_nothing),  # asked by re2
    # Regexes of bypass rules are their authors'.
    ("addons/bypass/matcher.py", "rule.regex"): Table(_nothing),
    ("addons/bypass/reach.py", "rule.regex"): Table(_nothing),
    ("addons/bypass/rule.py", "plain"): Table(_nothing),
}  # fmt: skip
# How the expressions of a file's tables are asked.
WAYS = {"detector/wire/greeting.py": "match"}
# Where texts are cut before they are asked, or are refused when they are longer.
_MOST = 1 << 14
MOST = {
    "detector/wire/greeting.py": 512,
    "detector/logs/stamp.py": 80,
    "addons/bypass/rule.py": 200,
    "detector/lab/mitmdump.py": 200,  # what a program of the lab says when it starts
}
LINES = (
    "detector/logs/programs/",
    "detector/logs/access",
    "detector/stores/nss",
    "detector/messages/layout",
    "addons/formats/",
    "detector/stores/formats/ini",
    "detector/stores/formats/words",
    "detector/stores/formats/shell",
    "detector/stores/formats/prefs",
    "detector/stores/formats/toml",
)
