"""Certificates of a peer on the internet that name addresses of whoever asks, in a network namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
INSIDE = (
    "http://127.0.0.1:8080", "http://inside.test:8080", "http://[::ffff:10.0.0.5]:8080",
    "http://10.0.0.5:8080", "http://192.168.1.1:8080", "http://169.254.169.254:8080",
    "http://100.64.0.9:8080", "http://2130706433:8080", "http://203.0.113.9:8081",
)  # fmt: skip
OUTSIDE = ("http://203.0.113.9:8080", "http://outside.test:8080")


def diagnosed(url: str) -> tuple[list[str], dict[str, Any]]:
    clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-m", "tests.live.pointing", url],
        capture_output=True, text=True, timeout=120, cwd=ROOT, env=clean, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["code"], found["stderr"]) == (1, "")
    return found["asked"], json.loads(found["stdout"])


@pytest.fixture(scope="module")
def worlds() -> dict[str, tuple[list[str], dict[str, Any]]]:
    """All of them, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(INSIDE + OUTSIDE, pool.map(diagnosed, INSIDE + OUTSIDE), strict=True))


@pytest.mark.parametrize("url", INSIDE)
def test_a_certificate_from_outside_sends_nobody_inside_and_that_is_said(
    worlds: dict[str, tuple[list[str], dict[str, Any]]], url: str
) -> None:
    asked, record = worlds[url]
    assert asked == []
    (said,) = record["refused"]
    assert said.startswith(f"{url}/")
    assert "not asked: " in said
    (cause,) = record["causes"]
    assert any(said in line for line in cause["evidence"])


@pytest.mark.parametrize("url", OUTSIDE)
def test_an_issuer_on_the_internet_is_fetched_by_its_name(
    worlds: dict[str, tuple[list[str], dict[str, Any]]], url: str
) -> None:
    asked, record = worlds[url]
    assert asked[0].startswith(f"{url.removeprefix('http://')}/")
    assert record["refused"] == []
