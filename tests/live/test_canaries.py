"""The canary story: names led astray to a gateway, in a network namespace with a resolver of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from detector.knowledge import shipped

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
DOUBTED = "www.doubted.com"


def check(story: str, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and records by host, of a check in that world."""
    clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-m", "tests.live.led_astray", story, *words],
        capture_output=True, text=True, timeout=120, cwd=ROOT, env=clean, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {one["target"]["host"]: one for one in records}


def evidence(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in record["evidence"]}


@pytest.mark.parametrize("story", ["gateway", "fake-ip", "hosts-trick"])
def test_twelve_canaries_led_to_one_private_ca_are_intercepted(story: str) -> None:
    code, found = check(story)
    assert (code, len(found)) == (1, 12)
    assert {one["verdict"] for one in found.values()} == {"intercepted"}
    assert {"address-odd"} <= evidence(found["github.com"]).keys()


@pytest.mark.parametrize("story", ["gateway", "fake-ip", "hosts-trick"])
def test_a_host_that_nobody_knows_is_intercepted_because_three_canaries_were_asked(
    story: str,
) -> None:
    code, found = check(story, DOUBTED)
    assert (code, found.keys()) == (1, {DOUBTED}), "witnesses are not printed"
    record = found[DOUBTED]
    assert record["verdict"] == "intercepted"
    shared = evidence(record)["issuer-shared"]
    assert shared["strength"] == "strong"
    assert set(shared["details"]["hosts"]) <= set(shipped.canaries())


def test_without_canaries_its_address_makes_it_private_and_that_is_said() -> None:
    code, found = check("gateway", "--no-canaries", DOUBTED)
    assert (code, found[DOUBTED]["verdict"]) == (0, "private")
    assert found[DOUBTED]["explanation"] == f"{DOUBTED} resolved to 10.66.0.1."


def test_a_name_that_is_internal_by_itself_asks_nobody() -> None:
    _, found = check("gateway", "wiki.corp")
    assert found["wiki.corp"]["verdict"] == "private"
    assert "issuer-shared" not in evidence(found["wiki.corp"])


def test_a_ca_for_each_host_accuses_the_canaries_and_leaves_a_strangers_host_in_doubt() -> None:
    _, found = check("ca-each", "github.com", DOUBTED)
    assert found["github.com"]["verdict"] == "intercepted"
    # No key of its own is shared with anybody, and where names are led astray no address excuses.
    assert found[DOUBTED]["verdict"] == "suspect"
    assert {"names-astray", "canaries-dirty"} <= evidence(found[DOUBTED]).keys()
    assert "issuer-shared" not in evidence(found[DOUBTED])


def test_one_page_for_all_is_a_portal() -> None:
    code, found = check("portal", "www.google.com")
    record = found["www.google.com"]
    assert (code, record["verdict"]) == (1, "suspect")
    assert "captive-portal" in {cause["id"] for cause in record["causes"]}
    assert "one-leaf-for-all" in evidence(record)


def test_of_canaries_that_refuse_only_the_address_speaks() -> None:
    code, found = check("silent", DOUBTED)
    assert (code, found[DOUBTED]["verdict"]) == (1, "suspect")
    assert "names-astray" in evidence(found[DOUBTED])
    assert not {"canaries-clean", "canaries-dirty"} & evidence(found[DOUBTED]).keys()
