"""The spellings of alerts come out of the libraries again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from detector.knowledge.alert_spellings import alert_spellings, load_alert_spellings

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_alert_spellings.py"
NEEDS = (
    "/usr/share/go-1.19/src/crypto/tls/alert.go",
    "/usr/share/cargo/registry/rustls-0.20.8/src/msgs/enums.rs",
    "/usr/lib/jvm/openjdk-17/lib/src.zip",
    "/usr/include/wolfssl/ssl.h",
    "/usr/include/bearssl/bearssl_ssl.h",
)


@pytest.mark.live
def test_the_table_comes_out_of_the_libraries_again(tmp_path: Path) -> None:
    missing = [path for path in NEEDS if not Path(path).exists()]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    made = tmp_path / "alert_spellings.toml"
    subprocess.run([sys.executable, str(SCRIPT), "--to", str(made)], check=True, timeout=100)
    assert load_alert_spellings(made).items() >= alert_spellings().items()
