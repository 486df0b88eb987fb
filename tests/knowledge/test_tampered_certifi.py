"""A corporate root appended to certifi's bundle: what a judge says who finds it there.

Each test runs `tlsight judge` with a certifi of its own before the installed one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import certifi
import pytest

from detector.lab.pki import Authority

START = (datetime(2016, 3, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


def tampered(site: Path, *roots: Authority) -> None:
    """A copy of the installed certifi, RECORD and all, with roots appended."""
    package = Path(certifi.where()).parent
    shutil.copytree(package, site / "certifi")
    for about in package.parent.glob("certifi-*.dist-info"):
        shutil.copytree(about, site / about.name)
    with (site / "certifi" / "cacert.pem").open("a") as bundle:
        bundle.writelines(root.pem for root in roots)


def judged(site: Path, *files: Path) -> list[dict[str, Any]]:
    paths = os.pathsep.join([str(site), *sys.path])
    command = [
        sys.executable,
        "-m",
        "detector",
        "judge",
        "--json",
        "--no-store",
        "--no-local-roots",
    ]
    command += ["--at", "2026-11-20T12:00:00Z", *map(str, files)]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": paths}
    )
    assert run.returncode in (0, 1), run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def chain(folder: Path, root: Authority, host: str, start: datetime, *, sent: bool) -> Path:
    """A file of a forged chain; the name of the file is the host it was shown for."""
    leaf = root.issue(host, start=start, days=4000)
    path = folder / f"{host}.pem"
    path.write_text(leaf.chain_pem + (root.pem if sent else ""))
    return path


@pytest.mark.parametrize("start", START, ids=("dated 2016", "dated this year"))
@pytest.mark.parametrize("sent", [True, False], ids=("root sent", "root not sent"))
def test_the_owner_of_an_appended_root_is_named_as_interceptor(
    tmp_path: Path, start: datetime, sent: bool
) -> None:
    gateway = Authority("FG100E4Q17001234", organization="Fortinet", days=9000, profile=False)
    tampered(tmp_path / "site", gateway)
    (tmp_path / "seen").mkdir()
    found = judged(
        tmp_path / "site",
        *(
            chain(tmp_path / "seen", gateway, host, start, sent=sent)
            for host in ("www.google.com", "github.com")
        ),
    )
    assert [one["verdict"] for one in found] == ["intercepted", "intercepted"]
    for one in found:
        evidence = {e["id"]: e for e in one["evidence"]}
        assert "path-public" not in evidence
        assert "added to certifi" in evidence["path-local-root"]["text"]
        assert evidence["path-local-root"]["details"]["added"] == 1
        assert one["interceptor"]["product"] == "FortiGate"


def test_an_untouched_bundle_has_no_added_root(tmp_path: Path, corporate: Authority) -> None:
    tampered(tmp_path / "site")
    (one,) = judged(tmp_path / "site", chain(tmp_path, corporate, "a.com", START[1], sent=True))
    assert "path-local-root" not in {e["id"] for e in one["evidence"]}
