"""The samples of docs/samples as their users start them: a service that is asked over HTTP, a play, a hook."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import running
from tests.live.programs import free_port

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "docs" / "samples"
SERVICES = {
    "fastapi": ("uvicorn", "fastapi_check:app", "--port"),
    "flask": ("flask", "--app", "flask_check", "run", "--port"),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Ports of an honest server and of one behind a gateway, and what is known of them."""
    folder, world = tmp_path_factory.mktemp("lab"), LabPki()
    (folder / "root.pem").write_text(world.root.pem)
    (folder / "logs.json").write_text(world.ct_logs_json)
    gateway = Authority("FortiGate CA", organization="Fortinet", profile=False)
    with (
        running(Origin({"localhost": world.issue("localhost")})) as honest,
        running(Origin({"localhost": gateway.issue("localhost")})) as forged,
    ):
        yield {
            "good": f"localhost:{honest.port}", "bad": f"localhost:{forged.port}",
            "roots": str(folder / "root.pem"), "logs": str(folder / "logs.json"),
        }  # fmt: skip


@contextmanager
def served(words: tuple[str, ...], lab: dict[str, str]) -> Iterator[httpx.Client]:
    """A sample's server, once it answers."""
    port = free_port()
    program = str(Path(sys.executable).parent / words[0])
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment |= {
        "CHECK_HOSTS": f"{lab['good']} {lab['bad']} localhost:9",
        "TLSIGHT_ROOTS": lab["roots"], "TLSIGHT_CT_LOGS": lab["logs"],
        "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    with (
        subprocess.Popen(
            [program, *words[1:], str(port)], cwd=SAMPLES, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):  # fmt: skip
        try:
            _wait(client, server)
            yield client
        finally:
            server.terminate()


def _wait(client: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            client.get("/health").raise_for_status()
            return
        except httpx.TransportError:
            assert server.poll() is None, "it ended"
            assert time.monotonic() < until, "it does not answer"
            time.sleep(0.1)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_tells_who_answers_for_its_hosts_and_for_no_other(
    name: str, lab: dict[str, str]
) -> None:
    with served(SERVICES[name], lab) as client:
        good = client.get("/check", params={"host": lab["good"]})
        assert good.headers["content-type"].startswith("application/json")
        assert good.json()["schema"] == "tlsight.check/1"
        assert good.json()["verdict"] == "direct"
        bad = client.get("/check", params={"host": lab["bad"]})
        assert (bad.status_code, bad.json()["verdict"]) == (200, "intercepted")
        nobody = client.get("/check", params={"host": "localhost:9"})
        assert nobody.json()["verdict"] == "inconclusive"
        for other in ("169.254.169.254", "localhost:22", lab["good"] + "/", ""):
            assert client.get("/check", params={"host": other}).status_code == 404
        assert client.get("/check").status_code in (404, 422)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ansible and pre-commit, apart from our own environment."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
    folder = tmp_path_factory.mktemp("tools")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", folder / "bin/python", "ansible-core==2.21.5", "pre-commit==4.7.0"],
        check=True,
    )  # fmt: skip
    return folder / "bin"


@pytest.mark.online
@pytest.mark.timeout(300)
def test_a_play_fails_where_an_interceptor_answers(
    tools: Path, lab: dict[str, str], tmp_path: Path
) -> None:
    command = tmp_path / "tlsight"
    command.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m detector "$@"\n')
    command.chmod(0o755)

    def played(*hosts: str) -> dict[str, Any]:
        more = {
            "payment_hosts": hosts, "tlsight": str(command),
            "tlsight_options": ["--roots", lab["roots"], "--ct-logs", lab["logs"], "--no-history"],
            "ansible_python_interpreter": sys.executable,
        }  # fmt: skip
        done = subprocess.run(
            [
                tools / "ansible-playbook", "-i", "localhost,", "-c", "local", "-e", json.dumps(more),
                SAMPLES / "ansible" / "playbook.yml",
            ],
            capture_output=True, text=True, timeout=120,
            env={
                "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8",
                "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            },
        )  # fmt: skip
        return {"code": done.returncode, "text": done.stdout + done.stderr}

    good = played(lab["good"])
    assert good["code"] == 0, good["text"]
    assert f'"{lab["good"]}": "direct"' in good["text"]
    assert "changed=0" in good["text"]
    bad = played(lab["good"], lab["bad"])
    assert bad["code"] == 2, bad["text"]
    assert f"{lab['bad']} Intercepted" in bad["text"]
    assert f'"{lab["good"]} ' not in bad["text"]


@pytest.mark.online
@pytest.mark.timeout(300)
def test_the_hooks_refuse_a_bad_policy_in_a_real_repository(tools: Path, tmp_path: Path) -> None:
    """The manifest's own hooks, in an environment that is there already."""
    manifest = ROOT / ".pre-commit-hooks.yaml"
    own = {
        "PATH": f"{Path(sys.executable).parent}:{tools}:{os.environ['PATH']}", "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT), "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip

    def run(*words: object, code: int = 0) -> str:
        done = subprocess.run(
            list(map(str, words)),
            cwd=tmp_path,
            env=own,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    run(tools / "pre-commit", "validate-manifest", manifest)
    hooks = [{**one, "language": "system"} for one in YAML(typ="safe").load(manifest)]
    with (tmp_path / ".pre-commit-config.yaml").open("w") as file:
        YAML().dump({"repos": [{"repo": "local", "hooks": hooks}]}, file)
    run("git", "init", "-q")
    (tmp_path / "policy.toml").write_text('internal = [".corp.example.com"]\n')
    run("git", "add", ".")
    assert "Passed" in run(tools / "pre-commit", "run", "--all-files")
    (tmp_path / "policy.toml").write_text("internal = [\n")
    run("git", "add", ".")
    told = run(tools / "pre-commit", "run", "--all-files", code=1)
    assert "Failed" in told
    assert "policy.toml:" in told
