"""A run of `trust fix`: write the lines by which programs trust one CA that somebody has answered for.

Rules
-----
1. The CA is a file's, never a connection's; who answers for it says its SHA-256, or the policy declares its key.
2. Everything is planned before anything is written. What fails half-way takes back what was written.
3. A line is a variable in a marked block of the shell's start file, the program's own command where what it changes is
   known beforehand, or a marked block of the program's own file.
"""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from detector import clock
from detector.auditing.marked_block import with_block
from detector.auditing.model import Setting
from detector.auditing.precedence import beneath, choice_of
from detector.auditing.strictness import SINCE, refused_by_strict
from detector.auditing.why import fixes_of
from detector.chain.certificate import Certificate
from detector.errors import ConfigError, StoreError
from detector.knowledge.policy import load_policy
from detector.knowledge.programs import programs
from detector.knowledge.shipped import published_keys
from detector.knowledge.whole_file import write_whole
from detector.model.programs import Program, ProgramFix, line_for
from detector.runs.trust_bundle import BundleFiles, bundle_files
from detector.runs.trust_ca import trustworthy_ca
from detector.runs.trust_journal import (
    ChangedFile,
    FixEntry,
    FixJournal,
    Restored,
    missing_folders,
    put_back,
    remove_empty,
    restored,
)
from detector.runs.trust_why import (
    numbers_of,
    platform_here,
    program_named,
    python_of,
    version_of,
    whom_to_ask,
)
from detector.stores.own_files import (
    files_of_kinds,
    own_home,
    rc_file,
    settings_file,
    shell_of,
    writable,
)
from detector.stores.programs import output
from detector.stores.settings import read_settings

_SHELL_MARKS = frozenset("|&;<>$`*?~\n")


class FixStep(msgspec.Struct, frozen=True):
    """What is, or would be, done for one program.

    Attributes:
        line: as it is written or run; "" where nothing can be.
        path: the file that it goes into; "" for a command.
        diff: what changes in files, as `diff -u` has it.
        note: what else there is to know.
        idle: a stronger setting is in the way, so that the line has no effect yet.

    """

    program: str
    line: str = ""
    path: str = ""
    diff: str = ""
    note: str = ""
    idle: bool = False
    command: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()


class TrustFix(msgspec.Struct, frozen=True):
    """What a run did, or would do.

    Attributes:
        root, sha256: the CA; "" for an undo.
        files: files of certificates that lines name.

    """

    ask: str
    steps: tuple[FixStep, ...]
    dry_run: bool
    undo: bool = False
    root: str = ""
    sha256: str = ""
    files: tuple[str, ...] = ()


class FixRun(msgspec.Struct, frozen=True):
    """What to write.

    Attributes:
        program: id, command or name; None for all that are installed here.
        shell: whose start file; the user's own where it is left out.

    """

    program: str | None
    ca: Path | None = None
    sha256: str | None = None
    policy: Path | None = None
    shell: str | None = None
    dry_run: bool = False

    def fix(self, environment: Mapping[str, str]) -> TrustFix:
        """Raises ConfigError for what nobody may trust, StoreError for what cannot be written."""
        if platform_here() == "windows":
            remedy = "tlsight trust why PROGRAM shows the line for PowerShell"
            raise ConfigError("trust fix", "writes no lines on Windows", remedy=remedy)
        home = own_home(environment)
        rc = rc_file(home, self.shell or shell_of(environment))
        wanted = self._programs()
        if self.ca is None:
            raise ConfigError("--ca", "is missing", remedy="give the file of the CA's certificate")
        ca = trustworthy_ca(
            self.ca, sha256=self.sha256, policy=load_policy(self.policy) if self.policy else None,
            published=published_keys(), at=clock.now(),
        )  # fmt: skip
        files = bundle_files(ca, environment)
        plan = _Plan(home, rc, files, environment)
        steps = [plan.step(program, ca) for program in wanted]
        if self.program is not None and not steps[0].line:
            remedy = f"tlsight trust why {steps[0].program} shows what there is to do"
            raise ConfigError(steps[0].program, "no line of it can be written here", remedy=remedy)
        if not self.dry_run:
            _Writing(plan, FixJournal(environment)).all(steps)
        data = (str(files.ca), str(files.bundle))
        return TrustFix(
            whom_to_ask(), tuple(steps), self.dry_run, False, ca.subject_text, ca.sha256, data
        )

    def undo(self, environment: Mapping[str, str]) -> TrustFix:
        """Take back what was written. Raises StoreError where somebody changed it since."""
        home = own_home(environment)
        journal = FixJournal(environment)
        names = journal.programs() if self.program is None else [program_named(self.program).id]
        steps: list[FixStep] = []
        for name in names:
            entry = journal.entry(name)
            changes = [*restored(name, entry, home)]
            diff = "".join(_diff(change.path, change.now, change.text) for change in changes)
            note = "" if changes else "nothing of it is there"
            where = ", ".join(str(change.path) for change in changes)
            steps.append(FixStep(name, where, where, diff, note))
            if self.dry_run:
                continue
            for change in changes:
                put_back(change)
            journal.forget(name)
            journal.remove_folders(entry.folders if entry else ())
        return TrustFix(whom_to_ask(), tuple(steps), self.dry_run, undo=True)

    def _programs(self) -> list[Program]:
        if self.program is not None:
            return [program_named(self.program)]
        found = [
            program for program in programs().values() if any(map(shutil.which, program.commands))
        ]
        if not found:
            raise ConfigError("--all", "no program that is known is installed here")
        return found


