"""mitmdump -s .../addons/scripts/bypass.py --set bypass_mode=suggest --set bypass_rules=rules.toml

mitmproxy may have a Python environment of its own (pipx, brew), and its user a package that is called `addons` too.
So this file finds tlsight's packages where it stands itself, before any others of their names, and what they need
behind everything that mitmproxy brings. Where that does not do, it says what is missing in one line, and mitmproxy
ends. It is read by any Python that mitmproxy may run on.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import logging
import sys
from pathlib import Path
from typing import Any

# Filled in by `tlsight bypass script --write`; empty where this file is in its place.
TLSIGHT = ""
LIBRARIES = ""

PACKAGES = ("addons", "detector", "tlsight")
PYTHON, MITMPROXY = (3, 12), ((12, 2), (13, 0))
# What the addon loads, now or later. Those that are compiled fail where they were built for another Python.
COMPILED = (
    "argon2",
    "ahocorasick",
    "brotli",
    "cryptography",
    "msgspec",
    "re2",
    "zstandard",
)
PURE = (
    "aioquic", "anyio", "certifi", "dns", "h2", "httpcore", "httpx", "idna", "jinja2", "markupsafe", "platformdirs",
    "prometheus_client", "publicsuffixlist", "python_multipart", "ruamel", "socksio", "starlette", "truststore", "uvicorn",
)  # fmt: skip

log = logging.getLogger("tlsight.script")
root = Path(TLSIGHT) if TLSIGHT else Path(__file__).resolve().parents[2]


class Finder:
    """Top-level packages in one folder; `names` alone, or all."""

    def __init__(self, folder: str, names: tuple[str, ...] | None = None) -> None:
        self.folder, self.names = folder, names

    def find_spec(self, name: str, path: Any = None, _target: Any = None) -> Any:
        """As importlib asks."""
        if path is not None or (self.names is not None and name not in self.names):
            return None
        return importlib.machinery.PathFinder.find_spec(name, [self.folder])


def trouble() -> str | None:
    """What stops the addon from being loaded here."""
    from mitmproxy import version

    here = ".".join(map(str, sys.version_info[:2]))
    if sys.version_info[:2] < PYTHON:
        return f"this mitmproxy runs on Python {here}, tlsight needs {PYTHON[0]}.{PYTHON[1]}"
    found = tuple(int(part) for part in version.VERSION.split(".")[:2] if part.isdigit())
    if not MITMPROXY[0] <= found < MITMPROXY[1]:
        return f"this is mitmproxy {version.VERSION}, tlsight works with 12.2 to 12.x: update the older of the two"
    if not (root / "addons" / "proxy").is_dir():
        return f"tlsight is no longer in {root}: write this script anew, tlsight bypass script --write FILE"
    for name in PACKAGES:
        folder = loaded_from(name)
        if folder is not None and folder != root:
            return (
                f"a package called {name} was loaded from {folder} before tlsight's: rename it, or give tlsight's"
                " script first"
            )
    find_ours_first()
    missing = [name for name in COMPILED if not loads(name)]
    missing += [name for name in PURE if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "pipx inject mitmproxy 'tlsight[proxy]', or pip install that there"
        if getattr(sys, "frozen", False):
            remedy = "it is a single file, which takes no packages: pipx install mitmproxy, then pipx inject mitmproxy 'tlsight[proxy]'"
        return f"Python {here} of this mitmproxy ({sys.executable}) cannot load {', '.join(missing)}: {remedy}"
    return None


def loaded_from(name: str) -> Path | None:
    """The folder that a package which is loaded is in."""
    there = sys.modules.get(name)
    if there is None:
        return None
    file = getattr(there, "__file__", None)
    place = Path(file or next(iter(there.__path__))).resolve()
    return (place.parent if place.name == "__init__.py" else place).parent


def find_ours_first() -> None:
    """Put the finders in their places, once, and name whom ours keep from being found."""
    if any(getattr(one, "folder", None) == str(root) for one in sys.meta_path):
        return
    for name in PACKAGES:
        other = importlib.machinery.PathFinder.find_spec(name)
        if other is None:
            continue
        place = str(next(iter(other.submodule_search_locations or ()), other.origin))
        if Path(place).resolve().parent != root:
            log.warning(
                "tlsight: %s is another package called %s; tlsight's own is used", place, name
            )
    sys.meta_path.insert(0, Finder(str(root), PACKAGES))
    sys.meta_path.append(Finder(LIBRARIES or str(root)))


def loads(name: str) -> bool:
    """Whether it can be imported."""
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def ours() -> list[object]:
    """The addons. (A function of this file that is named like a hook would be one.)"""
    from addons.proxy.alive import Alive
    from addons.proxy.bypass import Bypass
    from addons.proxy.coalescing import Coalescing
    from addons.proxy.rechecking import Rechecking
    from addons.proxy.recorder import Recorder
    from addons.proxy.truth import UpstreamTruth
    from addons.store.keeper import Keeper

    keeper = Keeper()
    bypass = Bypass(keeper)
    # The recorder comes first: what still waits in it at the end goes to the keeper, which Bypass closes.
    recorder = Recorder(keeper, bypass.is_bound)
    return [
        recorder, bypass, Coalescing(keeper), UpstreamTruth(), Alive(keeper), Rechecking(keeper)
    ]  # fmt: skip


why = trouble()
if why is not None:
    log.error("tlsight: %s", why)
addons = [] if why is not None else ours()
