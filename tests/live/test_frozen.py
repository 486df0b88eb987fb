"""The program without Python beside it, and the zipapp: everything that is imported or read by name is in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.agent_world import Surroundings
from tests.live.installed import BARE, ONE_FILE, ROOT, built, frozen

pytestmark = [pytest.mark.live, pytest.mark.online, pytest.mark.timeout(600)]
Program = tuple[str, ...]
# In the program's own Python: the help of every verb, and every module of ours and of the rules by its name.
_EVERY_VERB = """
import contextlib, io
from detector.cli.app import build

top = build()

def ask(command, words):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        top.main([*words, "--help"], prog_name="tlsight")
    assert "Usage:" in said.getvalue(), words
    print("helped", *words)
    for name, one in (getattr(command, "commands", None) or {}).items():
        ask(one, [*words, name])

ask(top, [])
"""
_BY_NAME = """
import importlib
from addons.formats import registry
from detector.agent.sinks import KINDS
from detector.causes.find import rule
from detector.knowledge.causes import cause_table
from detector.logs.programs import all_programs

for module in (*KINDS.values(), *(f"addons.formats.{name.replace('-', '_')}" for name in registry.FORMATS)):
    importlib.import_module(module)
assert all_programs() and all(map(rule, cause_table().rules))
import brotli, cryptography, jeepney, nats, publicsuffixlist, pypac, re2, truststore, zstandard
assert publicsuffixlist.PublicSuffixList().publicsuffix("a.example.co.uk") == "co.uk"
print("all there")
"""


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("zipapp")
    (path,) = built("zipapp", into)
    return path


def said(program: Program, *words: str, code: int = 0, **environment: str) -> str:
    done = subprocess.run(
        [*program, *words], env={**BARE, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, cwd="/",
    )  # fmt: skip
    assert done.returncode == code, done.stdout
    return done.stdout


def without_libraries(zipapp: Path) -> Program:
    """The Python that this one is of, which has nothing of ours."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return (str(Path(sys.base_prefix) / "bin" / version), "-I", str(zipapp))


def test_every_verb_of_the_frozen_program_can_be_asked_for_its_help() -> None:
    helped = said((str(frozen()),), "-P", "-c", _EVERY_VERB).splitlines()
    from tests.hostile.tree import commands

    assert {f"helped {words}" for words in commands()} <= set(helped)


def test_what_is_imported_by_name_is_in_the_frozen_program() -> None:
    assert said((str(frozen()),), "-P", "-c", _BY_NAME) == "all there\n"


def test_a_proxy_script_is_asked_in_a_child_of_the_frozen_program(tmp_path: Path) -> None:
    script = tmp_path / "proxy.pac"
    script.write_text('function FindProxyForURL(url, host) { return "PROXY 127.0.0.1:9"; }')
    asked = said(
        (str(frozen()),), "check", "shop.test", "--proxy", f"pac+file://{script}", "--timeout", "2", code=3
    )  # fmt: skip
    assert "127.0.0.1:9" in asked


def unmasks(program: Program, folder: Path, **environment: str) -> None:
    """The program tells an intercepted site from the site itself, by way of a real mitmproxy."""
    (folder / "agent").mkdir()
    with Surroundings(folder) as around:
        world = around.agent(folder / "agent")
        words = ("check", "shop.test", "--roots", str(world.folder / "root.pem"))
        way = ("--proxy", world.proxy.url)
        told = said(program, *words, *way, code=1, **environment)
        assert "intercepted" in told.lower()
        assert "mitmproxy" in told
        world.intercept(on=False)
        told = said(program, *words, *way, code=0, **environment)
        assert "intercepted" not in told.lower()


def judges_and_explains(program: Program, **environment: str) -> None:
    from detector.version import __version__

    assert said(program, "--version", **environment) == f"tlsight {__version__}\n"
    sample = ROOT / "tests" / "data" / "upgrades" / __version__ / "observations.ndjson"
    assert "1 inconclusive, 2 private" in said(program, "judge", str(sample), code=3, **environment)
    text = "tlsv1 alert unknown ca"
    assert "client-certificate-rejected" in said(program, "explain", text, **environment)


def test_one_file_works_where_nothing_else_of_ours_is(tmp_path: Path) -> None:
    frozen()
    home = {"HOME": str(tmp_path)}
    judges_and_explains((str(ONE_FILE),), **home)
    unmasks((str(ONE_FILE),), tmp_path, **home)


def test_a_zipapp_works_under_a_python_without_libraries(zipapp: Path, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "SHIV_ROOT": str(tmp_path / "unpacked")}
    program = without_libraries(zipapp)
    judges_and_explains(program, **home)
    unmasks(program, tmp_path, **home)
    assert os.access(zipapp, os.X_OK)
