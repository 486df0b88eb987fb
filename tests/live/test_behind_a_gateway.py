"""The programs that people run behind a gateway, behind a real mitmproxy whose CA none of them knows.

What each says goes through `tlsight explain`; with the line of the program's row it works. The hosts are the programs' own
registries: the proxy leads every name to a server on loopback.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detector.knowledge.programs import programs
from detector.lab.mitmdump import Mitmdump
from detector.model.programs import ProgramFix
from tests.live.conftest import TABLES
from tests.live.trusting.origin import Origin
from tests.live.trusting.recipe import Recipe, Setup, holds_here, version_of
from tests.live.trusting.stores import SYSTEM, Stores

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
TABLE = msgspec.toml.decode(
    Path(__file__).with_name("trusting").joinpath("gateway.toml").read_bytes(),
    type=dict[str, list[Recipe]],
)["run"]
NAMES = [recipe.program for recipe in TABLE]
SEEN: dict[str, dict[str, str]] = {}
TABLES["behind mitmproxy, its CA absent"] = SEEN
# Every connection goes to the test's own server, whatever its name.
_LEAD = """
def server_connect(data):
    data.server.address = ("127.0.0.1", {port})
"""


@dataclass(frozen=True)
class Run:
    """What a program said without the line, and with it.

    Attributes:
        command: as one types it; people paste it with what comes out.

    """

    command: str
    code: int
    said: str
    code_with_line: int
    said_with_line: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("gateway")
    return asyncio.run(_all(folder, Stores(folder)))


async def _all(folder: Path, stores: Stores) -> dict[str, Run]:
    with Origin(stores.contexts[SYSTEM]) as origin:
        script = folder / "lead.py"
        script.write_text(_LEAD.format(port=origin.port))
        proxy = Mitmdump(
            folder / "mitmproxy", trust=stores.file(SYSTEM), scripts=[script],
            settings=["ssl_insecure=true", "upstream_cert=false", "connection_strategy=lazy", "http2=false"],
        )  # fmt: skip
        async with proxy:
            ca = folder / "mitmproxy/mitmproxy-ca-cert.pem"
            stores.bring(ca)
            lines = {recipe.program: _line(recipe) for recipe in TABLE}
            gate = asyncio.Semaphore(4)

            async def one(recipe: Recipe) -> Run:
                async with gate:
                    return await asyncio.to_thread(
                        _one, recipe, lines[recipe.program], proxy.port, folder, stores
                    )

            found = await asyncio.gather(*(one(recipe) for recipe in TABLE))
    return dict(zip(NAMES, found, strict=True))


def _one(recipe: Recipe, line: ProgramFix, port: int, folder: Path, stores: Stores) -> Run:
    said: list[tuple[int, str]] = []
    for fix in (None, line):
        home = folder / recipe.program / ("with" if fix else "without")
        home.mkdir(parents=True)
        setup = Setup(recipe, {}, home)
        setup.env = {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}
        system = home.with_suffix(".system")
        shutil.copytree(stores.system, system)
        if fix is not None:
            setup.apply(fix, stores)
        said.append(setup.run(port, system))
    return Run(shlex.join(recipe.command), *said[0], *said[1])


def _line(recipe: Recipe) -> ProgramFix:
    """The first line that brings the CA itself to the program."""
    version = version_of(recipe)
    for fix in programs()[recipe.program].fixes("tls-intercepted"):
        text = f"{fix.sets} {fix.value}{fix.command}{fix.lines}"
        if holds_here(fix, version) and not any(word in text for word in recipe.left_out):
            return fix
    raise AssertionError(f"{recipe.program} has no line")


def explained(run: Run, folder: Path) -> dict[str, Any]:
    path = folder / "said.txt"
    path.write_text(f"$ {run.command}\n{run.said}")
    done = subprocess.run(
        [sys.executable, "-m", "detector", "explain", str(path), "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    failure: dict[str, Any] = json.loads(done.stdout)["failures"][0]
    return failure


@pytest.mark.parametrize("name", NAMES)
def test_a_program_refuses_and_works_with_its_line(name: str, runs: dict[str, Run]) -> None:
    run = runs[name]
    assert run.code != 0, run.said
    assert run.code_with_line == 0, run.said_with_line


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_is_known_as_interception_and_its_setting_is_named(
    name: str, runs: dict[str, Run], tmp_path: Path
) -> None:
    failure = explained(runs[name], tmp_path)
    causes = [cause["id"] for cause in failure["causes"]]
    settings = [setting for setting in failure["settings"] if setting["cause"] == "tls-intercepted"]
    SEEN[name] = {
        "tool": (failure["tool"] or {}).get("id", ""),
        "host": failure["host"] or "",
        "causes": " ".join(causes[:2]),
        "line": (settings[0]["lines"].get("sh", "") if settings else "").split("\n")[0][:60],
    }
    assert causes[0] == "tls-intercepted", runs[name].said
    assert any(setting["program"] == name for setting in settings), runs[name].said
