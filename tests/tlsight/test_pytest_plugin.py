"""The plugin as its users have it: a pytest of their own beside servers of the lab."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import running
from tests.live.programs import free_port

Pytest = Callable[..., subprocess.CompletedProcess[str]]
HEAD = "from tlsight.pytest_plugin import *\nimport pytest\nPORT = {port}\nWAY = f'127.0.0.1:{{PORT}}'\n"


@pytest.fixture(scope="module")
def lab(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root.pem").write_text(pki.root.pem)
    (folder / "logs.json").write_text(pki.ct_logs_json)
    return folder


@pytest.fixture(scope="module")
def port(pki: LabPki) -> Iterator[int]:
    """An honest host, and one that a private CA answers for."""
    gateway = Authority("Gateway", organization="Example Corp", profile=False)
    hosts = {"good.test": pki.issue("good.test"), "github.com": gateway.issue("github.com")}
    with running(Origin(hosts)) as origin:
        yield origin.port


@pytest.fixture
def run(tmp_path: Path, lab: Path, port: int) -> Pytest:
    """Run pytest over a file of these lines, with the lab's roots and logs."""

    def tests(
        lines: str, *words: str, knows: bool = True, alone: bool = True
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_own.py").write_text(HEAD.format(port=port) + lines)
        options = (f"--tlsight-roots={lab}/root.pem", f"--tlsight-ct-logs={lab}/logs.json")
        command = [sys.executable, "-m", "pytest", "-q", *(options if knows else ()), *words]
        clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        if alone:  # others' plugins cost most of a start
            command += ["-p", "tlsight.pytest_plugin"]
            clean["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=90,
            env=clean | {"HOME": str(tmp_path), "COLUMNS": "160"},
        )  # fmt: skip

    return tests


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What pytest shows of what was raised."""
    return [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E ")]


def test_an_honest_host_is_direct_not_intercepted_and_healthy(run: Pytest) -> None:
    done = run(
        "def test_a(): assert assert_direct('good.test', connect=WAY).verdict == 'direct'\n"
        "def test_b(): assert_not_intercepted('good.test', connect=WAY)\n"
        "def test_c(): assert assert_healthy('good.test', connect=WAY).healthy\n"
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_an_intercepted_host_fails_by_verdict_finding_and_remedy(run: Pytest) -> None:
    done = run("def test_a(): assert_direct('github.com', connect=WAY)\n")
    lines = told(done)
    assert done.returncode == 1
    assert lines[0] == "AssertionError: wanted direct"
    assert lines[1].split()[:3] == ["INTERCEPTED", "github.com:443", "at"]
    assert any("(public-host-private-ca, strong)" in line for line in lines)
    assert any(line.startswith("→ Send no secrets") for line in lines)
    # The place is the test's own line, none of ours.
    assert re.search(r"^test_own\.py:5: AssertionError$", done.stdout, re.MULTILINE)
    assert "checking.py" not in done.stdout


def test_consistent_is_not_direct_and_not_intercepted(run: Pytest, lab: Path) -> None:
    done = run(
        "def test_a(): assert_not_intercepted('good.test', connect=WAY)\n"
        "def test_b(): assert_direct('good.test', connect=WAY)\n",
        f"--tlsight-roots={lab}/root.pem", knows=False,
    )  # fmt: skip
    assert "1 failed, 1 passed" in done.stdout
    assert told(done)[1].split()[:2] == ["CONSISTENT", "good.test:443"]


def test_a_silent_host_is_inconclusive_which_is_no_assertion(run: Pytest) -> None:
    done = run(
        "def test_a():\n"
        f"    with pytest.raises(InconclusiveError) as raised: assert_direct('127.0.0.1:{free_port()}')\n"
        "    assert not isinstance(raised.value, AssertionError)\n"
        "    assert 'INCONCLUSIVE' in str(raised.value) and 'refuses' in str(raised.value)\n"
        f"def test_b(): assert_healthy('127.0.0.1:{free_port()}')\n"
    )
    assert "1 failed, 1 passed" in done.stdout
    assert any("connection-refused" in line for line in told(done))


def test_the_fixture_asks_each_host_once_a_session(run: Pytest) -> None:
    done = run(
        "def test_a(tlsight): assert tlsight.check('good.test', connect=WAY)"
        " is tlsight.assert_direct('good.test', connect=WAY)\n"
        "@pytest.mark.parametrize('n', range(50))\n"
        "def test_b(tlsight, n):\n"
        "    assert tlsight.assert_direct('good.test', connect=WAY) is assert_direct('good.test', connect=WAY)\n"
    )
    assert "51 passed" in done.stdout, done.stdout


def test_it_works_inside_running_loops_and_lets_their_servers_answer(run: Pytest) -> None:
    done = run(
        "import asyncio, anyio\n"
        "from detector.lab.pki import LabPki\n"
        "from detector.lab.origin import Origin\n"
        "@pytest.mark.anyio\n"
        "async def test_a():\n"
        "    await assert_direct_async('good.test', connect=WAY)\n"
        "    await assert_healthy_async('good.test', connect=WAY)\n"
        "    await assert_not_intercepted_async('good.test', connect=WAY)\n"
        "    assert_direct('good.test', connect=WAY)\n"
        "    with pytest.raises(AssertionError): await assert_direct_async('github.com', connect=WAY)\n"
        "def test_b():\n"
        "    async def main():\n"
        "        async with Origin({'own.test': LabPki().issue('own.test')}) as origin:\n"
        "            with pytest.raises(AssertionError, match='own.test'):\n"
        "                await assert_direct_async('own.test', connect=f'127.0.0.1:{origin.port}')\n"
        "    asyncio.run(main())\n"
        "@pytest.fixture\n"
        "def anyio_backend(): return 'asyncio'\n",
        "-p", "anyio.pytest_plugin",
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout


def test_settings_stand_in_the_ini_file_beside_it(run: Pytest, lab: Path, tmp_path: Path) -> None:
    for name in ("root.pem", "logs.json"):
        (tmp_path / name).write_text((lab / name).read_text())
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\ntlsight_roots = root.pem\ntlsight_ct_logs = logs.json\ntlsight_timeout = 3\n"
    )
    done = run("def test_a(): assert_direct('good.test', connect=WAY)\n", knows=False)
    assert done.returncode == 0, done.stdout


def test_a_policy_that_cannot_be_read_is_named(run: Pytest, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('internal = ["nowhere.test"]\nthis is no toml\n')
    done = run(
        "def test_a(): assert_direct('good.test', connect=WAY)\n", "--tlsight-policy=policy.toml"
    )
    assert done.returncode == 1
    assert any("policy.toml" in line and "ConfigError" in line for line in told(done))


def test_each_worker_of_xdist_asks_for_itself(run: Pytest) -> None:
    done = run(
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_a(n): assert_direct('good.test', connect=WAY)\n",
        "-n", "2", "-p", "xdist",
    )  # fmt: skip
    assert "4 passed" in done.stdout, done.stdout


def test_a_session_that_asserts_nothing_loads_nothing_of_tlsight(run: Pytest) -> None:
    done = run(
        "import sys\n"
        "def test_a():\n"
        "    ours = {n for n in sys.modules if n.split('.')[0] in ('tlsight', 'detector', 'addons')}\n"
        "    assert ours == {'tlsight', 'tlsight.pytest_plugin', 'detector', 'detector.version'}\n"
        "    assert not {'cryptography', 'httpx', 'msgspec', 'rich'} & set(sys.modules)\n",
        "-p", "no:hypothesispytest", "-p", "no:anyio", knows=False, alone=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_plugin_is_loaded_in_a_few_milliseconds() -> None:
    code = (
        "import pytest, time; began = time.process_time(); import tlsight.pytest_plugin;"
        " print(time.process_time() - began)"
    )
    took = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
        for _ in range(3)
    )
    assert took < 0.05


@pytest.mark.live
def test_a_real_mitmproxy_on_the_way_is_told(
    run: Pytest, lab: Path, port: int, tmp_path: Path
) -> None:
    began = time.monotonic()
    with running(Mitmdump(tmp_path / "mitm", trust=lab / "root.pem")) as proxy:
        lines = "def test_a(): assert_not_intercepted('good.test', connect=WAY)\n"
        done = run(lines, f"--tlsight-proxy={proxy.url}")
        assert done.returncode == 1
        assert told(done)[1].split()[:2] == ["INTERCEPTED", "good.test:443"]
        assert any("mitmproxy" in line for line in told(done))
        assert run(lines, "--tlsight-proxy=direct").returncode == 0
    assert time.monotonic() - began < 60
