"""What `tlsight agent exporter` answers: /metrics, the agent's own, and /probe?target=HOST[:PORT]&module=NAME.

Theory of operation
-------------------
Who may ask a prober may make it dial. So as it comes it listens on loopback, and no name that leads to loopback, to a
link-local address or to where clouds keep a machine's credentials is dialled: the address that was judged is the one
that is dialled. Where it listens for others, targets have to be listed, in a file or by the module.

A scrape has its time (X-Prometheus-Scrape-Timeout-Seconds), and the answer is there half a second before it ends, else
Prometheus hears nothing instead of a failed probe. Only so many probes run at once; the rest wait within their own time.
A probe is one run of `check`: it asks canaries where a private CA answers for a public name.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path

import msgspec

from detector import clock
from detector.agent.exposition import collector
from detector.chain.certificate import Certificate
from detector.chain.names import as_address
from detector.errors import CertificateError, ConfigError, TargetError, TlsightError
from detector.judging.judge import examine
from detector.knowledge.hosts import host_pattern
from detector.knowledge.owners import Distrusted, read_ours
from detector.knowledge.rows import forbid_unknown, parse_toml, row_line, rows_of
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge
from detector.model.observation import Judgement, Target
from detector.model.targets import STARTTLS_PORTS, parse_target, read_targets
from detector.net.answering import Asked, Reply, is_loopback, listen_address
from detector.net.pointed import kind_of
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing
from detector.report import probe_metrics
from detector.report.prometheus import CONTENT_TYPE, exposition

_INNER = ("loopback", "link-local", "metadata", "nobody's", "multicast")
_NEVER = ("nobody's", "multicast")
_MAX_FILE = 4 << 20
_SPARE = 0.5  # s before the scrape's end
_LEAST, _USUAL, _LONGEST = 0.1, 10.0, 120.0
DEFAULT_MODULE = "tls"


class Module(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """A way to probe, [[module]] of a file.

    Attributes:
        name: what `module=` says.
        timeout: seconds for each step of the probe; the scrape's own time counts too.
        starttls: turn to TLS from smtp, imap and the like.
        proxy: URL of a proxy to go through, which resolves names by itself.
        inner: targets may lead to loopback, link-local and metadata addresses.
        allow_sanctioned: an interceptor that the policy allows is no failure.
        targets: patterns (example.com, .example.com, *.example.com) of hosts that may be asked; all where none is said.

    """

    name: str
    timeout: float = 5.0
    starttls: str | None = None
    proxy: str | None = None
    inner: bool = False
    allow_sanctioned: bool = False
    targets: tuple[str, ...] = ()


def load_modules(path: Path | None) -> dict[str, Module]:
    """The modules of a file beside the one that is always there, which it may replace. Raises ConfigError."""
    found = {DEFAULT_MODULE: Module(name=DEFAULT_MODULE)}
    if path is None:
        return found
    data, text = parse_toml(path, _ours(path))
    forbid_unknown(path, data, {"module"})
    seen = set()
    for index, row in enumerate(rows_of(path, data, text, "module", Module, required=True)):
        why = f"two modules are called {row.name!r}" if row.name in seen else _why_none(path, row)
        if why is not None:
            raise ConfigError(str(path), why, line=row_line(text, "module", index))
        seen.add(row.name)
        found[row.name] = row
    return found


def load_targets(path: Path) -> tuple[HostPattern, ...]:
    """Hosts that may be asked, a pattern a line. Raises ConfigError."""
    lines = _ours(path).decode("utf-8", "replace").splitlines()
    return tuple(host_pattern(path, text) for text in read_targets(lines))


def check_openness(
    listen: str, modules: Mapping[str, Module], allowed: Iterable[HostPattern]
) -> None:
    """Who listens for others has to say which targets they may name. Raises ConfigError."""
    host, _ = listen_address(listen)
    open_ones = sorted(name for name, module in modules.items() if not module.targets)
    if not is_loopback(host) and open_ones and not tuple(allowed):
        why = f"others may ask there, and module {open_ones[0]!r} names no targets: they could have any host dialled"
        remedy = "name them with --targets FILE, or by the module, or listen on 127.0.0.1"
        raise ConfigError(listen, why, remedy=remedy)


class Exporter:
    """Answers requests.

    Args:
        state: folder of the agent's state.
        known: gives what to judge with; asked for each probe.
        modules: by name.
        allowed: hosts that may be asked; all where there is none.
        at_once: probes under way.

    """

    def __init__(
        self,
        state: Path,
        known: Callable[[], Knowledge],
        modules: Mapping[str, Module],
        allowed: tuple[HostPattern, ...] = (),
        at_once: int = 8,
    ) -> None:
        self._state = state
        self._known = known
        self._modules = modules
        self._allowed = {
            name: tuple(host_pattern(Path(name), one) for one in module.targets)
            for name, module in modules.items()
        }
        self._all = allowed
        self._turns = asyncio.Semaphore(at_once)

    async def answer(self, asked: Asked) -> Reply:
        """One request's answer."""
        if asked.path == "/metrics":
            return Reply(200, await asyncio.to_thread(collector(self._state)), CONTENT_TYPE)
        if asked.path == "/probe":
            return await self._probe(asked)
        if asked.path == "/":
            return Reply(200, b"tlsight: /metrics and /probe?target=HOST[:PORT]&module=tls\n")
        return Reply(404, b"there are /metrics and /probe\n")

    async def _probe(self, asked: Asked) -> Reply:
        module = self._modules.get(asked.query.get("module", DEFAULT_MODULE))
        if module is None:
            return Reply(400, f"unknown module; known: {', '.join(self._modules)}\n".encode())
        try:
            limit = _seconds(asked.headers.get("x-prometheus-scrape-timeout-seconds"))
            target = parse_target(asked.query.get("target", ""), starttls=module.starttls)
        except ValueError:
            return Reply(400, b"X-Prometheus-Scrape-Timeout-Seconds is no number of seconds\n")
        except TargetError as error:
            return Reply(400, f"{error.message}\n".encode(errors="replace"))
        if not self._may_ask(target, module):
            return Reply(403, b"this target is not on the list\n")
        start = clock.stopwatch()
        try:
            async with asyncio.timeout(limit), self._turns:
                judgement = await judged(target, module, self._known())
        except TimeoutError:
            found = probe_metrics.failed(clock.stopwatch() - start)
        except TlsightError as error:
            return Reply(503, f"{error.message}\n".encode(errors="replace"))
        else:
            took = clock.stopwatch() - start
            path = verified(judgement, self._known())
            found = probe_metrics.families(
                judgement, path, took, allow_sanctioned=module.allow_sanctioned
            )
        return Reply(200, exposition(found), CONTENT_TYPE)

    def _may_ask(self, target: Target, module: Module) -> bool:
        lists = (self._all, self._allowed[module.name])
        return all(not one or any(p.matches(target.host) for p in one) for one in lists)


