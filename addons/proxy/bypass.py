"""mitmproxy addon: hosts that the rules name pass through undecrypted, everything else is inspected.

The decision is made in `next_layer`, once the ClientHello is there and before anything of TLS is. Hooks look
at memory only; the keeper's thread reads files and the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mitmproxy import command, connection, ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import OptionsError
from mitmproxy.proxy import layer
from mitmproxy.tls import ClientHello

from addons.bypass.matcher import Arrival
from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger, shown
from addons.proxy import options
from addons.proxy.fingerprint import fingerprint
from addons.proxy.passages import Passages
from addons.proxy.passing import (
    AwaitHello,
    Incomplete,
    PassingTcp,
    PassingUdp,
    Turned,
    read_hello,
)
from addons.store.keeper import Keeper
from detector.errors import TlsightError

log = harmless_logger(__name__)


class Bypass:
    """Options `bypass_*`. Commands: `bypass.reload`, `bypass.count`, `bypass.candidates`, `bypass.dropped`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._passages = Passages(keeper)
        self._stop_review: Callable[[], None] | None = None
        self._running = False

    def load(self, loader: Loader) -> None:
        options.declare(loader)
        try:
            # mitmproxy does the same next, but drops an addon that fails there without a word.
            ctx.options.process_deferred()
        except (OptionsError, TypeError) as error:
            log.error("tlsight: %s", error)  # noqa: TRY400 (at the start this ends mitmproxy)

    def configure(self, updated: set[str]) -> None:
        if not updated & options.NAMES:
            return
        try:
            wanted = options.read()
        except OptionsError as error:
            if self._running:
                raise
            log.error("tlsight: %s", error)  # noqa: TRY400 (at the start this ends mitmproxy)
        else:
            self._keeper.set_up(wanted)

    def running(self) -> None:
        self._running = True
        self._keeper.start()
        path = self._keeper.options.store
        if ctx.options.bypass_review and path is not None and self._stop_review is None:
            from addons.review.server import start

            try:
                page, self._stop_review = start(path, ctx.options.bypass_review)
            except TlsightError as error:
                log.error("tlsight: no review page: %s", error)  # noqa: TRY400 (one line)
            else:
                log.warning("tlsight: review page at %s, token in %s", page.url, page.secret_file)

    def done(self) -> None:
        self._passages.close()
        if self._stop_review is not None:
            self._stop_review()
        self._keeper.close()

    def next_layer(self, asked: layer.NextLayer) -> None:
        matcher = self._keeper.matcher
        address = asked.context.server.address
        if matcher.count == 0 or address is None or asked.layer is not None:
            return
        try:
            hello = read_hello(asked)
        except Incomplete:
            if not isinstance(asked, AwaitHello):
                asked.layer = AwaitHello(asked.context)
            return
        if hello is None:
            return
        found = self._connection(asked, hello)
        rule = matcher.match(found, datetime.now(UTC).date())
        if rule is None or rule.action == "inspect":
            return
        name = found.sni or found.host or ""
        what = "is blocked" if rule.action == "block" else "passes through"
        # The SNI is the client's word; where its bytes go is not.
        where = f"{address[0]}:{address[1]}"
        log.info("tlsight: %s %s to %s: %s (%s)", name, what, where, rule.pattern, rule.reason)
        self._keeper.heart.decide(name, rule.action, rule.pattern)
        if rule.action == "block":
            asked.layer = Turned(asked.context)
        else:
            self._let_through(asked, name, rule)

    def client_disconnected(self, client: connection.Client) -> None:
        self._passages.end(client.id)

    @command.command("bypass.reload")  # type: ignore[untyped-decorator]
    def reload(self) -> None:
        """Read the rules again now."""
        self._keeper.reload()

    @command.command("bypass.count")  # type: ignore[untyped-decorator]
    def count(self) -> int:
        """How many rules are in force."""
        return self._keeper.matcher.count

    @command.command("bypass.candidates")  # type: ignore[untyped-decorator]
    def candidates(self) -> Sequence[str]:
        """Hosts that could be let through, and why; clients that lack the proxy's CA."""
        found = self._keeper.learned()
        hosts = [f"{one.host}: {one.kind}. {one.text}" for one in found.candidates]
        lacking = (f"{one.client}: lacks the proxy's CA" for one in found.lacking)
        return [shown(line) for line in (*hosts, *lacking)]

    @command.command("bypass.explain")  # type: ignore[untyped-decorator]
    def explain(self, host: str) -> Sequence[str]:
        """Which rules were considered for a host, and which decides."""
        today = datetime.now(UTC).date()
        told = self._keeper.matcher.considered(Arrival(host, None, None, 443), today)
        lines = [shown(f"{rule.action} {rule.pattern}: {why}") for rule, why in told]
        return lines or [f"{host} is inspected: no rule says otherwise"]

    @command.command("bypass.dropped")  # type: ignore[untyped-decorator]
    def dropped(self) -> int:
        """How many attempts could not be kept."""
        return self._keeper.dropped

    def _connection(self, asked: layer.NextLayer, hello: ClientHello) -> Arrival:
        server, client = asked.context.server, asked.context.client
        assert server.address is not None
        host, port = server.address[:2]
        return Arrival(
            hello.sni,
            host,
            server.peername[0] if server.peername else None,
            port,
            client.peername[0] if client.peername else None,
            fingerprint(hello, quic=client.transport_protocol == "udp")
            if self._keeper.matcher.uses_ja4
            else None,
        )

    def _let_through(self, asked: layer.NextLayer, name: str, rule: Rule) -> None:
        client = asked.context.client
        counted = self._passages.begin(client.id, name, rule)
        tcp = client.transport_protocol == "tcp"
        asked.layer = (PassingTcp if tcp else PassingUdp)(asked.context, counted)
