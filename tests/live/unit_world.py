"""What systemd gives a unit, without systemd: a mount namespace, a user without rights, and the unit's own words.

Root's and everybody's home are empty but for the interpreter, the file system is read-only but for the state folder and
/var/backups, /proc shows processes alone, no capability is left, and memory is not both written and run where the unit
forbids it. `shell` is root beside it, in the same namespace, as an administrator who is logged in there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.live.programs import find

UID = 64_321
STATE, BACKUPS = "/var/lib/tlsight", "/var/backups/tlsight"
COMMAND = Path(sys.executable).with_name("tlsight")
_ROOT = Path(__file__).parents[2]
# PR_SET_MDWE, as MemoryDenyWriteExecute= asks of the kernel.
_CONFINED = """import ctypes, os, sys
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0, "no PR_SET_MDWE"
os.execv(sys.argv[1], sys.argv[1:])"""
_PREPARED = """set -e
kept=$(mktemp -d -p /run)
n=0
for each in $EXPOSED; do n=$((n+1)); mkdir "$kept/$n"; mount --bind "$each" "$kept/$n"; done
mount -t tmpfs -o mode=755 tmpfs /root
mount -t tmpfs -o mode=755 tmpfs /home
n=0
for each in $EXPOSED; do n=$((n+1)); mkdir -p "$each"; mount --move "$kept/$n" "$each"; done
rm -r "$kept"
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /var/backups
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
install -d -m 0750 -o $UID_ -g $UID_ /var/lib/tlsight
install -d -m 0700 -o $UID_ -g $UID_ /var/backups/tlsight
mount -t proc -o hidepid=invisible,subset=pid proc /proc
mount -o remount,bind,ro /
echo ready
exec sleep 600"""


class UnitWorld:
    """`with UnitWorld() as world: world.service("tlsight-backup.service")`."""

    def __enter__(self) -> Self:
        homes = ("/root/", "/home/")
        exposed = [p for p in {sys.base_prefix, str(_ROOT)} if f"{p}/".startswith(homes)]
        self._holder = subprocess.Popen(
            [find("unshare"), "--mount", "--propagation", "private", "bash", "-c", _PREPARED],
            env={"PATH": os.environ["PATH"], "EXPOSED": " ".join(exposed), "UID_": str(UID)},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self._running: list[subprocess.Popen[str]] = []
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for one in (*self._running, self._holder):
            one.terminate()
            one.wait(20)
            assert one.stdout is not None
            one.stdout.close()

    def unit(self, unit: Path, variables: dict[str, str], environment: dict[str, str]) -> list[str]:
        """What starts the unit's command as its user."""
        words: Sequence[str] = exec_start(unit, variables)
        if "MemoryDenyWriteExecute=yes" in unit.read_text().splitlines():
            words = (sys.executable, "-c", _CONFINED, *words)
        given = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
            "HOME": STATE, "USER": "tlsight", "LOGNAME": "tlsight", "LANG": "C.UTF-8",
            "STATE_DIRECTORY": STATE, "INVOCATION_ID": "0" * 32, **environment,
        }  # fmt: skip
        return [
            *self._inside(), find("setpriv"), f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
            "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "env", "-i",
            *(f"{name}={value}" for name, value in given.items()),
            *words,
        ]  # fmt: skip

    def start(self, unit: Path, **variables: str) -> subprocess.Popen[str]:
        """A unit's ExecStart; `variables` are what its EnvironmentFile says."""
        started = subprocess.Popen(
            self.unit(unit, variables, {"PYTHONUNBUFFERED": "1"}),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._running.append(started)
        return started

    def run(self, unit: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """As `start`, to its end."""
        command = self.unit(unit, variables, {})
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def shell(self, line: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """A line that root types at a login on the same machine."""
        environment = (
            "env",
            "-i",
            f"PATH={COMMAND.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/root",
        )
        return subprocess.run(
            [*self._inside(), *environment, "bash", "-c", line],
            input=typed, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def _inside(self) -> list[str]:
        return [find("nsenter"), "--target", str(self._holder.pid), "--mount"]


def exec_start(unit: Path, variables: dict[str, str]) -> list[str]:
    """The words, with variables as systemd puts them in: each becomes as many words as it has."""
    lines = unit.read_text().splitlines()
    (line,) = [one.removeprefix("ExecStart=") for one in lines if one.startswith("ExecStart=")]
    found: list[str] = []
    for word in line.split():
        found += shlex.split(variables[word[1:]]) if word.startswith("$") else [word]
    return found
