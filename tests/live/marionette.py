"""Firefox's own remote protocol, as far as reading an error page needs it.

Source: firefox-source-docs, "Marionette: Protocol": JSON arrays with their length in front.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from tests.live.programs import find, free_port

_PATIENCE = 60.0
# All text of the page, that of its components and of what a click would show included.
_TEXT = """
const text = node => {
  if (node.nodeType === 3) return node.data;
  if (/^(STYLE|SCRIPT|TEMPLATE)$/.test(node.nodeName)) return "";
  const roots = node.shadowRoot ? [node.shadowRoot] : [];
  return [...roots, ...node.childNodes].map(text).join(" ");
};
return document.documentURI + " " + text(document.documentElement).replace(/\\s+/g, " ");
"""


def read_page(
    profile: Path, url: str, proxy: str | None = None, picture: Path | None = None
) -> str:
    """What a person would read at `url`, in a Firefox with this profile, error code included; through an
    HTTP proxy (host:port) if there is one. What he would see goes to `picture`, a file of PNG.
    """
    port = free_port()
    settings = {
        "marionette.port": port,
        "datareporting.policy.dataSubmissionEnabled": False,
        "app.update.disabledForTesting": True,
        "network.dns.disableIPv6": True,
        "network.captive-portal-service.enabled": False,
        "browser.ssl_override_behavior": 2,
        "browser.xul.error_pages.expert_bad_cert": True,
    }
    if proxy is not None:
        host, _, number = proxy.partition(":")
        settings |= {
            "network.proxy.type": 1,
            "network.proxy.ssl": host,
            "network.proxy.ssl_port": int(number),
            "network.proxy.allow_hijacking_localhost": True,
        }
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in settings.items())
    (profile / "user.js").write_text("\n".join(lines))
    command = [
        find("firefox-esr"), "--headless", "--no-remote", "--marionette", "--profile", str(profile),
    ]  # fmt: skip
    clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, env={**clean, "HOME": str(profile)}
    ) as browser:
        try:
            with _Session(port) as session:
                said = session.ask("WebDriver:Navigate", {"url": url})
                page = session.ask("WebDriver:ExecuteScript", {"script": _TEXT, "args": []})
                deadline = time.monotonic() + 2
                # The page is put together in its own time.
                while said != "None" and "ERROR" not in page and time.monotonic() < deadline:
                    time.sleep(0.1)
                    page = session.ask("WebDriver:ExecuteScript", {"script": _TEXT, "args": []})
                if picture is not None:
                    shot = session.ask("WebDriver:TakeScreenshot", {"full": True, "hash": False})
                    picture.write_bytes(base64.b64decode(shot))
        finally:
            browser.terminate()
    return f"{said}\n{page}"


class _Session:
    def __init__(self, port: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        self._file = self._socket.makefile("rb")
        self._number = 0

    def __enter__(self) -> Self:
        self._read()  # the greeting
        self.ask("WebDriver:NewSession", {"pageLoadStrategy": "normal"})
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, name: str, parameters: dict[str, Any]) -> str:
        """The answer, or the error, as text."""
        self._number += 1
        text = json.dumps([0, self._number, name, parameters])
        self._socket.sendall(f"{len(text)}:{text}".encode())
        _, _, error, result = self._read()
        if error:
            return f"{error['error']}: {error['message']}"
        return str(result.get("value", "")) if isinstance(result, dict) else str(result)

    def _read(self) -> Any:
        digits = b""
        while (one := self._file.read(1)) != b":":
            if not one:
                raise ConnectionError("Firefox went away")
            digits += one
        return json.loads(self._file.read(int(digits)))
