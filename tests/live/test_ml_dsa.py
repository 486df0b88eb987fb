"""ML-DSA with the versions of cryptography that have it and those that lack it, each apart from this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live, pytest.mark.online]
ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "data" / "verdict_cases"
ASKED = """
import json, sys
from pathlib import Path
import cryptography
from detector.chain.anchors import TrustAnchors
from detector.chain.certificate import Certificate, split_pem
from detector.chain.path import build_path
from detector.chain.signature import check_signature, why_unchecked

folder = Path(sys.argv[1])
leaf, *above = (Certificate(one) for one in split_pem((folder / "ml_dsa.pem").read_bytes()))
(root,) = split_pem((folder / "ml_dsa_root.pem").read_bytes())
bent = bytearray(leaf.der)
bent[-1] ^= 1
stranger = Certificate(split_pem((folder / "root_of_cannot_tell.pem").read_bytes())[0])
print(json.dumps({
    "version": cryptography.__version__,
    "genuine": check_signature(leaf, Certificate(root).spki),
    "bent": check_signature(Certificate(bytes(bent)), Certificate(root).spki),
    "stranger": check_signature(leaf, stranger.spki),
    "path": build_path([leaf, *above], "example.com", TrustAnchors((root,), "pilot")).kind,
    "why": why_unchecked(leaf, Certificate(root).spki),
}))
"""


def asked(folder: Path, requirement: str) -> dict[str, str]:
    """What the product says where another cryptography stands before the installed one."""
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, requirement], check=True, timeout=100)
    own = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    ours = [path for path in sys.path if path.endswith("site-packages")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(own), str(ROOT), *ours))}
    command = [sys.executable, "-c", ASKED, CASES]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "requirement", ["cryptography>=48,<49", "cryptography>=50,<51"], ids=["48", "50"]
)
def test_ml_dsa_is_verified_where_cryptography_can(tmp_path: Path, requirement: str) -> None:
    found = asked(tmp_path / "venv", requirement)
    assert (found["genuine"], found["bent"], found["stranger"]) == ("holds", "refuted", "refuted")
    assert (found["path"], found["why"]) == ("public", "")


@pytest.mark.parametrize("requirement", ["cryptography==45.0.*", "cryptography==46.0.*"])
def test_ml_dsa_cannot_be_told_where_cryptography_cannot(tmp_path: Path, requirement: str) -> None:
    found = asked(tmp_path / "venv", requirement)
    assert (found["genuine"], found["bent"], found["path"]) == ("unknown", "unknown", "incomplete")
    assert "ML-DSA-87, which the installed version of cryptography cannot check" in found["why"]
