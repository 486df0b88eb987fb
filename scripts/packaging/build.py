"""Build what tlsight is installed from where Python is not.

    .venv/bin/python scripts/packaging/build.py binary     dist/tlsight-VERSION-linux-x86_64, one file
    .venv/bin/python scripts/packaging/build.py zipapp     dist/tlsight-VERSION-cp313-linux-x86_64.pyz, for that Python
    .venv/bin/python scripts/packaging/build.py packages   dist/*.deb and dist/*.rpm

They hold what this environment has installed, which scripts/setup.sh made by requirements.lock: nothing is fetched. The
frozen program is built once for the same sources and used for what comes after. Times are those of the last commit, or
SOURCE_DATE_EPOCH: the same sources built twice with the same Python give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import contents
import system_packages
from contents import ROOT

BUILD = ROOT / "build" / "frozen"
# The folder of the program, and all in one file.
FOLDER = BUILD / "tlsight"
ONE_FILE = BUILD / "tlsight-one-file"
_HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("binary", "zipapp", "packages"))
    parser.add_argument(
        "--into", type=Path, default=ROOT / "dist", help="folder, dist when left out"
    )
    parser.add_argument("--version", help="another than the sources' own: for a test of upgrades")
    parser.add_argument("--only", choices=system_packages.PACKAGERS, help="of the packages")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from detector.version import __version__

    version = options.version or __version__
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch(os.environ))
    options.into.mkdir(parents=True, exist_ok=True)
    try:
        if options.what == "zipapp":
            built = [zipapp(options.into, version)]
        else:
            frozen()
            if options.what == "binary":
                built = [one_file(options.into, version)]
            else:
                libraries = BUILD / "work" / "tlsight" / "binaries.json"
                built = system_packages.build(
                    FOLDER, libraries, options.into, version, options.only
                )
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    for path in built:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        print(f"build: {shown} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


def epoch(environment: Mapping[str, str]) -> int:
    """The time that files get: given, that of the last commit, or that of the version's own file."""
    if text := environment.get("SOURCE_DATE_EPOCH"):
        return int(text)
    answer = subprocess.run(
        ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode == 0 and answer.stdout.strip():
        return int(answer.stdout)
    return int((ROOT / "detector" / "version.py").stat().st_mtime)


def frozen() -> None:
    """The program as a folder and as one file, unless they are there of the same sources.

    Raises CalledProcessError.
    """
    stamp, wanted = BUILD / "stamp", _digest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("build: freezing the program, about a minute")
    shutil.rmtree(BUILD, ignore_errors=True)
    subprocess.run(
        [
            sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR",
            "--distpath", str(BUILD), "--workpath", str(BUILD / "work"), str(_HERE / "tlsight.spec"),
        ],
        # The order of sets would else be another in each build; the time is the first that a zip can say.
        env={**os.environ, "PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": "315532800"}, check=True, cwd=ROOT,
    )  # fmt: skip
    stamp.write_text(wanted)


def one_file(into: Path, version: str) -> Path:
    path = into / f"tlsight-{version}-{sys.platform}-{platform.machine()}"
    shutil.copy2(ONE_FILE, path)
    return path


def zipapp(into: Path, version: str) -> Path:
    """Raises CalledProcessError."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    path = into / f"tlsight-{version}-{tag}-{sys.platform}-{platform.machine()}.pyz"
    site = ROOT / "build" / "zipapp"
    shutil.rmtree(site, ignore_errors=True)
    for source, name in contents.site_files(contents.required()):
        target = site / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    python = f"/usr/bin/env python{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run(
        [
            sys.executable, "-m", "shiv", "--reproducible", "--compressed", "--site-packages", str(site),
            "--python", python, "--entry-point", "detector.cli:main", "--output-file", str(path),
        ],
        check=True,
    )  # fmt: skip
    shutil.rmtree(site)
    return path


def _digest() -> str:
    """Of all that goes into the frozen program."""
    found = hashlib.sha256(sys.version.encode())
    own = (_HERE / name for name in ("tlsight.spec", "contents.py", "frozen_entry.py"))
    named = [ROOT / "requirements.lock", *own]
    ours = [
        path
        for package in contents.OURS
        for path in sorted((ROOT / package).rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    ]
    for path in (*named, *ours):
        found.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
