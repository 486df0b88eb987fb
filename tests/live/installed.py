"""The packages, the one file and the zipapp as scripts/packaging/build.py makes them, once for all tests of a run.

Freezing takes a minute, so it is done for the sources as they are and kept in build/frozen, as `make packages` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.live.programs import find

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "build" / "frozen" / "tlsight" / "tlsight"
ONE_FILE = ROOT / "build" / "frozen" / "tlsight-one-file"
# What surrounds a program on a machine without anything of ours.
BARE = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": tempfile.mkdtemp(prefix="tlsight-home-"),
}


def built(what: str, into: Path, *words: str) -> list[Path]:
    """What build.py made in a folder."""
    script = ROOT / "scripts" / "packaging" / "build.py"
    done = subprocess.run(
        [sys.executable, script, what, "--into", into, *words],
        capture_output=True, text=True, timeout=600, cwd=into.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(into.iterdir())


@cache
def frozen() -> Path:
    """The program in its folder. Raises AssertionError where it cannot be built."""
    done = subprocess.run(
        [sys.executable, "-c", "import build; build.frozen()"], capture_output=True, text=True, timeout=600, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts" / "packaging")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return FROZEN


class Machine:
    """A Debian without Python in a folder, in which commands run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(
            [
                find("mmdebstrap"), "--quiet", "--mode=root", "--variant=essential", '--aptopt=Acquire::Retries "3"',
                # Only what the tests look at is to be there.
                "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                "bookworm", folder,
            ],
            check=True, timeout=280, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        # They would keep dpkg from installing ours as others get it.
        for file in (folder / "etc/dpkg/dpkg.cfg.d").glob("*mmdebstrap*"):
            file.unlink()

    def run(self, *words: str | Path, code: int = 0, **environment: str) -> str:
        """What it said, stderr included."""
        done = subprocess.run(
            [find("chroot"), self.folder, *words], env={**BARE, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    def bring(self, file: Path, place: str, mode: int = 0o644) -> None:
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
        target.chmod(mode)

    def files(self) -> set[str]:
        """All there is, but what dpkg and the linker keep for themselves."""
        own = ("var/log/", "var/cache/", "var/lib/dpkg/", "proc/", "dev/", "sys/", "tmp/", "run/")
        paths = (str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        return {path for path in paths if not path.startswith(own)}
