"""How a program is run, as programs.toml says it, and how a setting's key becomes a variable, a file or an option."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from string import Template

import msgspec

from detector.model.programs import ProgramFix, ProgramSetting, Reads, line_for
from tests.live.trusting.stores import ASKED, Stores

TABLE = Path(__file__).with_name("programs.toml")
ROOT = Path(__file__).parents[3]
_PATIENCE = 90


class FileKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a kind of file stands below the home folder, and how a value is written into it."""

    path: str
    text: str


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One program's run.

    Attributes:
        program: id of the row that this proves.
        name: of the run, where a program has several.
        command: its words; OPTIONS is where options go; ${port}, ${home}, ${tools} are filled in.
        speaks: what the server speaks, in the words of origin.DIALOGUES.
        succeeds: whether it ends with exit code 0 where it trusts; else only the server says so.
        env, files: what is set, and stands below the home folder, in every run.
        values: what is written for a key where that is not a path; VALUE is the path.
        options: the words of an option where they are not its name and the value.
        left_out: keys of settings and unsafe switches, labels of pairs, or words of fixes, that are not run, each with the
            reason.
        hashed: the system's folder has hashed names beside the bundle, as Debian's has.
        keeps: keys of settings beside which the system's store goes on counting on Debian only, each with the reason.
        places: where a fix's file is, below the home folder.
        slow: it takes seconds to start, so that a setting is not also held against what it must not do.
        hides: files of the system that are to be empty.
        version: prints it, for rows that hold from or below one.

    """

    program: str
    command: tuple[str, ...]
    name: str = ""
    speaks: str = "http"
    succeeds: bool = True
    env: dict[str, str] = {}
    files: dict[str, str] = {}
    values: dict[str, str] = {}
    options: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, str] = {}
    places: dict[str, str] = {}
    slow: bool = False
    hides: tuple[str, ...] = ()
    hashed: bool = False
    keeps: dict[str, str] = {}
    version: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: dict[str, FileKind]
    run: tuple[Recipe, ...]


def recipes() -> Table:
    return msgspec.toml.decode(TABLE.read_bytes(), type=Table)


class Setup:
    """What one run starts from: variables, files below its home folder, options, commands to run first."""

    def __init__(self, recipe: Recipe, kinds: Mapping[str, FileKind], home: Path) -> None:
        self._recipe, self._kinds, self.home = recipe, kinds, home
        self.env: dict[str, str] = {}
        self.files: dict[str, str] = dict(recipe.files)
        self.options: list[str] = []
        self.first: list[str] = []

    def put(self, key: str, value: str) -> None:
        """Sets what a key names; `value` is a path or a word."""
        value = self._recipe.values.get(key, "VALUE").replace("VALUE", value)
        kind, _, name = key.partition(":")
        if kind == "env":
            self.env[name] = value
        elif kind == "option":
            words = self._recipe.options.get(key, (name, "VALUE") if value else (name,))
            self.options += [word.replace("VALUE", value) for word in words]
        else:
            file = self._kinds[kind]
            section, _, last = name.rpartition(".")
            text = Template(file.text).substitute(section=section, name=last, key=name, value=value)
            self.add(file.path, text)

    def place(self, file: str) -> str:
        """Where a file of a fix stands below the home folder."""
        return self._recipe.places.get(file, file.removeprefix("~/"))

    def apply(self, fix: ProgramFix, stores: Stores) -> None:
        """Does what the line says, as `line_for` gives it."""
        line = line_for(fix, "sh", str(stores.file(ASKED)), str(stores.bundle))
        if fix.file:
            self.add(self.place(fix.file), line + "\n")
        else:
            self.first.append(line)

    def add(self, path: str, text: str) -> None:
        """Writes more into a file below the home folder; where it says #HERE, there."""
        before = self.files.get(path, "")
        self.files[path] = before.replace("#HERE", text.strip("\n"), 1) if "#HERE" in before else before + text

    def run(self, port: int, system: Path) -> tuple[int, str]:
        """Exit code and everything printed.

        Args:
            port: of the server.
            system: what stands in the place of /etc/ssl/certs; the file hosts in it, in that of /etc/hosts.

        """
        words = {"port": str(port), "home": str(self.home), "tools": str(ROOT / ".tools"), "root": str(ROOT)}

        def filled(text: str) -> str:
            return Template(text).safe_substitute(words)

        for name, text in self.files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(filled(text).replace("#HERE", ""))
            path.chmod(0o600)
        command: list[str] = []
        for word in self._recipe.command:
            command += self.options if word == "OPTIONS" else [filled(word)]
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8", "TERM": "dumb",
            "TMPDIR": str(self.home),
            **{name: filled(value) for name, value in self._recipe.env.items()}, **self.env,
        }  # fmt: skip
        script = 'mount --bind "$0" /etc/ssl/certs && mount --bind "$0"/hosts /etc/hosts && cd "$HOME" || exit 99\n'
        script += "".join(f"[ ! -e {path} ] || mount --bind /dev/null {path}\n" for path in self._recipe.hides)
        script += "".join(f"{filled(line)} || exit 98\n" for line in self.first)
        words_ = ["unshare", "--mount", "sh", "-c", script + 'exec "$@"', str(system), *command]
        try:
            done = subprocess.run(
                words_, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=environment, timeout=_PATIENCE, cwd=self.home,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            return -1, (late.stdout or b"").decode(errors="replace") + "\n(no end)"
        return done.returncode, done.stdout.decode(errors="replace")


def version_of(recipe: Recipe) -> tuple[int, ...]:
    """The program's version; none where the recipe does not ask."""
    if not recipe.version:
        return ()
    words = [Template(w).safe_substitute(tools=str(ROOT / ".tools"), root=str(ROOT)) for w in recipe.version]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return numbers(found[0]) if found else ()


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def holds_here(one: Reads | ProgramSetting | ProgramFix, version: tuple[int, ...]) -> bool:
    """Whether a part of a row is for Linux and this version."""
    return (
        one.platform in ("", "linux")
        and (not one.since or version >= numbers(one.since))
        and (not one.until or version < numbers(one.until))
    )
