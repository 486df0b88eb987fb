"""The store on a disk that is full, a file system that is read-only, and behind another program's lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounts need root"),
]
ADD = "--reason x --owner o --expires 90d"


def said(folder: Path, script: str) -> list[str]:
    """What commands print in a mount namespace with a file system of their own; each ends with its code."""
    words = f"""
    t() {{ "{sys.executable}" -m detector bypass "$@" 2>&1; echo "= $?"; }}
    cd "{Path(__file__).parents[2]}"; D="{folder}"; {script}
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TLSIGHT_")}
    environment |= {"TLSIGHT_BYPASS_STORE": str(folder / "b.sqlite3"), "HOME": str(folder)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", words], env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip
    # That no proxy reads the store is told beside whatever else happens.
    return [line for line in done.stdout.splitlines() if "no proxy reads this store" not in line]


def test_a_full_disk_is_one_line_and_code_four_and_what_was_there_stays(tmp_path: Path) -> None:
    lines = said(
        tmp_path,
        f"""mount -t tmpfs -o size=600k tmpfs $D; t add a.example {ADD}
        dd if=/dev/zero of=$D/fill bs=1k 2>/dev/null || true
        t add b.example {ADD}; t list; t audit verify; rm $D/fill; t add b.example {ADD}; t audit verify
        umount $D; mount -t tmpfs -o size=4k tmpfs $D; t add a.example {ADD}""",
    )
    assert lines[:2] == ["pass a.example", "= 0"]
    assert "cannot be used" in lines[2]
    assert "free some space" in lines[2]
    assert lines[3] == "= 4"
    assert lines[4].split()[:2] == ["pass", "a.example"]
    assert [one for one in lines if one.startswith("=")] == [
        "= 0", "= 4", "= 0", "= 0", "= 0", "= 0", "= 4",
    ]  # fmt: skip
    assert "cannot rollback" not in "".join(lines)
    assert "database or disk is full; free some space" in lines[-2]
    assert len(lines) == 16


@pytest.mark.parametrize("written_by", ["this version", "0.1.0"])
def test_every_verb_that_reads_works_on_a_read_only_file_system(
    tmp_path: Path, written_by: str
) -> None:
    old = "cp tests/data/upgrades/0.1.0/bypass.sqlite3 $D/b.sqlite3"
    made = old if written_by == "0.1.0" else f"t add host.example {ADD}"
    reading = ("list", "candidates", "stats", "replay", "export panos", "explain host.example")
    verbs = "; ".join(f"t {verb}" for verb in (*reading, "audit list", "audit verify"))
    lines = said(
        tmp_path,
        f"""mount -t tmpfs tmpfs $D; {made}; ls -la $D > $D/../before; mount -o remount,ro $D
        {verbs}; t add x.example {ADD}; ls -la $D | diff - $D/../before && echo same""",
    )
    codes = [one for one in lines if one.startswith("=")]
    assert codes[-9:] == ["= 0"] * 8 + ["= 4"]
    assert "bypass store cannot be used" in lines[-3]
    assert lines[-1] == "same"
