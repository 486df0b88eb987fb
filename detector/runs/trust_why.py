"""A run of `trust why`: which store one program reads on this machine, or in an image, and why."""

from __future__ import annotations

import difflib
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from detector import clock
from detector.auditing.precedence import beneath, choice_of, unsafe_of
from detector.auditing.strictness import SINCE, refused_by_strict
from detector.auditing.why import CAUSE, Sought, TrustWhy, fix_lines, held, stores_read
from detector.bounded import read_regular, real_path
from detector.chain.certificate import Certificate
from detector.errors import ConfigError
from detector.knowledge.causes import cause_table
from detector.knowledge.programs import programs
from detector.knowledge.trust_tables import public_roots
from detector.model.programs import Program, ProgramFix, ProgramSetting, Reads
from detector.stores.bundles import hashed_places
from detector.stores.programs import output
from detector.stores.survey import survey, variables_for

_VERSION = re.compile(r"(?<![\d.])\d{1,4}(?:\.\d{1,6}){1,3}")
_PLATFORMS = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}


class WhyRun(msgspec.Struct, frozen=True):
    """What to ask about.

    Attributes:
        program: an id of data/programs/, a command or a name.
        root: where the file system begins; also that of an image.
        folder: of the project whose files count as well, None for none.
        ca: path of the CA's file, for lines to name it.
        host: whom the program asks.

    """

    program: str
    root: Path = Path("/")
    homes: tuple[Path, ...] | None = None
    folder: Path | None = None
    ca: Path | None = None
    sought: Sought = Sought()
    host: str = ""

    def answer(self) -> TrustWhy:
        """Raises ConfigError for a program that nobody knows, and a root that is not there."""
        program = program_named(self.program)
        root = real_path(self.root)
        if not root.is_dir():
            raise ConfigError(str(self.root), "no such folder")
        here = root == Path("/")
        seen = survey(
            variables_for(root), (), clock.now(), root=root, homes=self.homes,
            folder=self.folder if here else None,
        )  # fmt: skip
        table = programs()
        on = platform_here() if here else "linux"
        version = version_of(program, root)
        choice = choice_of(
            program, table, seen.settings, host=self.host, platform=on, version=version
        )
        stores = stores_read(
            program,
            choice,
            seen.places,
            self.sought,
            frozenset(public_roots()),
            hashed_places(root),
        )
        asked = self.sought.ca is not None or bool(self.sought.chain)
        ca = str(real_path(self.ca)) if self.ca else "/path/to/ca.pem"
        return TrustWhy(
            program.id, program.name, version, whom_to_ask(),
            tuple(owner.id for owner in beneath(program, table))[1:], choice, stores, self.sought,
            held(stores) if asked else None,
            self._refused(program, root), unsafe_of(program, table, seen.settings, self.host),
            fix_lines(program, table, ca, "/path/to/bundle.pem", on, version), program.check,
        )  # fmt: skip

    def _refused(self, program: Program, root: Path) -> tuple[str, ...]:
        python = python_of(program, root)
        if not python or numbers_of(python) < numbers_of(SINCE):
            return ()
        return refused_by_strict(self.sought.ca, self.sought.chain)


def whom_to_ask() -> str:
    """What everybody hears first, so that nobody learns to trust an attacker."""
    return cause_table()[CAUSE].fix


def program_named(text: str) -> Program:
    """By id, command or name. Raises ConfigError with those that are called like it."""
    table = programs()
    wanted = text.strip().casefold()
    for program in table.values():
        if wanted == program.id:
            return program
    for program in table.values():
        if wanted in (program.name.casefold(), *program.commands):
            return program
    names = [*table, *(command for program in table.values() for command in program.commands)]
    near = difflib.get_close_matches(wanted, names, 5, 0.5)
    near += [name for name in table if wanted and wanted in name and name not in near][:5]
    remedy = (
        f"near it: {', '.join(dict.fromkeys(near))}"
        if near
        else "tlsight trust lists those that are here"
    )
    raise ConfigError(text, "no program that is known", remedy=remedy)


def platform_here() -> str:
    """In the words of the rows."""
    return _PLATFORMS.get(platform.system(), "linux")


def version_of(program: Program, root: Path) -> str:
    """As the program says it, where a row asks for it; nothing of an image is ever run, and there only Python's shows by its folders."""
    if root != Path("/"):
        return _python_of_image(root) if program.id == "python" else ""
    rows: tuple[Reads | ProgramSetting | ProgramFix, ...] = (
        *program.reads,
        *program.setting,
        *program.fix,
    )
    if program.id != "python" and not any(row.since or row.until for row in rows):
        return ""  # some write files, or ask the network, when they are asked for it
    for command in program.commands:
        path = shutil.which(command)
        if path is not None:
            return _asked(path)
    return ""


def python_of(program: Program, root: Path) -> str:
    """The version of the Python that the program runs on; "" where it runs on none."""
    on_python = any(owner.id == "python" for owner in beneath(program, programs()))
    if root != Path("/"):
        return _python_of_image(root) if on_python else ""
    for path in filter(None, map(shutil.which, program.commands)):
        interpreter = _interpreter(Path(path))
        if interpreter is not None:
            return _asked(interpreter)
    if not on_python:
        return ""
    if program.id == "python":
        return version_of(program, root)
    python = shutil.which("python3")
    return _asked(python) if python else ""


def _interpreter(script: Path) -> str | None:
    """Python's, of a script's first line."""
    try:
        head = read_regular(script, 512).split(b"\n")[0]
    except OSError:
        return None
    if not head.startswith(b"#!") or b"python" not in head:
        return None
    words = head[2:].decode("utf-8", errors="replace").split()
    named = words[-1] if words and words[0].endswith("/env") else words[0]
    return shutil.which(named)


def _python_of_image(root: Path) -> str:
    found = [
        path.name.removeprefix("python")
        for folder in ("usr/lib", "usr/local/lib")
        for path in root.glob(f"{folder}/python3.*")
    ]
    return max(found, key=numbers_of, default="")


def _asked(path: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        said = output([path, "--version"], {"HOME": home, "CHECKPOINT_DISABLE": "1"}) or b""
    found = _VERSION.search(said[:4096].decode("utf-8", errors="replace"))
    return found[0] if found else ""


def numbers_of(version: str) -> tuple[int, ...]:
    """For comparing."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4])


def chain_of(ders: tuple[bytes, ...]) -> Iterator[Certificate]:
    """A server's chain, without what cannot be read."""
    from detector.errors import CertificateError

    for der in ders:
        try:
            yield Certificate(der)
        except CertificateError:
            continue
