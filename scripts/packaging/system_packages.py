"""deb and rpm of the frozen program, made by nfpm.

The program lies in /usr/libexec/tlsight: Red Hat's policy lets systemd start what lies there as it does programs of
/usr/bin, which it does not below /usr/lib. What the agent's unit keeps under /var is read from the unit: the scripts
that remove it cannot say another folder.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import contents
from contents import ROOT
from packaging.version import Version

PACKAGERS = ("deb", "rpm")
PROGRAM = "usr/libexec/tlsight"
UNIT = "tlsight-agent.service"
_HERE = Path(__file__).parent
_STAGE = ROOT / "build" / "packages"
_DOC = "usr/share/doc/tlsight"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Where systemd looks for what a package brings, instead of what an administrator writes.
_SHIPPED = {
    "etc/systemd/system/": "usr/lib/systemd/system/",
    "etc/systemd/user/": "usr/lib/systemd/user/",
    "etc/sysusers.d/": "usr/lib/sysusers.d/",
    "etc/tmpfiles.d/": "usr/lib/tmpfiles.d/",
}
# Folders that systemd makes for a unit, and where; with DynamicUser= they lie in "private" there.
_KEPT = {"StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log"}
_MAINTAINER = "tlsight's maintainers <tlsight@localhost>"
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0")
_DESCRIPTION = """\
Tells whether somebody intercepts TLS, and proves it.
The command, and the agent for endpoints: it asks well-known sites at times
and whenever the network changes, and tells of findings that open, change and
close."""


def build(
    program: Path, libraries: Path, into: Path, version: str, only: str | None = None
) -> list[Path]:
    """Both packages.

    Args:
        program: the frozen folder.
        libraries: the list of files that PyInstaller took along, as JSON.
        into: folder for the packages.
        version: as Python writes it.
        only: one of PACKAGERS; both when left out.

    Raises CalledProcessError.

    """
    shutil.rmtree(_STAGE, ignore_errors=True)
    stage = _STAGE / "root"
    shutil.copytree(program, stage / PROGRAM)
    configuration = []
    unit = ""
    for place, text in service_files(version):
        _write(stage / place, text.encode())
        if place.startswith("etc/"):
            configuration.append(place)
        if place.endswith(f"system/{UNIT}"):
            unit = text
    taken = [Path(one) for one in json.loads(libraries.read_text())]
    _documents(stage / _DOC, taken, version)
    for page in (ROOT / "docs/man").glob("*.1"):
        packed = gzip.compress(page.read_bytes(), 9, mtime=0)
        _write(stage / f"usr/share/man/man1/{page.name}.gz", packed)
    _same_everywhere(stage)
    values = {"UNIT": UNIT, "KEPT": " ".join(kept_folders(unit)), "PROGRAM": f"/{PROGRAM}"}
    scripts = _scripts(values)
    needed = glibc_needed(program)
    built = []
    for packager in (only,) if only else PACKAGERS:
        told = configuration_of(packager, stage, configuration, scripts, version, needed)
        file = _STAGE / f"{packager}.json"  # JSON is YAML
        file.write_text(json.dumps(told, indent=1))
        path = into / file_name(packager, version, told["arch"])
        subprocess.run(
            ["nfpm", "package", "--config", str(file), "--packager", packager, "--target", str(path)],  # noqa: S607
            check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=_environment(),
        )  # fmt: skip
        built.append(path)
    return built


def service_files(version: str) -> Iterator[tuple[str, str]]:
    """The agent's units and settings: (place below /, text)."""
    from detector.agent.service import shipped

    for one in (
        *shipped("systemd", "/usr/bin/tlsight", version),
        *shipped("settings", "", version),
    ):
        place = one.place
        for written, brought in _SHIPPED.items():
            if place.startswith(written):
                place = brought + place.removeprefix(written)
        yield place, one.text


def kept_folders(unit: str) -> list[str]:
    """What systemd keeps for this unit under /var: what a purge removes."""
    return [
        f"{base}/{name}"
        for key, base in _KEPT.items()
        for names in re.findall(rf"(?m)^{key}=(.*)$", unit)
        for name in names.split()
    ]


def glibc_needed(program: Path) -> str:
    """The oldest glibc that all of the program's files can do with, e.g. "2.34"."""
    found = {(2, 17)}
    for path in program.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if data.startswith(b"\x7fELF"):
                found |= {(int(major), int(minor)) for major, minor in _GLIBC.findall(data)}
    return ".".join(map(str, max(found)))


def file_name(packager: str, version: str, architecture: str) -> str:
    """As each system's own packages are named."""
    shown = system_version(version)
    if packager == "deb":
        return f"tlsight_{shown}_{architecture}.deb"
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(architecture, architecture)
    return f"tlsight-{shown}-1.{machine}.rpm"


def system_version(version: str) -> str:
    """Python's version as dpkg and rpm order them: what comes before a release sorts below it.

    >>> system_version("1.2.0rc1")
    '1.2.0~rc1'
    """
    parsed = Version(version)
    shown = parsed.base_version
    if parsed.pre is not None:
        shown += "~" + "".join(map(str, parsed.pre))
    if parsed.dev is not None:
        shown += f"~dev{parsed.dev}"
    if parsed.post is not None:
        shown += f"+post{parsed.post}"
    return shown