class _Plan:
    """Works out every change before the first is made."""

    def __init__(
        self, home: Path, rc: Path, files: BundleFiles, environment: Mapping[str, str]
    ) -> None:
        self.home = home
        self.files = files
        self.environment = environment
        self.texts: dict[Path, bytes | None] = {}
        self.before: dict[Path, bytes | None] = {}
        self._rc = rc
        self._settings = read_settings(Path("/"), (home,), environment)

    def step(self, program: Program, ca: Certificate) -> FixStep:
        """The first of the program's fixes that can be written here and has an effect; else the first that can be."""
        on, version = platform_here(), version_of(program, Path("/"))
        without: tuple[ProgramFix, Program, str] | None = None
        for owner in beneath(program, programs()):
            for fix in fixes_of(owner, on, version if owner is program else ""):
                key = self._key(owner, fix)
                if key is None:
                    continue
                why = self._stronger(program, key, on, version)
                if not why:
                    return self._made(program, fix, key, _strict(program, ca))
                without = without or (fix, owner, f"it has no effect yet: {why}")
        if without is not None:
            fix, owner, why = without
            notes = "; ".join(filter(None, (why, _strict(program, ca))))
            made = self._made(program, fix, self._key(owner, fix) or "", notes)
            return msgspec.structs.replace(made, idle=True)
        return FixStep(program.id, note="no line of it can be written here")

    def _key(self, owner: Program, fix: ProgramFix) -> str | None:
        """The key of the setting that a fix makes; "" where it is not known, None where it cannot be written here."""
        said = f"{fix.value} {fix.command} {fix.lines}"
        if "CA_FILE" not in said and "BUNDLE" not in said:
            return None  # goes by another store, which this does not fill
        if fix.sets:
            return f"env:{fix.sets}"
        if not fix.command:
            path = settings_file(self.home, fix.file)
            return None if path is None or "[" in fix.lines else ""
        # A command of the program itself that changes settings of the user whose files are known.
        words = fix.command.split()
        if _SHELL_MARKS & set(fix.command) or words[0] not in owner.commands:
            return None
        for setting in owner.setting if shutil.which(words[0]) else ():
            kind, _, name = setting.key.partition(":")
            if kind not in ("env", "option") and name.casefold() in fix.command.casefold():
                return setting.key
        return None

    def _made(self, program: Program, fix: ProgramFix, key: str, note: str) -> FixStep:
        line = line_for(fix, "sh", str(self.files.ca), str(self.files.bundle))
        if fix.command:
            kinds = frozenset((key.partition(":")[0],))
            return FixStep(
                program.id, line, note=note, command=tuple(shlex.split(line)), kinds=kinds
            )
        path = self._rc if fix.sets else self.home / fix.file.removeprefix("~/")
        if fix.sets and path.suffix == ".fish":
            line = f"set -gx {fix.sets} {line.partition('=')[2]}"
        return msgspec.structs.replace(self._block(program, path, line), note=note)

    def _block(self, program: Program, path: Path, line: str) -> FixStep:
        real, text = writable(path, self.home)
        self.before.setdefault(real, text)
        old = self.texts.get(real, text)
        self.texts[real] = with_block(old, program.id, line)
        return FixStep(program.id, line, str(path), _diff(path, old, self.texts[real]))

    def _stronger(self, program: Program, key: str, on: str, version: str) -> str:
        """What keeps the line from having an effect."""
        if not key:
            return ""
        ours = Setting(key, str(self.files.bundle), "environment", names=str(self.files.bundle))
        others = [setting for setting in self._settings if setting.key != key]
        choice = choice_of(program, programs(), (ours, *others), platform=on, version=version)
        for use in choice.uses:
            if use.setting == ours and not use.counts:
                return use.why
        return ""


