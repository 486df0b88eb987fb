"""Which proxy is set: by the agent's own variables, by files that set variables for everybody, by the user's desktop.

The strongest first; credentials are left out. GNOME is asked by gsettings, which reads the user's dconf file; it is run
only where that file changed. On macOS and Windows the system's settings are what Python's own library reads of them.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shutil import which

from detector.bounded import read_regular
from detector.errors import ConfigError
from detector.net.routes import PAC, parse_proxy
from detector.stores.formats import read_format
from detector.stores.setting_files import Places

# As detector.net.routes reads them.
_VARIABLES = ("tlsight_proxy", "https_proxy", "all_proxy", "http_proxy")
_AUTOMATIC = "auto_proxy"
SHARED = ("~/.config/environment.d/*.conf", "/etc/environment.d/*.conf", "/etc/environment")
DCONF, KDE = ".config/dconf/user", ".config/kioslaverc"
_SCHEMA = "org.gnome.system.proxy"
_MAX = 256 << 10
_SECONDS = 3.0


class ProxySense:
    """Asks anew each time, but the desktop only where its file changed."""

    def __init__(
        self,
        environment: Mapping[str, str],
        homes: Iterable[Path] = (),
        root: Path = Path("/"),
        *,
        desktop: bool = False,
    ) -> None:
        self._environment = environment
        self._homes = tuple(homes)
        self._root = root
        self._desktop = desktop
        self._asked: dict[Path, tuple[object, tuple[str, ...]]] = {}

    def now(self) -> tuple[str, ...]:
        """URLs of proxies, each once; pac+URL for a PAC file, pac+ alone where one is looked for by itself."""
        found = list(of_variables(self._environment))
        places = Places(self._root, self._homes, self._environment)
        for file in places.files(SHARED):
            entries = read_format("shell", _read(file.path))
            found += of_variables({entry.path[-1]: entry.value for entry in entries if entry.path})
        for home in self._homes:
            found += of_kde(_read(home / KDE).decode("utf-8", "replace"))
            if self._desktop:
                found += self._of_gnome(home / DCONF)
        if sys.platform in ("darwin", "win32") and self._root == Path("/"):
            from urllib.request import getproxies

            found += of_variables({f"{name}_proxy": url for name, url in getproxies().items()})
        return tuple(dict.fromkeys(found))

    def _of_gnome(self, file: Path) -> tuple[str, ...]:
        try:
            found = file.stat()
            state: object = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            return ()
        before = self._asked.get(file)
        if before is None or before[0] != state:
            before = (state, tuple(of_gnome(_gsettings(self._environment))))
            self._asked[file] = before
        return before[1]


def of_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Proxies that variables name, whatever their case, the strongest first."""
    folded = {name.lower(): value for name, value in environment.items() if value}
    for name in _VARIABLES:
        if value := folded.get(name):
            yield from _shown(value)
    if value := folded.get(_AUTOMATIC):
        yield value if value.lower().startswith(PAC) else PAC + value


def of_gnome(listed: str) -> Iterator[str]:
    """What `gsettings list-recursively org.gnome.system.proxy` prints."""
    said: dict[tuple[str, str], object] = {}
    for line in listed.splitlines()[:200]:
        schema, _, rest = line.partition(" ")
        key, _, value = rest.partition(" ")
        if schema.startswith(_SCHEMA):
            try:
                said[schema.removeprefix(_SCHEMA).lstrip("."), key] = ast.literal_eval(value[:2000])
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue  # of a kind that is not asked for
    mode = said.get(("", "mode"))
    if mode == "auto":
        yield f"{PAC}{said.get(('', 'autoconfig-url'), '')}"
    if mode != "manual":
        return
    for kind, scheme in (("https", "http"), ("http", "http"), ("socks", "socks5")):
        host, port = said.get((kind, "host")), said.get((kind, "port"))
        if isinstance(host, str) and host and isinstance(port, int) and port:
            yield from _shown(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")


def of_kde(text: str) -> Iterator[str]:
    """What KDE's kioslaverc says: ProxyType 1 is set by hand, 2 a PAC file, 3 one that is looked for."""
    inside, said = False, {}
    for line in text.splitlines()[:1000]:
        if line.startswith("["):
            inside = line.strip() == "[Proxy Settings]"
        elif inside and "=" in line:
            key, _, value = line.partition("=")
            said[key.strip().partition("[")[0]] = value.strip()
    kind = said.get("ProxyType", "0")
    if kind in ("2", "3"):
        yield f"{PAC}{said.get('Proxy Config Script', '') if kind == '2' else ''}"
    if kind == "1":
        for key in ("httpsProxy", "httpProxy", "socksProxy"):
            # "http://host 8080" or with a colon.
            if value := said.get(key, ""):
                yield from _shown(":".join(value.split()))


def _shown(value: str) -> Iterator[str]:
    if value.lower().startswith(PAC):
        yield value
        return
    try:
        yield parse_proxy(value).url
    except ConfigError:
        return


def _gsettings(environment: Mapping[str, str]) -> str:
    """Empty where nobody answers."""
    program = which("gsettings", path=environment.get("PATH", os.defpath))
    if program is None:
        return ""
    try:
        asked = subprocess.run(
            [program, "list-recursively", _SCHEMA],
            check=False, capture_output=True, timeout=_SECONDS, env=dict(environment),
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout[:_MAX].decode("utf-8", "replace")


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, _MAX)
    except (OSError, ValueError):
        return b""
