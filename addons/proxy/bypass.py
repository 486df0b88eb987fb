"""mitmproxy addon: hosts that the rules name pass through undecrypted, everything else is inspected.

The decision is made in `next_layer`, once the ClientHello is there and before anything of TLS is. Hooks look
at memory only; the keeper's thread reads files and the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from mitmproxy import command, connection, ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import OptionsError
from mitmproxy.proxy import layer
from mitmproxy.tls import ClientHello

from addons.bypass.binding import is_by_name
from addons.bypass.matcher import Arrival, Decision, name_of
from addons.bypass.outer import is_outer
from addons.bypass.pattern import arrival
from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger, shown
from addons.proxy import options
from addons.proxy.binder import Binder
from addons.proxy.fingerprint import fingerprint
from addons.proxy.passages import Passages
from addons.proxy.passing import (
    AwaitHello,
    Incomplete,
    PassingTcp,
    PassingUdp,
    Turned,
    is_of_no_version,
    is_too_short,
    read_hello,
)
from addons.proxy.proving import prove
from addons.proxy.refusal import Ended
from addons.proxy.resolver import Resolver
from addons.proxy.way import Way
from addons.store.keeper import Keeper
from addons.store.unbound import Unbound
from detector.errors import TargetError, TlsightError

log = harmless_logger(__name__)
_ECH = 0xFE0D  # RFC 9849
_WAIT = 5.0  # seconds, for all that a decision asks of the network


class Bypass:
    """Options `bypass_*`. Commands: `bypass.reload`, `bypass.count`, `bypass.candidates`, `bypass.dropped`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._binding = options.BindingOptions()
        self._binder = Binder(Resolver(), prove)
        self._passages = Passages(keeper)
        self._stop_review: Callable[[], None] | None = None
        self._running = False

    def load(self, loader: Loader) -> None:
        options.declare(loader)
        try:
            # mitmproxy does the same next, but drops an addon that fails there without a word.
            options.settle()
        except (OptionsError, TypeError) as error:
            log.error("tlsight: %s", error)  # noqa: TRY400 (at the start this ends mitmproxy)

    def configure(self, updated: set[str]) -> None:
        if not updated & options.NAMES:
            return
        try:
            wanted, binding = options.read(), options.read_binding()
        except OptionsError as error:
            if self._running:
                raise
            log.error("tlsight: %s", error)  # noqa: TRY400 (at the start this ends mitmproxy)
        else:
            self._keeper.set_up(wanted)
            if binding != self._binding:
                self._binding = binding
                self._binder = Binder(Resolver(binding.servers), prove, binding.verify)

    def running(self) -> None:
        self._running = True
        self._binder.resolver.begin()
        self._keeper.start()
        path = self._keeper.options.store
        if ctx.options.bypass_review and path is not None and self._stop_review is None:
            from addons.review.server import start

            try:
                page, self._stop_review = start(path, ctx.options.bypass_review)
            except TlsightError as error:
                log.error("tlsight: no review page: %s", error)  # noqa: TRY400 (one line)
            else:
                log.warning("tlsight: review page at %s, %s", page.url, page.way_in)

    def done(self) -> None:
        self._passages.close()
        if self._stop_review is not None:
            self._stop_review()
        self._keeper.close()

    async def next_layer(self, asked: layer.NextLayer) -> None:
        if asked.context.server.address is None or asked.layer is not None:
            return
        if is_of_no_version(asked):
            asked.layer = Turned(asked.context)
            return
        if self._keeper.matcher.count == 0 and not is_too_short(asked):
            return
        try:
            hello = read_hello(asked)
        except Incomplete:
            if not isinstance(asked, AwaitHello):
                asked.layer = AwaitHello(asked.context)
            return
        if hello is None:
            return
        try:
            async with asyncio.timeout(_WAIT):
                await self._decide(asked, hello)
        except TimeoutError:
            log.warning("tlsight: %s is inspected: nobody could tell in time", hello.sni)

    async def is_bound(
        self, name: str, asked: str | None, address: str | None, client: str
    ) -> bool | None:
        """Whether a name that a client claimed is bound to where it went; None where nobody can tell."""
        return await self._binder.is_bound(name, asked, address, client)

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
        # mitmproxy's console fails on an empty list.
        return [shown(line) for line in (*hosts, *lacking)] or ["no candidates"]

    @command.command("bypass.explain")  # type: ignore[untyped-decorator]
    def explain(self, host: str) -> Sequence[str]:
        """Which rules were considered for a host or an address, and which decides."""
        try:
            connection = arrival(host)
        except TargetError as error:
            return [shown(str(error))]
        told = self._keeper.matcher.considered(connection, datetime.now(UTC))
        lines = [
            shown(f"{rule.action} {rule.pattern}: {why} ({rule.reason})" if rule.reason else
                  f"{rule.action} {rule.pattern}: {why}")
            for rule, why in told
        ]  # fmt: skip
        decides = self._decision(connection).rule
        if decides is None or decides.action == "inspect":
            lines += map(shown, self._keeper.heart.mitmproxys(host, connection.port))
        return lines or [shown(f"{host} is inspected: no rule says otherwise")]

    @command.command("bypass.dropped")  # type: ignore[untyped-decorator]
    def dropped(self) -> int:
        """How many attempts could not be kept."""
        return self._keeper.dropped

    async def _decide(self, asked: layer.NextLayer, hello: ClientHello) -> None:
        """Rules first; then, of what would pass, whether its name is bound to where it goes."""
        way = Way(asked.context)
        found = self._arrival(asked, hello, way)
        name = found.sni or way.asked or ""
        rule, but, why = self._decision(found)
        is_placed = True
        ranges_first = rule is None or self._keeper.matcher.is_behind_ranges(rule)
        if ranges_first and self._needs_address(way):
            # Without a connection yet the range that decides is that of an address we choose.
            places = await self._binder.resolver.addresses(way.asked or "", found.client or "")
            is_placed = bool(places)
            found = msgspec.structs.replace(found, address=places[0] if places else None)
            rule, but, why = self._decision(found)
            if rule is not None and rule.action == "pass" and found.address is not None:
                way.go_to(found.address)
        if but is not None:
            self._inspect(name, way, but, why)
        if rule is None or rule.action == "inspect":
            return
        if rule.action == "block":
            log.info("tlsight: %s is blocked, to %s: %s (%s)", name, way, rule.pattern, rule.reason)
            self._keeper.heart.decide(name, "block", rule.pattern)
            asked.layer = Turned(asked.context)
            return
        if not is_placed:
            why = f"nobody could tell where {way.asked} is, and a rule for addresses may come first"
            self._inspect(name, way, rule, why)
            return
        claim = way.claim(found.sni)
        claimed = is_by_name(rule) and rule.bind != "none"
        client = found.client or ""
        if claimed and _has_ech(hello) and await self._is_outer(name, client):
            why = f"{name} stands for names that the hello hides (ECH)"
            self._inspect(name, way, rule, why)
            return
        bound = await self._binder.bind(claim, rule, way.port, client)
        if bound.state in ("unbound", "unknown"):
            self._inspect(name, way, rule, bound.why)
            return
        # Where it goes now, by the rules as they are now: both may have changed while we waited.
        if bound.to is not None:
            found = msgspec.structs.replace(found, address=bound.to)
        decides = self._decision(found).rule
        if decides is None or decides.action != "pass":
            why = f"no rule passes it at {bound.to}" if bound.to else "the rules have changed"
            self._inspect(name, way, rule, why)
        elif not asked.context.client.connected:
            asked.layer = Ended(asked.context)  # it left, and nobody would end what is begun now
        elif asked.layer is None:
            self._keeper.heart.decide(name, rule.action, rule.pattern)
            where = str(way)
            given_up = way.go_to(bound.to) if bound.to is not None else None
            moved = "" if bound.to is None else f", moved to {bound.to}"
            log.info(
                "tlsight: %s passes through to %s%s: %s (%s)",
                name, where, moved, rule.pattern, rule.reason,
            )  # fmt: skip
            self._let_through(asked, found, rule, given_up)

    async def _is_outer(self, name: str, client: str) -> bool:
        return is_outer(name) or await self._binder.resolver.is_outer(name, client)

    def _decision(self, found: Arrival) -> Decision:
        return self._keeper.matcher.decide(found, datetime.now(UTC))

    def _arrival(self, asked: layer.NextLayer, hello: ClientHello, way: Way) -> Arrival:
        client = asked.context.client
        quic = client.transport_protocol == "udp"
        return Arrival(
            name_of(hello.sni),
            way.host,
            way.address,
            way.port,
            client.peername[0] if client.peername else None,
            fingerprint(hello, quic=quic) if self._keeper.matcher.uses_ja4 else None,
        )

    def _needs_address(self, way: Way) -> bool:
        return (
            self._keeper.matcher.uses_addresses
            and way.address is None
            and way.asked is not None
            and not way.upstream
        )

    def _inspect(self, name: str, way: Way, rule: Rule, why: str) -> None:
        """A rule would let it through, and nothing ties the name to where it goes."""
        log.warning(
            "tlsight: %s is inspected, to %s: %s; the rule %s", name, way, why, rule.pattern
        )
        self._keeper.heart.decide(name, "inspect", rule.pattern)
        self._keeper.put(Unbound(datetime.now(UTC), name, str(way), rule.pattern, why))

    def _let_through(
        self,
        asked: layer.NextLayer,
        found: Arrival,
        rule: Rule,
        given_up: connection.Server | None,
    ) -> None:
        client = asked.context.client
        counted = self._passages.begin(client, found, rule)
        tcp = client.transport_protocol == "tcp"
        asked.layer = (PassingTcp if tcp else PassingUdp)(asked.context, counted, given_up)


def _has_ech(hello: ClientHello) -> bool:
    """An encrypted hello, or made-up bytes in its place: nobody but the server can tell."""
    return any(kind == _ECH for kind, _ in hello.extensions)
