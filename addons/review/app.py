"""The pages and what can be done on them. A handler opens the store, asks or decides, and renders."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import msgspec
from markupsafe import Markup
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from addons.bypass.attempt import REMEDIES, classify
from addons.bypass.coverage import foretold
from addons.bypass.feed import is_stale
from addons.bypass.guarded import guarded
from addons.bypass.matcher import Matcher
from addons.bypass.pattern import end
from addons.bypass.reach import has_ended
from addons.bypass.rule import rule_of
from addons.bypass.safety import unsafe
from addons.bypass.scope import scopes
from addons.bypass.shown import shown
from addons.review import charts
from addons.review.access import COOKIE, Access, Gate
from addons.review.login import Login
from addons.review.people import Person
from addons.store.auditing import audited
from addons.store.bypass_store import BypassStore
from addons.store.stored import StoredCandidate
from detector.errors import ConfigError, TlsightError

_HERE = Path(__file__).parent
_LIVE_SECONDS = 1.0
_SHOWN = 50
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Review:
    """The application's handlers.

    Args:
        path: the store.
        access: who may.
        now: the clock.

    """

    def __init__(self, path: Path, access: Access, now: Callable[[], datetime]) -> None:
        self._path = path
        self._access = access
        self._now = now
        loader = jinja2.FileSystemLoader(_HERE / "templates")
        self._templates = jinja2.Environment(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            finalize=_harmless,
        )
        self._templates.filters["bytes"] = _bytes
        form = Login(access, self._templates.get_template("login.html"))
        self._login = form.__call__  # a function, as a route's handler has to be

    def app(self) -> Starlette:
        routes = [
            Route("/", self._page(self.candidates)),
            Route("/candidate/{host}", self._page(self.candidate)),
            Route("/candidate/{host}/{verb}", self._form(self.decide), methods=["POST"]),
            Route("/rules", self._page(self.rules)),
            Route("/rules/{verb}", self._form(self.end_rule), methods=["POST"]),
            Route("/audit", self._page(self.audit)),
            Route("/stats", self._page(self.stats)),
            Route("/live", self.live),
            Route("/metrics", self.metrics),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/logout", self._form(self.logout), methods=["POST"]),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]
        return Starlette(routes=routes, middleware=[Middleware(Gate, self._access)])

    # Pages: a store in, a template and its values out.

    def candidates(self, store: BypassStore, _: Request) -> tuple[str, dict[str, object]]:
        known = store.candidates()
        since = self._days_ago(30)
        rows = [
            {"one": one, "spark": self._spark(store, one, since)}
            for one in known
            if one.state == "pending"
        ]
        return "candidates.html", {
            "rows": rows,
            "decided": [o for o in known if o.state != "pending"],
        }

    def candidate(self, store: BypassStore, request: Request) -> tuple[str, dict[str, object]]:
        host = request.path_params["host"]
        found = store.known(host)
        others = [one.candidate for one in store.candidates("pending")]
        seen, leaves, now = store.traffic.hosts(), store.leaves.all(), self._now()
        proposed = scopes(found.candidate, others, seen)
        rules = Matcher((one.rule for one in store.rules()), store.feeds.rules())
        attempts = list(store.traffic.attempts(host, _SHOWN))
        days = store.traffic.classes(host, self._days_ago(30))
        label = f"Attempts on {host} by day"
        return "candidate.html", {
            "one": found,
            "scopes": [
                (one, foretold(rule_of(one.row), rules, leaves, seen, now)) for one in proposed
            ],
            "attempts": [(a, classify(a), REMEDIES[classify(a)]) for a in reversed(attempts)],
            "timeline": Markup(charts.timeline(days, label)),  # noqa: S704 (escaped there)
            "remedies": _remedies(found),
            "soonest": self._now().date() + timedelta(days=1),
            "usual": self._now().date() + timedelta(days=90),
        }

    def rules(self, store: BypassStore, _: Request) -> tuple[str, dict[str, object]]:
        uses = store.traffic.uses()
        now = self._now()
        rows = [
            (one, uses.get(one.rule.pattern), has_ended(one.rule, now)) for one in store.rules()
        ]
        return "rules.html", {"rows": rows, "unbound": store.unbound.counts()}

    def audit(self, store: BypassStore, _: Request) -> tuple[str, dict[str, object]]:
        entries = list(store.trail.entries(last=500))
        return "audit.html", {"entries": entries[::-1], "found": audited(store, self._now())}

    def stats(self, store: BypassStore, _: Request) -> tuple[str, dict[str, object]]:
        days = store.traffic.days(self._days_ago(60))
        share = [(d.day, d.passed / max(d.passed + d.inspected, 1)) for d in days]
        label = "Share of connections that were not inspected, by day"
        totals = [(kind, n, REMEDIES[kind]) for kind, n in store.traffic.totals().items()]
        plot = Markup(charts.shares(share, label))  # noqa: S704 (escaped there)
        return "stats.html", {"days": days[::-1], "plot": plot, "totals": totals}

    # Decisions: the path to go to afterwards, and what to say there.

    def decide(self, store: BypassStore, request: Request, form: dict[str, str]) -> tuple[str, str]:
        host, verb = request.path_params["host"], request.path_params["verb"]
        if verb == "approve":
            rule = self._approve(store, host, form)
            return "/rules", f"{rule} passes from now on."
        if verb == "reject":
            store.reject(host, form.get("reason", ""))
            return "/", f"{host} stays inspected."
        if verb == "snooze":
            store.snooze(host, self._now() + timedelta(days=_number(form.get("days", "7"))))
            return "/", f"{host} comes back later."
        raise ConfigError(verb, "is nothing that can be decided")

    def end_rule(
        self, store: BypassStore, request: Request, form: dict[str, str]
    ) -> tuple[str, str]:
        pattern, verb = form.get("pattern", ""), request.path_params["verb"]
        if verb == "remove":
            store.remove_rule(pattern, form.get("reason", ""))
            return "/rules", f"{pattern} is removed."
        store.expire_rule(pattern, form.get("reason", ""))
        return "/rules", f"{pattern} has ended: its hosts are inspected."

    def logout(self, _: BypassStore, request: Request, __: dict[str, str]) -> tuple[str, str]:
        self._access.sessions.pop(request.cookies.get(COOKIE, ""), None)
        return "/login", ""

    # Others.

    async def live(self, request: Request) -> Response:
        """Server-sent events: "changed" whenever a candidate or a decision did."""

        async def events() -> AsyncIterator[str]:
            last = ""
            yield "retry: 2000\n\n"
            while not await request.is_disconnected():
                with contextlib.suppress(TlsightError):
                    stamp = await run_in_threadpool(self._stamp)
                    if last and stamp != last:
                        yield f"event: changed\ndata: {stamp}\n\n"
                    last = stamp
                await asyncio.sleep(_LIVE_SECONDS)

        return StreamingResponse(events(), media_type="text/event-stream")

    async def metrics(self, _: Request) -> Response:
        """For Prometheus, which gives its token as a bearer."""
        body = await run_in_threadpool(self._metrics)
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    # What they are made of.

    def _approve(self, store: BypassStore, host: str, form: dict[str, str]) -> str:
        found = store.known(host)
        others = [one.candidate for one in store.candidates("pending")]
        proposed = scopes(found.candidate, others, ())
        chosen = next((s for s in proposed if s.pattern == form.get("scope")), None)
        if chosen is None:
            raise ConfigError("scope", "choose one of those proposed")
        row = msgspec.structs.replace(
            chosen.row,
            owner=form.get("owner", "").strip()[:200],
            reason=form.get("reason", "").strip()[:500],
            ticket=form.get("ticket", "").strip()[:200],
            expires=end(form.get("expires", ""), self._now()),
        )
        for finding in unsafe(rule_of(row), guarded()):
            raise ConfigError(
                chosen.pattern, finding.text.rstrip("."), remedy="bypass approve --force can"
            )
        return store.approve(host, row).pattern

    def _page(
        self, view: Callable[[BypassStore, Request], tuple[str, dict[str, object]]]
    ) -> Handler:
        def rendered(request: Request) -> Response:
            try:
                with self._store() as store:
                    name, values = view(store, request)
                    values["proxies"] = store.proxies.alive(self._now())
                status = 200
            except TlsightError as error:
                status = 404 if isinstance(error, ConfigError) else 503
                name, values = "problem.html", {"problem": str(error)}
            return HTMLResponse(self._render(request, name, values), status)

        async def handler(request: Request) -> Response:
            return await run_in_threadpool(rendered, request)

        return handler

    def _form(
        self, action: Callable[[BypassStore, Request, dict[str, str]], tuple[str, str]]
    ) -> Handler:
        def done(request: Request, form: dict[str, str]) -> Response:
            session = self._access.session(request)
            given = form.get("csrf", "")
            if session is None or not compare_digest(given.encode(), session.csrf.encode()):
                page = self._render(
                    request, "problem.html", {"problem": "The form is out of date."}
                )
                return HTMLResponse(page, 403)
            try:
                with self._store(session.person) as store:
                    where, said = action(store, request, form)
            except TlsightError as error:
                status = 400 if isinstance(error, ConfigError) else 503
                return HTMLResponse(
                    self._render(request, "problem.html", {"problem": str(error)}), status
                )
            return RedirectResponse(where + (f"?said={quote(said)}" if said else ""), 303)

        async def handler(request: Request) -> Response:
            return await run_in_threadpool(done, request, await _read_form(request))

        return handler

    def _render(self, request: Request, name: str, values: dict[str, object]) -> str:
        session = self._access.session(request)
        known = {
            "csrf": session.csrf if session else "",
            "said": request.query_params.get("said", "")[:300],
            "path": request.url.path,
            "store": str(self._path),
        }
        return self._templates.get_template(name).render({"proxies": None, **known, **values})

    def _store(self, person: Person | None = None) -> BypassStore:
        """For a person's decision, or to look."""
        if person is None:
            return BypassStore(self._path, self._now, "review page")
        return BypassStore(self._path, self._now, person.name, login=person.way)

    def _spark(self, store: BypassStore, one: StoredCandidate, since: str) -> Markup:
        host = one.candidate.host
        days = store.traffic.classes(host, since)
        today = self._now().date()
        names = [(today - timedelta(days=n)).isoformat() for n in range(29, -1, -1)]
        values = [
            sum(n for k, n in days.get(d, {}).items() if k not in ("trusted", "not-http"))
            for d in names
        ]
        return Markup(charts.sparkline(values, f"Failures on {host} in 30 days"))  # noqa: S704

    def _stamp(self) -> str:
        with self._store() as store:
            return store.stamp()

    def _metrics(self) -> bytes:
        registry = CollectorRegistry()
        rules = Gauge("tlsight_bypass_rules", "Rules in force", registry=registry)
        pending = Gauge("tlsight_bypass_candidates", "Candidates to decide on", registry=registry)
        attempts = Gauge("tlsight_bypass_attempts", "TLS attempts", ["class"], registry=registry)
        passed = Gauge("tlsight_bypass_passed", "Connections let through", registry=registry)
        size = Gauge("tlsight_bypass_passed_bytes", "Bytes let through", registry=registry)
        lists = Gauge("tlsight_bypass_feed_rules", "Rules in force", ["feed"], registry=registry)
        age = Gauge(
            "tlsight_bypass_feed_age_seconds",
            "Since its source confirmed it",
            ["feed"],
            registry=registry,
        )
        stale = Gauge(
            "tlsight_bypass_feed_stale", "1 for a stale feed", ["feed"], registry=registry
        )
        waits = Gauge(
            "tlsight_bypass_feed_waiting", "1 where a list waits", ["feed"], registry=registry
        )
        with self._store() as store:
            for name, feed in store.feeds.all().items():
                kept = feed.accepted
                lists.labels(name).set(kept.count if kept is not None else 0)
                stale.labels(name).set(is_stale(feed, self._now()))
                waits.labels(name).set(feed.waiting is not None)
                if kept is not None:
                    since = self._now() - (feed.confirmed or kept.fetched)
                    age.labels(name).set(since.total_seconds())
            rules.set(len(store.rules()))
            pending.set(len(store.candidates("pending")))
            for kind, count in store.traffic.totals().items():
                attempts.labels(kind).set(count)
            uses = store.traffic.uses().values()
            passed.set(sum(use.connections for use in uses))
            size.set(sum(use.up + use.down for use in uses))
        return generate_latest(registry)

    def _days_ago(self, days: int) -> str:
        return (self._now().date() - timedelta(days=days)).isoformat()


async def _read_form(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=20) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


def _harmless(value: object) -> object:
    """What clients and people wrote; markup of ours stays as it is."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _remedies(found: StoredCandidate) -> list[str]:
    """What else than a bypass would help."""
    return {
        "certificate-pinned": ["Ask the app's vendor for a build that trusts the company's CA."],
        "upstream-mtls": [
            "Give mitmproxy the client's certificate: --set client_certs=FOLDER; then it can go on inspecting."
        ],
        "upstream-version": [
            "Ask the server's owner for TLS 1.2, or lower tls_version_server_min for it."
        ],
    }[found.candidate.kind]


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= 365:
        raise ConfigError("days", f"{text!r} is no number between 1 and 365")
    return int(text)


def _bytes(size: int) -> str:
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
