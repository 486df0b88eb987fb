"""mitmproxy addon: hosts that the rules name pass through undecrypted, everything else is inspected.

The decision is made in `next_layer`, once the ClientHello is there and before anything of TLS is. Hooks look
at memory only; the keeper's thread reads files and the store.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mitmproxy import command, connection, ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import OptionsError
from mitmproxy.proxy import layer
from mitmproxy.tls import ClientHello

from addons.bypass.learning import LearningOptions
from addons.bypass.matcher import Arrival
from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger, shown
from addons.proxy.fingerprint import fingerprint
from addons.proxy.passing import (
    AwaitHello,
    Counted,
    Incomplete,
    PassingTcp,
    PassingUdp,
    Turned,
    read_hello,
)
from addons.store.bypass_store import RULES_VARIABLE, STORE_VARIABLE, default_path
from addons.store.keeper import Keeper, KeeperOptions
from addons.store.traffic import Passage
from detector import clock
from detector.errors import TlsightError

log = harmless_logger(__name__)
_MODES = ("observe", "suggest", "auto")
_STRINGS = {
    "bypass_rules": ("", "TOML file of rules kept by hand; empty for none."),
    "bypass_store": (
        "",
        "SQLite file of rules, attempts, candidates and decisions; empty for none.",
    ),
    "bypass_mode": (
        "observe",
        "observe: record; suggest: keep candidates for a person; auto: also let them through on trial.",
    ),
    "bypass_review": (
        "",
        "ADDRESS:PORT on loopback at which the review page is served; empty for none.",
    ),
    "bypass_weight": ("3", "Weight of refusals that makes a candidate; one by an alert weighs 1."),
    "bypass_half_life": ("7", "Days after which evidence weighs half."),
}
_NUMBERS = {
    "bypass_clients": (
        2,
        "Distinct clients that trust the proxy elsewhere and must refuse a host.",
    ),
    "bypass_trial": (30, "Minutes that a trial lasts in mode auto."),
    "bypass_pause": (24, "Hours between two trials of one host."),
    "bypass_keep_days": (30, "Days for which attempts are kept one by one."),
}


class Bypass:
    """Options `bypass_*`. Commands: `bypass.reload`, `bypass.count`, `bypass.candidates`, `bypass.dropped`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        # By client: what passes now, since when, and by which rule.
        self._passing: dict[str, list[tuple[Counted, float, str, Rule]]] = {}
        self._stop_review: Callable[[], None] | None = None
        self._running = False

    def load(self, loader: Loader) -> None:
        defaults = {
            "bypass_store": os.environ.get(STORE_VARIABLE) or str(default_path(os.environ)),
            "bypass_rules": os.environ.get(RULES_VARIABLE, ""),
        }
        for name, (default, text) in _STRINGS.items():
            value = defaults.get(name, default)
            choices = _MODES if name == "bypass_mode" else None
            loader.add_option(name, str, value, text, choices)
        for name, (number, text) in _NUMBERS.items():
            loader.add_option(name, int, number, text)
        try:
            # mitmproxy does the same next, but drops an addon that fails there without a word.
            ctx.options.process_deferred()
        except (OptionsError, TypeError) as error:
            log.error("tlsight: %s", error)  # noqa: TRY400 (at the start this ends mitmproxy)

    def configure(self, updated: set[str]) -> None:
        if not any(name in updated for name in (*_STRINGS, *_NUMBERS)):
            return
        try:
            options = _options()
        except OptionsError as error:
            if self._running:
                raise
            log.error("tlsight: %s", error)  # noqa: TRY400 (at the start this ends mitmproxy)
        else:
            self._keeper.set_up(options)

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
        for client in list(self._passing):
            self._account(client)
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
        if rule.action == "block":
            asked.layer = Turned(asked.context)
        else:
            self._let_through(asked, name, rule)

    def client_disconnected(self, client: connection.Client) -> None:
        self._account(client.id)

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
        counted, client = Counted(), asked.context.client
        tcp = client.transport_protocol == "tcp"
        asked.layer = (PassingTcp if tcp else PassingUdp)(asked.context, counted)
        self._passing.setdefault(client.id, []).append((counted, clock.stopwatch(), name, rule))

    def _account(self, client: str) -> None:
        for counted, since, name, rule in self._passing.pop(client, ()):
            seconds = round(clock.stopwatch() - since, 3)
            at = datetime.now(UTC)
            self._keeper.put(
                Passage(at, name.lower(), rule.pattern, counted.up, counted.down, seconds)
            )


def _options() -> KeeperOptions:
    o = ctx.options
    if o.bypass_mode not in _MODES:  # mitmproxy keeps the choices for its menus
        why = f"bypass_mode: {o.bypass_mode!r} is none of {', '.join(_MODES)}"
        raise OptionsError(why)  # type: ignore[no-untyped-call]
    try:
        weight, half_life = float(o.bypass_weight), float(o.bypass_half_life)
        if weight <= 0 or half_life <= 0 or o.bypass_clients < 1 or o.bypass_keep_days < 1:
            raise ValueError("must be above zero")
        learning = LearningOptions(
            clients=o.bypass_clients, weight=weight, half_life=timedelta(days=half_life)
        )
        return KeeperOptions(
            rules=_file(o.bypass_rules),
            store=_file(o.bypass_store),
            mode=o.bypass_mode,
            learning=learning,
            trial=timedelta(minutes=o.bypass_trial),
            pause=timedelta(hours=o.bypass_pause),
            keep_days=o.bypass_keep_days,
        )
    except (ValueError, OverflowError) as error:
        raise OptionsError(f"bypass_*: {error}") from None  # type: ignore[no-untyped-call]


def _file(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
