"""`tlsight trust remove` as it is typed."""

from __future__ import annotations

from pathlib import Path

from detector.chain.certificate import Certificate
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import Run


def test_it_asks_for_consent_and_then_proves_that_it_is_gone(
    tlsight: Run, tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    bundle = tmp_path / "image/etc/ssl/cert.pem"
    bundle.parent.mkdir(parents=True)
    bundle.write_text(pki.root.pem + corporate.pem)
    words = ("trust", "remove", Certificate(corporate.der).sha256, "--root", tmp_path / "image")
    asked = tlsight(*words)
    assert asked.returncode == 1
    assert "Nothing was changed; --yes" in asked.stdout
    assert tlsight(*words, "--yes", "--dry-run").returncode == 1
    done = tlsight(*words, "--yes")
    assert done.returncode == 0
    assert "gone: 1 stores were read again" in done.stdout
    assert bundle.read_text() == pki.root.pem
    again = tlsight(*words)
    assert (again.returncode, "in none of" in again.stdout) == (0, True)


def test_mistakes_are_one_line_and_exit_2(tlsight: Run) -> None:
    done = tlsight("trust", "remove", "abc")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