class _Writing:
    """Writes a plan, and takes back what it wrote where something fails."""

    def __init__(self, plan: _Plan, journal: FixJournal) -> None:
        self._plan = plan
        self._journal = journal
        self._done: list[Restored] = []
        self._folders: list[str] = []

    def all(self, steps: list[FixStep]) -> None:
        files = self._plan.files
        steps = [step for step in steps if step.line]
        olds = {step.program: self._journal.entry(step.program) for step in steps}
        self._folders += missing_folders(self._journal.folder / "any")
        try:
            self._write(files.ca, files.ca_pem)
            self._write(files.bundle, files.bundle_pem)
            for path, text in self._plan.texts.items():
                self._write(path, text)
            for step in steps:
                blocks = (step.path,) if step.path else ()
                changed = self._run(step, olds[step.program]) if step.command else ()
                old = olds[step.program]
                folders = tuple(dict.fromkeys((*(old.folders if old else ()), *self._folders)))
                data = (str(files.ca), str(files.bundle))
                self._journal.write(FixEntry(step.program, blocks, changed, folders, data))
                self._folders = []  # the first is answerable for them
        except BaseException:
            self._take_back(olds)
            raise
        # Of another CA that was written for them before.
        self._journal.sweep(path for old in olds.values() if old for path in old.data)

    def _write(self, path: Path, text: bytes | None) -> None:
        if text is None:
            return
        try:
            before = path.read_bytes() if path.exists() else None
        except OSError as error:
            raise StoreError(str(path), error.strerror or str(error)) from None
        if before == text:
            return
        self._folders += missing_folders(path)
        self._done.append(Restored(path, text, before))
        write_whole(path, text)

    def _run(self, step: FixStep, old: FixEntry | None) -> tuple[ChangedFile, ...]:
        plan = self._plan
        paths = files_of_kinds(plan.home, step.kinds, plan.environment)
        before = dict(writable(path, plan.home) for path in paths)
        missing = {path: missing_folders(path) for path in before}
        if output(step.command) is None:
            raise StoreError(step.line, "failed", remedy="run it yourself to see why")
        known = {file.path: file for file in old.files} if old else {}
        found: list[ChangedFile] = []
        for path, text in before.items():
            _, now = writable(path, plan.home)
            file = known.get(str(path))
            if now is not None and now != text:
                self._folders += missing[path]
                self._done.append(Restored(path, now, text))
                unchanged = file is not None and file.after == text
                found.append(
                    ChangedFile(str(path), file.before if file and unchanged else text, now)
                )
            elif file is not None:
                found.append(file)  # the second time it changes nothing
        return tuple(found)

    def _take_back(self, olds: Mapping[str, FixEntry | None]) -> None:
        for change in reversed(self._done):
            with suppress(StoreError):
                put_back(change)
        for program, old in olds.items():
            with suppress(StoreError, OSError):
                if old is not None:
                    self._journal.write(old)
                else:
                    (self._journal.folder / f"{program}.json").unlink(missing_ok=True)
        remove_empty(self._journal.folder, *map(Path, reversed(self._folders)))


def _strict(program: Program, ca: Certificate) -> str:
    python = python_of(program, Path("/"))
    if not python or numbers_of(python) < numbers_of(SINCE):
        return ""
    return "; ".join(f"Python {python} refuses it: {why}" for why in refused_by_strict(ca))


def _diff(path: Path, old: bytes | None, new: bytes | None) -> str:
    def lines(text: bytes | None) -> list[str]:
        return (text or b"").decode("utf-8", errors="replace").splitlines(keepends=True)

    names = (
        str(path) if old is not None else os.devnull,
        str(path) if new is not None else os.devnull,
    )
    found = difflib.unified_diff(lines(old), lines(new), *names)
    return "".join(line if line.endswith("\n") else line + "\n" for line in found)
