"""PAC files: a script of the organisation's that says by which proxies each host is reached.

Theory of operation
-------------------
pypac runs the script (the extra `pac`; without it one line says so) in a child process, because it is hostile input:
see `detector.net.pac_child` for its bounds. One child serves a whole run; each host is asked for once. A child that
is killed, or silent for WALL_SECONDS, is not started again: the file then gives no answer for anybody. Of several ways
those that could not be used come last from then on, as browsers have it.

The script is given a URL without path and query, as Chromium gives it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Timer
from urllib.parse import unquote, urlsplit

from detector.errors import ConfigError, ProxyError
from detector.net.http_connect import authority, proxy_error
from detector.net.routes import Proxy, parse_pac_answer
from detector.own_python import python

MAX_SOURCE = 1 << 20
WALL_SECONDS = 8.0
_MAX_KNOWN = 4096
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT", "RES_OPTIONS")


def open_pac(url: str, where: str, trust: Path | None = None) -> PacFile:
    """The PAC file at file:///..., a path, http:// or https://.

    Args:
        url: where it is.
        where: the option or variable that names it.
        trust: PEM file of roots to trust: for fetching it, and for https:// proxies that it names.

    Raises ConfigError where it is not there, or pypac is not installed; FetchError where it cannot be fetched.

    """
    if find_spec("pypac") is None:
        remedy = "pip install 'tlsight[pac]', or name the proxy itself"
        raise ConfigError(where, "PAC files need pypac", remedy=remedy)
    source = _source(url, where, trust)
    return PacFile(source, f"the PAC file of {where}", trust)


class PacFile:
    """One PAC file, asked for each host once; from several threads, one at a time."""

    def __init__(self, source: str, where: str, trust: Path | None = None) -> None:
        self._source = source
        self._where = where
        self._trust = trust
        self._child: subprocess.Popen[str] | None = None
        self._dead = ""
        self._known: dict[tuple[str, int], tuple[Proxy | None, ...]] = {}
        self._failed: set[Proxy] = set()
        self._lock = Lock()

    def ways(self, host: str, port: int) -> tuple[Proxy | None, ...]:
        """Proxies to try in order, None being the straight way. Raises ProxyError without an answer."""
        with self._lock:
            found = self._known.get((host, port))
            if found is None:
                if len(self._known) >= _MAX_KNOWN:
                    self._known.clear()
                found = self._known[host, port] = self._asked(host, port)
            return tuple(sorted(found, key=lambda way: way in self._failed))

    def failed(self, proxy: Proxy) -> None:
        """It could not be used: others come before it from now on."""
        self._failed.add(proxy)

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.communicate()

    def __del__(self) -> None:
        self.close()

    def _asked(self, host: str, port: int) -> tuple[Proxy | None, ...]:
        if self._child is None and not self._dead:
            self._start()
        where = authority(host, port).removesuffix(":443")
        answer = self._say([f"https://{where}/", host])
        ways, unknown = parse_pac_answer(answer, self._where, self._trust)
        if not ways:
            text = (
                f"{self._where} names nothing that is spoken here for {host}: {', '.join(unknown)}"
            )
            raise proxy_error("pac", text)
        return ways

    def _start(self) -> None:
        program = Path(__file__).with_name("pac_child.py")
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._child = subprocess.Popen(
            python(str(program)), env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._say(self._source)
        except ProxyError as error:
            self._dead = self._dead or error.message.partition("gives no answer: ")[2]
            self.close()
            raise

    def _say(self, words: object) -> str:
        """One question's answer. Raises ProxyError."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise self._without_answer(self._dead)
        watch = Timer(WALL_SECONDS, child.kill)
        watch.start()
        try:
            child.stdin.write(json.dumps(words) + "\n")
            child.stdin.flush()
            said = json.loads(child.stdout.readline(1 << 16))
        except (OSError, ValueError):
            self._dead = "it was ended for taking too much time or memory"
            self.close()
            raise self._without_answer(self._dead) from None
        finally:
            watch.cancel()
        if "error" in said:
            raise self._without_answer(_one_line(str(said["error"])))
        return str(said["answer"])

    def _without_answer(self, why: str) -> ProxyError:
        return proxy_error("pac", f"{self._where} gives no answer: {why}")


def _source(url: str, where: str, trust: Path | None) -> str:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        if "@" in parts.netloc:
            raise ConfigError(
                where, "a PAC file is fetched without a login: leave user and password out"
            )
        with ThreadPoolExecutor(1) as aside:  # a loop may be running here already
            data = aside.submit(asyncio.run, _fetched(url, trust)).result()
        return data.decode("utf-8", "replace")
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise ConfigError(
            where, "is no place of a PAC file", remedy="write pac+file:///path or pac+https://..."
        )
    path = unquote(parts.path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_SOURCE + 1)
    except OSError as error:
        raise ConfigError(where, f"no PAC file {path}: {error.strerror}") from None
    if len(data) > MAX_SOURCE:
        raise ConfigError(where, f"the PAC file {path} is larger than {MAX_SOURCE >> 20} MiB")
    return data.decode("utf-8", "replace")


async def _fetched(url: str, trust: Path | None) -> bytes:
    """Straight from where it is: no proxy is known yet."""
    from detector.net.fetch import Fetcher, FetchOptions

    async with Fetcher(FetchOptions(timeout=10.0, attempts=2, trust=trust, http2=False)) as fetch:
        return (await fetch.get(url, limit=MAX_SOURCE)).body


def _one_line(text: str) -> str:
    line = next((one.strip() for one in text.splitlines() if one.strip()), "")
    return "".join(c if c.isprintable() else "." for c in line)[:120]
