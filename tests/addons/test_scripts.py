"""The entry script: what it says of itself is what pyproject.toml and the addon's own imports say."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import grimp
import pytest

from addons.scripts import bypass_script, portable_script

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("entry", bypass_script())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.meta_path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.meta_path[:] = before
    return module


def test_it_asks_for_everything_that_the_addon_ever_imports(script: ModuleType) -> None:
    graph = grimp.build_graph("addons", "detector", include_external_packages=True, cache_dir=None)
    found: set[str] = set()
    for package in ("addons.proxy", "addons.review", "addons.store"):
        found |= graph.find_upstream_modules(package, as_package=True)
    others = {name.split(".")[0] for name in found} - set(sys.stdlib_module_names)
    # The first two are mitmproxy's own; the third only makes one thing faster.
    needed = others - {"mitmproxy", "OpenSSL", "gmpy2", "addons", "detector"}
    # Starlette imports the one that reads forms only when one comes.
    assert {*script.COMPILED, *script.PURE} == needed | {"python_multipart"}


def test_versions_are_those_of_the_package(script: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    low, high = script.MITMPROXY
    asked = f"mitmproxy>={low[0]}.{low[1]},<{high[0]}"
    assert asked in project["optional-dependencies"]["proxy"]
    assert project["requires-python"] == ">={}.{}".format(*script.PYTHON)


def test_it_has_the_addons_of_the_proxy(script: ModuleType) -> None:
    assert [type(one).__name__ for one in script.addons] == [
        "Recorder",
        "Bypass",
        "Coalescing",
        "UpstreamTruth",
        "Alive",
        "Rechecking",
    ]


def test_the_portable_one_differs_by_where_things_are_alone() -> None:
    here, there = bypass_script().read_text().splitlines(), portable_script().splitlines()
    changed = [new for old, new in zip(here, there, strict=True) if old != new]
    assert [line.partition(" = ")[0] for line in changed] == ["TLSIGHT", "LIBRARIES"]
    assert str(ROOT) in changed[0]
