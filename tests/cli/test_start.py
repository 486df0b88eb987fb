"""What a run of one host loads and reads: less is all that makes it start faster."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from detector.knowledge import shipped
from detector.knowledge.assemble import assemble
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import running
from tests.cli.loaded import alone_in

# What no check of a host whose leaf is logged needs; each takes milliseconds.
UNNEEDED = (
    "addons", "cryptography.x509", "httpx", "h2", "rich", "jinja2", "tomlkit", "truststore", "email.message", "shutil",
    "tempfile", "certifi", "publicsuffixlist", "dns", "brotli", "re2", "ahocorasick", "zstandard", "importlib.metadata",
    "detector.mcp", "detector.agent", "detector.lab", "detector.lookup", "detector.messages", "detector.capture",
)  # fmt: skip


@pytest.fixture
def loaded(tmp_path: Path) -> frozenset[str]:
    """Names of the modules that a whole `check` of a proven host has loaded."""
    pki = LabPki()
    roots, logs = tmp_path / "roots.pem", tmp_path / "logs.json"
    roots.write_text(pki.root.pem)
    logs.write_text(pki.ct_logs_json)
    with running(Origin({"host.test": pki.issue("host.test")})) as origin:
        found = subprocess.run(
            [
                sys.executable, "-X", "importtime", "-m", "detector", "check", "--json", "--roots", str(roots),
                "--ct-logs", str(logs), "--connect", f"127.0.0.1:{origin.port}", "host.test",
            ],
            capture_output=True, text=True, env={**os.environ, **alone_in(tmp_path)}, timeout=60,
        )  # fmt: skip
    assert '"verdict":"direct"' in found.stdout, found.stderr[-2000:]
    return frozenset(re.findall(r"^import time:.*\| +(\S+)$", found.stderr, re.MULTILINE))


def test_a_check_of_one_proven_host_loads_nothing_that_it_does_not_need(
    loaded: frozenset[str],
) -> None:
    assert {"detector.net.probe", "detector.chain.signature", "asyncio"} <= loaded
    assert {
        name for name in loaded for one in UNNEEDED if name == one or name.startswith(one + ".")
    } == set()


def test_tables_of_private_cas_are_read_when_they_are_first_asked() -> None:
    tables = (shipped.products, shipped.engines, shipped.shared_cas)
    for table in tables:
        table.cache_clear()
    known = assemble(local=False)
    assert [table.cache_info().currsize for table in tables] == [0, 0, 0]
    assert known.products[0] == shipped.products()[0]
    assert list(known.products) == list(shipped.products())
    known.read_tables()
    assert [table.cache_info().currsize for table in tables] == [1, 1, 1]
