"""mitmproxy addon: hosts of a rule file pass through undecrypted, everything else is inspected.

The file is looked at once a second and read outside the event loop; a broken or vanished file
leaves the last good rules in force and says so once. Hooks look at memory only.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

from mitmproxy import command, ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.tls import ClientHelloData, TlsData
from OpenSSL import SSL

from addons.bypass.matcher import Connection, Matcher
from addons.bypass.rule import load_rules
from addons.proxy.fingerprint import fingerprint
from detector.errors import ConfigError

log = logging.getLogger(__name__)
_EVERY = 1.0


class Bypass:
    """Options: `bypass_rules`. Commands: `bypass.reload`, `bypass.count`."""

    def __init__(self) -> None:
        self._matcher = Matcher()
        self._path: Path | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._complaint = ""
        self._watcher: asyncio.Task[None] | None = None
        self._blocked: set[str] = set()

    def load(self, loader: Loader) -> None:
        loader.add_option(
            name="bypass_rules",
            typespec=str,
            default="",
            help="TOML file of hosts that are passed through without decryption.",
        )

    def configure(self, updated: set[str]) -> None:
        if "bypass_rules" not in updated:
            return
        text = ctx.options.bypass_rules
        self._path = Path(text).expanduser() if text else None
        self._stamp = None
        self._reload()

    def running(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    def done(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()

    def tls_clienthello(self, data: ClientHelloData) -> None:
        server = data.context.server
        host, port = server.address[:2] if server.address else (None, 443)
        peer = server.peername[0] if server.peername else None
        client = data.context.client.peername[0] if data.context.client.peername else None
        print_of = fingerprint(data) if self._matcher.uses_ja4 else None
        connection = Connection(data.client_hello.sni, host, peer, port, client, print_of)
        rule = self._matcher.match(connection, datetime.now(UTC).date())
        if rule is None or rule.action == "inspect":
            return
        name = connection.sni or connection.host
        if rule.action == "block":
            self._blocked.add(data.context.client.id)
            log.info("tlsight: %s is blocked: %s (%s)", name, rule.pattern, rule.reason)
            return
        data.ignore_connection = True
        log.info("tlsight: %s passes through: %s (%s)", name, rule.pattern, rule.reason)

    def tls_start_client(self, data: TlsData) -> None:
        """A blocked client gets no handshake: a server without a certificate can make none."""
        if data.context.client.id in self._blocked:
            self._blocked.discard(data.context.client.id)
            data.ssl_conn = _refusing()

    @command.command("bypass.reload")  # type: ignore[untyped-decorator]
    def reload(self) -> None:
        """Read the rule file again now."""
        self._stamp = None
        self._reload()

    @command.command("bypass.count")  # type: ignore[untyped-decorator]
    def count(self) -> int:
        """How many rules are in force."""
        return self._matcher.count

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            await asyncio.to_thread(self._reload)

    def _reload(self) -> None:
        """Read the file if it changed. On any trouble the rules in force stay."""
        path = self._path
        if path is None:
            self._matcher = Matcher()
            return
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return
            rules = load_rules(path)
        except OSError as error:
            self._complain(f"{path}: {error.strerror}")
            return
        except ConfigError as error:
            self._stamp = stamp
            self._complain(str(error))
            return
        self._stamp = stamp
        self._complaint = ""
        self._matcher = Matcher(rules)
        log.info("tlsight: %d bypass rules in force from %s", len(rules), path)

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            kept = self._matcher.count
            log.error("tlsight: %s; the %d rules in force stay", text, kept)


def _refusing() -> SSL.Connection:
    """A server that has no certificate, and so no suite to agree to."""
    connection = SSL.Connection(SSL.Context(SSL.TLS_SERVER_METHOD))
    connection.set_accept_state()
    return connection