async def judged(target: Target, module: Module, known: Knowledge) -> Judgement:
    """One probe. Raises TlsightError."""
    from detector.runs.check import CheckRun

    options = ProbeOptions(
        timeout=module.timeout, routing=_routing(module), barred=None if module.inner else barred
    )
    async with aclosing(CheckRun(known, options).run((target,), 1)) as judgements:
        async for judgement in judgements:
            return judgement
    raise AssertionError("every target gives a judgement")


def barred(address: str) -> str | None:
    """Why an address is not dialled for who asks by HTTP."""
    read = as_address(address.partition("%")[0])
    kind = kind_of(read) if read is not None else "nobody's"
    return f"{address} is {kind}: not dialled for others" if kind in _INNER else None


def verified(judgement: Judgement, known: Knowledge) -> tuple[Certificate, ...]:
    """The path to a root that is trusted here, leaf first; empty where there is none."""
    with suppress(CertificateError):
        seen = examine(judgement.observation, known)
        if seen is not None and (seen.path.kind in ("public", "local") or seen.is_expected_private):
            return seen.path.certificates
    return ()


def _routing(module: Module) -> Routing:
    from detector.net.routes import parse_proxy

    return Routing(parse_proxy(module.proxy)) if module.proxy else Routing()


def _seconds(header: str | None) -> float:
    """For the probe, of the scrape's. Raises ValueError."""
    given = float(header) if header else _USUAL
    if not math.isfinite(given) or given < 0:
        raise ValueError(header)
    given = given or _USUAL
    return min(max(given - _SPARE, given / 2, _LEAST), _LONGEST)


def _why_none(path: Path, row: Module) -> str | None:
    if not _LEAST <= row.timeout <= _LONGEST:
        return f"module {row.name!r}: timeout is not between {_LEAST:g} and {_LONGEST:g} seconds"
    if row.starttls is not None and row.starttls not in STARTTLS_PORTS:
        return f"module {row.name!r}: starttls: {row.starttls!r} is none of {', '.join(STARTTLS_PORTS)}"
    try:
        _routing(row)
        for one in row.targets:
            host_pattern(path, one)
    except TlsightError as error:
        return f"module {row.name!r}: {error.message}"
    return None


def _ours(path: Path) -> bytes:
    try:
        data = read_ours(path, _MAX_FILE)
    except Distrusted as error:
        remedy = "make it yours or root's with chown, and chmod go-w"
        raise ConfigError(str(path), str(error), remedy=remedy) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(str(path), why, remedy="check the path and its permissions") from None
    if len(data) > _MAX_FILE:
        raise ConfigError(str(path), f"larger than {_MAX_FILE >> 20} MiB")
    return data
