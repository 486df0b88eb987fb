import re
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.programs import load_programs, programs
from detector.model.programs import SHELLS, Program, ProgramFix, Unsafe, line_for

ROWS = list(programs().values())
KINDS = {
    "package manager",
    "runtime",
    "version control",
    "container",
    "cloud",
    "database",
    "browser",
    "editor",
    "agent",
    "mail",
    "iot",
    "transfer",
    "library",
    "system",
}
STORES = {
    "os",
    "mozilla",
    "certifi",
    "node",
    "java",
    "nss",
    "chrome",
    "android",
    "apple",
    "windows",
    "none",
    "own",
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HOST = re.compile(r"(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,}")
ROW = """
[[program]]
id = "one"
name = "One"
kind = "runtime"
sources = ["https://example.com/"]
reads = [{ store = "os", text = "the system's" }]
"""


def test_the_shipped_rows_say_much() -> None:
    assert len(ROWS) >= 230
    assert {row.kind for row in ROWS} <= KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_row_is_whole(kind: str) -> None:
    for row in _of(kind):
        assert row.id == row.id.lower()
        assert row.reads
        assert row.sources
        assert all(source.startswith(("https://", "http://")) for source in row.sources)
        assert {reads.store for reads in row.reads} <= STORES
        assert all(reads.text for reads in row.reads)
        for setting in row.setting:
            assert not setting.store or setting.store in STORES
            assert setting.effect != "switches" or setting.store
        assert all(HOST.fullmatch(host) for host in row.hosts)
        assert len(set(row.hosts)) == len(row.hosts)
        versions = {v for one in row.reads for v in (one.since, one.until)}
        versions |= {v for one in row.setting for v in (one.since, one.until)}
        versions |= {v for one in row.fix for v in (one.since, one.until)}
        assert all(re.fullmatch(r"(\d+(\.\d+)*)?", version) for version in versions)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_key_names_a_kind_and_what_stands_there(kind: str) -> None:
    for row in _of(kind):
        for key in (*(s.key for s in row.setting), *(u.key for u in row.unsafe)):
            of, _, name = key.partition(":")
            assert re.fullmatch("[a-z0-9._-]+", of), key
            assert name, key
            if of == "env":
                assert NAME.fullmatch(name), key
            if of == "option":
                assert name[0] in "-/", key


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fix_has_a_line_for_the_shell_or_a_place_to_write_it(kind: str) -> None:
    for row in _of(kind):
        for fix in row.fix:
            assert not fix.sets or NAME.fullmatch(fix.sets)
            assert not fix.sets or fix.value
            assert not fix.file or fix.lines
            if fix.file.startswith(("/", "~")):
                assert not set(fix.file) & set(" ,;"), "a path and nothing else, or words"
            if not fix.file:
                assert all(line_for(fix, shell, "/ca.pem", "/all.pem") for shell in SHELLS)
            told = line_for(fix, "sh", "/ca.pem", "/all.pem")
            assert not re.search(r"\b(CA_FILE|BUNDLE)\b", told)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_who_is_intercepted_finds_a_fix_or_a_store_that_takes_none(kind: str) -> None:
    for row in _of(kind):
        mends = [fix for one in _chain(row) for fix in one.fixes("tls-intercepted")]
        assert mends or any(reads.store in {"none", "own"} for reads in row.reads)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_fix_turns_verification_off(kind: str) -> None:
    for row in _of(kind):
        bad = [
            (fix, unsafe)
            for fix in row.fix
            for one in _chain(row)
            for unsafe in one.unsafe
            if _turns_off(fix, unsafe)
        ]
        assert not bad


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_setting_that_replaces_is_given_the_public_roots_too(kind: str) -> None:
    for row in _of(kind):
        replaced = {
            s.key.removeprefix("env:")
            for s in row.setting
            if s.effect == "replaces" and s.value in {"file", "files"} and not s.when
        }
        lone = {fix.sets for fix in row.fix if fix.value == "CA_FILE"}
        # Those that talk to servers of the company alone need no public roots.
        assert not (replaced & lone) or not row.hosts, replaced & lone


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (ROW + ROW, "comes twice"),
        (ROW + 'fix = [{ sets = "A", command = "b" }]', "has one of"),
        (ROW + 'fix = [{ causes = ["bad-luck"], sets = "A", value = "b" }]', "no known cause"),
        (ROW + 'unsafe = [{ key = "env:A", when = "(" }]', "unterminated"),
        (ROW + 'under = "none-such"', "to be under"),
        (
            ROW + 'setting = [{ key = "env:A", effect = "adds", needs = "env:B" }]',
            "needs 'env:B', which is no setting of it",
        ),
    ],
)
def test_a_row_that_cannot_be_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "rows.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_programs(file)


def test_a_fix_that_turns_verification_off_would_be_seen() -> None:
    off = Unsafe("env:CHECK", when="0|no")
    assert _turns_off(ProgramFix(sets="CHECK", value="NO"), off)
    assert not _turns_off(ProgramFix(sets="CHECK", value="1"), off)
    assert _turns_off(ProgramFix(command="get -k x"), Unsafe("option:-k"))
    assert not _turns_off(ProgramFix(command="get -kx"), Unsafe("option:-k"))
    ini = Unsafe("ini:main.verify", when="false")
    assert _turns_off(ProgramFix(file="f", lines="[main]\nverify = false"), ini)
    assert not _turns_off(ProgramFix(file="f", lines="[main]\nverify = true"), ini)


def _of(kind: str) -> list[Program]:
    return [row for row in ROWS if row.kind == kind]


def _chain(row: Program) -> list[Program]:
    """The row and what is beneath it. A ring would not end."""
    chain = [row]
    while row.under:
        row = programs()[row.under]
        assert row not in chain
        chain.append(row)
    return chain


def _turns_off(fix: ProgramFix, unsafe: Unsafe) -> bool:
    kind, _, name = unsafe.key.partition(":")
    when = re.compile(unsafe.when or ".*", re.IGNORECASE | re.DOTALL)
    if kind == "env" and fix.sets == name:
        return bool(when.fullmatch(fix.value))
    if kind == "option":
        words = [re.split("[= ]", word, maxsplit=1) for word in fix.command.split()]
        return any(w[0] == name and when.fullmatch("".join(w[1:])) for w in words)
    last = name.rsplit(".", 1)[-1]
    for text in (*fix.lines.splitlines(), fix.command):
        found = re.search(rf"(?<![\w.-]){re.escape(last)}\b[\"']?\s*(?:[:=]|\s)\s*(\S*)", text)
        if found and when.fullmatch(found[1].strip("\"',;})>")):
            return True
    return False


@pytest.mark.parametrize("row", programs().values(), ids=lambda row: row.id)
def test_what_takes_the_place_of_every_root_is_given_all_of_them(row: Program) -> None:
    replaces = {
        setting.key for setting in row.setting if setting.effect == "replaces" and not setting.keeps
    }
    for fix in row.fix:
        if f"env:{fix.sets}" in replaces:
            assert "CA_FILE" not in fix.value, fix.sets