def configuration_of(
    packager: str,
    stage: Path,
    configuration: Sequence[str],
    scripts: Mapping[str, Mapping[str, Path]],
    version: str,
    glibc: str,
) -> dict[str, Any]:
    """What nfpm is told for one kind of package."""
    machine = platform.machine()
    owned = {"owner": "root", "group": "root"}
    files: list[dict[str, Any]] = [
        {"src": str(stage / "usr"), "dst": "/usr", "type": "tree", "file_info": owned},
        {"src": "../libexec/tlsight/tlsight", "dst": "/usr/bin/tlsight", "type": "symlink"},
    ]
    files += [
        {
            "src": str(stage / place), "dst": f"/{place}", "type": "config|noreplace",
            "file_info": {**owned, "mode": 0o644},
        }
        for place in configuration
    ]  # fmt: skip
    if packager == "rpm":
        # Debian starts what is installed; elsewhere a preset decides.
        preset = {
            "src": str(_HERE / "rpm" / "80-tlsight.preset"),
            "file_info": {**owned, "mode": 0o644},
        }
        files.append({**preset, "dst": "/usr/lib/systemd/system-preset/80-tlsight.preset"})
    return {
        "name": "tlsight",
        "arch": _ARCHITECTURES.get(machine, machine),
        "platform": "linux",
        "version": system_version(version),
        "version_schema": "none",
        "release": "1" if packager == "rpm" else "",
        "section": "net",
        "priority": "optional",
        "maintainer": _MAINTAINER,
        "description": _DESCRIPTION,
        "license": "Apache-2.0",
        "mtime": _mtime(),
        "depends": [f"libc6 (>= {glibc})"] if packager == "deb" else [f"glibc >= {glibc}"],
        "contents": files,
        "scripts": {when: str(path) for when, path in scripts[packager].items()},
        "deb": {"compression": "gzip"},
        "rpm": {"compression": "zstd", "group": "Applications/Internet", "buildhost": "localhost"},
        "umask": 0o022,
    }


def _scripts(values: Mapping[str, str]) -> dict[str, dict[str, Path]]:
    """Those that run on the machine, with what they act on filled in."""
    named = {
        "deb": {"postinstall": "postinst", "preremove": "prerm", "postremove": "postrm"},
        "rpm": {"postinstall": "post", "preremove": "preun", "postremove": "postun"},
    }
    found: dict[str, dict[str, Path]] = {}
    for packager, scripts in named.items():
        found[packager] = {}
        for when, name in scripts.items():
            text = (_HERE / packager / name).read_text()
            for key, value in values.items():
                text = text.replace(f"@{key}@", value)
            path = _STAGE / packager / name
            _write(path, text.encode())
            found[packager][when] = path
    return found


def _documents(into: Path, libraries: Sequence[Path], version: str) -> None:
    """Licences, changes and the docs."""
    found = contents.required()
    for name, path in contents.licence_files(found):
        _write(into / "licenses" / name, path.read_bytes())
    python = Path(os.__file__).parent / "LICENSE.txt"
    if python.is_file():
        _write(into / "licenses/python/LICENSE.txt", python.read_bytes())
    debian = contents.library_licences(libraries, contents.debian_package)
    for name, path in debian.items():
        _write(into / f"licenses/system/{name}", path.read_bytes())
    _write(into / "copyright", copyright_text(found, debian).encode())
    _write(into / "CHANGELOG.md", (ROOT / "CHANGELOG.md").read_bytes())
    _write(into / "changelog.gz", gzip.compress(debian_changelog(version).encode(), 9, mtime=0))
    for path in sorted((ROOT / "docs").rglob("*.md")):
        _write(into / path.relative_to(ROOT / "docs"), path.read_bytes())


def debian_changelog(version: str) -> str:
    """In dpkg's form, for the programs that show it; what changed is in CHANGELOG.md."""
    at = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    head = f"tlsight ({system_version(version)}) stable; urgency=medium"
    return f"{head}\n\n  * See CHANGELOG.md.\n\n -- {_MAINTAINER}  {format_datetime(at)}\n"


def copyright_text(found: Mapping[str, Distribution], debian: Mapping[str, Path]) -> str:
    """What is in the package, and under which terms."""
    lines = [
        "tlsight is licensed under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0, or",
        f"/{_DOC}/licenses/tlsight/LICENSE.",
        "",
        "The program carries Python and the libraries below, each under its own terms, which are in",
        f"/{_DOC}/licenses, in a folder of its name; those of the C libraries in system/.",
        "",
        f"python {platform.python_version()}: PSF-2.0",
    ]
    for name, one in sorted(found.items()):
        told = (
            one.metadata.get("License-Expression") or one.metadata.get("License") or "see its files"
        )
        lines.append(f"{name} {one.version}: {told.strip().splitlines()[0]}")
    lines += [f"{name}: system/{name}" for name in debian]
    return "\n".join(lines) + "\n"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _same_everywhere(stage: Path) -> None:
    """Modes and times that do not come from who builds."""
    seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in (stage, *stage.rglob("*")):
        if path.is_symlink():
            continue
        runs = path.is_dir() or (path.stat().st_mode & 0o100 and ".so" not in path.name)
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (seconds, seconds))


def _mtime() -> str:
    seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _environment() -> dict[str, str]:
    """With this environment's own programs first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
