"""What the frozen program and the packages are made of, found in the code and in the distributions' own metadata.

Nothing is listed by hand: the libraries are those that tlsight and EXTRAS require, the modules all of theirs and ours,
since verbs, rules, sinks and formats are imported by name when they are used.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import Distribution, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
# What a laptop's agent needs. The fleet's server, the page and mitmproxy are for a server's own Python.
EXTRAS = ("agent", "pac")
OURS = ("detector", "addons", "tlsight")
# Only mitmproxy's process imports it, and that one has a Python of its own.
_APART = ("addons.proxy", "addons.scripts")
# What PyInstaller takes as modules, and what was compiled of them.
_MODULES = (".py", ".pyi", ".pyc", ".pyx", ".pxd", ".so", ".pyd", ".h", ".c", ".typed")
_LICENCE_WORDS = ("license", "licence", "copying", "notice", "authors")


def required(name: str = "tlsight", extras: Sequence[str] = EXTRAS) -> dict[str, Distribution]:
    """The distribution and all that it requires on this machine, by canonical name.

    Raises PackageNotFoundError where one is not installed.
    """
    found: dict[str, Distribution] = {}
    asked: set[tuple[str, str]] = set()
    _require(name, extras, found, asked)
    return found


def _require(
    name: str, extras: Sequence[str], found: dict[str, Distribution], asked: set[tuple[str, str]]
) -> None:
    key = canonicalize_name(name)
    found.setdefault(key, distribution(name))
    for extra in ("", *extras):
        if (key, extra) in asked:
            continue
        asked.add((key, extra))
        for text in found[key].requires or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                _require(wanted.name, tuple(wanted.extras), found, asked)


def top_modules(found: dict[str, Distribution]) -> list[str]:
    """What can be imported of these distributions, but ours."""
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if module not in OURS
        and {canonicalize_name(owner) for owner in owners} & set(found)
        and find_spec(module) is not None
    )


def other_modules(found: dict[str, Distribution]) -> list[str]:
    """What is installed beside them, which must not be taken along because something would try to import it."""
    wanted = set(top_modules(found)) | set(OURS)
    return sorted(module for module in packages_distributions() if module not in wanted)


def our_modules() -> list[str]:
    """All of OURS that belong into the frozen program."""
    return [
        module
        for package in OURS
        for path in sorted((ROOT / package).rglob("*.py"))
        if not _is_apart(module := _module(path.relative_to(ROOT)))
    ]


def library_modules(found: dict[str, Distribution]) -> list[str]:
    """All modules in Python of these distributions, but their tests: some import their own by name."""
    tops = set(top_modules(found))
    paths = (Path(str(file)) for one in found.values() for file in one.files or ())
    modules = {_module(path) for path in paths if path.suffix == ".py" and path.parts[0] != ".."}
    return sorted(
        module
        for module in modules
        if (words := module.split("."))[0] in tops
        and all(word.isidentifier() for word in words)
        and not {"tests", "test", "testing", "conftest"} & set(words)
    )


def data_files(found: dict[str, Distribution]) -> Iterator[tuple[str, str]]:
    """What is no module, of ours and of these distributions: (path, folder in the program)."""
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and path.suffix not in _MODULES:
                yield str(path), str(path.parent.relative_to(ROOT))
    tops = set(top_modules(found))
    for one in found.values():
        for file in one.files or ():
            path = Path(str(file))
            if len(path.parts) > 1 and path.parts[0] in tops and path.suffix not in _MODULES:
                yield str(one.locate_file(file)), str(path.parent)


def site_files(found: dict[str, Distribution]) -> Iterator[tuple[Path, str]]:
    """All files of ours and of these distributions: (path, its place in a site-packages)."""
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path, str(path.relative_to(ROOT))
    for one in found.values():
        for file in one.files or ():
            place = str(file)
            path = Path(str(one.locate_file(file)))
            # "..": their commands; direct_url.json and RECORD tell of this machine.
            of_here = place.startswith("..") or path.name in (
                "direct_url.json",
                "RECORD",
                "INSTALLER",
            )
            if not of_here and path.suffix not in (".pyc", ".pth") and path.is_file():
                yield path, place


def _module(path: Path) -> str:
    words = path.with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def _is_apart(module: str) -> bool:
    return any(module == apart or module.startswith(f"{apart}.") for apart in _APART)


def script_files() -> list[tuple[str, str]]:
    """Our modules that are also started as a file: (path, folder in the program)."""
    return [
        (str(path), str(path.parent.relative_to(ROOT)))
        for package in OURS
        for path in sorted((ROOT / package).rglob("*_child.py"))
    ]


def without_search_paths(
    binaries: Sequence[tuple[str, str, str]], beside: Path
) -> list[tuple[str, str, str]]:
    """PyInstaller's list with copies, in a folder of ours, of the libraries that look for others in fixed folders.

    Those are folders of the machine that built Python. On another machine anybody may have such a one, and then root's
    agent would load what lies there. Raises CalledProcessError; FileNotFoundError where patchelf is missing.
    """
    if sys.platform != "linux":
        return list(binaries)
    shutil.rmtree(beside, ignore_errors=True)
    found = []
    for name, source, kind in binaries:
        if kind in ("BINARY", "EXTENSION") and _search_paths(Path(source)):
            copy = beside / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
            _patchelf("--remove-rpath", copy)
            found.append((name, str(copy), kind))
        else:
            found.append((name, source, kind))
    return found


def _search_paths(path: Path) -> list[str]:
    """Fixed folders in which a library looks for others; what is relative to itself comes along with it."""
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    told = _patchelf("--print-rpath", path).strip()
    return [one for one in told.split(":") if one and not one.startswith("$ORIGIN")]


def _patchelf(option: str, path: Path) -> str:
    words = ["patchelf", option, str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def licence_files(found: dict[str, Distribution]) -> Iterator[tuple[str, Path]]:
    """Every licence that comes with these distributions: (its name among all of them, path)."""
    for name, one in sorted(found.items()):
        for file in one.files or ():
            path = Path(str(one.locate_file(file)))
            words = path.name.lower()
            if words.startswith(_LICENCE_WORDS) and path.suffix != ".py" and path.is_file():
                yield f"{name}/{path.name}", path


def library_licences(paths: Sequence[Path], asked: Callable[[Path], str | None]) -> dict[str, Path]:
    """Licences of the system's libraries that were taken along: {Debian's package: its copyright file}.

    Args:
        paths: of the libraries.
        asked: gives the package that a path belongs to, None for none.

    """
    packages = {asked(path) for path in paths}
    files = {name: Path("/usr/share/doc") / name / "copyright" for name in packages if name}
    return {name: file for name, file in sorted(files.items()) if file.is_file()}


def debian_package(path: Path) -> str | None:
    """Whose a file is, where dpkg knows it; it may know it by its name before /usr was merged."""
    for one in (path, Path("/", *path.parts[2:]) if path.parts[1:2] == ("usr",) else path):
        answer = subprocess.run(
            ["dpkg-query", "--search", str(one)],  # noqa: S607
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if answer.returncode == 0:
            return answer.stdout.partition(":")[0]
    return None
