"""The agent's settings: one TOML file, strict, and ours to trust.

A file that somebody else could have written is refused (detector.knowledge.owners), as is every file that it names;
so is a key that nobody knows, with the line it stands in. Relative paths count from the settings' own folder. A
fleet's signed list "configuration" is a table [agent] too and wins over the file in what it may name: when, whom and
how much, never files, ways or sinks.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from detector.agent.budget import Limits
from detector.agent.own_page import PortalTable, is_plain
from detector.agent.sinks import KINDS
from detector.errors import ConfigError, TargetError
from detector.knowledge.folders import config_folder, system_config
from detector.knowledge.owners import Distrusted, distrusted, read_ours
from detector.knowledge.rows import UNKNOWN, parse_toml, row_line
from detector.model.observation import Target
from detector.model.targets import parse_target, read_targets

SYSTEM = system_config() / "agent.toml"
_MAX_FILE = 1 << 20
_MAX_HOSTS = 10_000
_OWN_IT = "make it yours or root's with chown, and chmod go-w"
_DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"([0-9]{1,9})(?:\.([0-9]))? ?(|k|M|G)B")
_BYTES = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3}
_SINK_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,31})")
_YEAR = 366 * 86400
_TABLES = ("agent", "sink", "metrics", "fleet")
# What a fleet may say of a device's agent.
_FLEET_MAY = frozenset(
    ("every", "canaries", "hosts", "name", "observations", "heartbeat", "budget", "trust")
)


# A key, or a table's header.
_KEY = re.compile(r'^[ \t]*(?:\[{1,2}(?:agent\.)?)?"?([\w-]+)"?[ \t]*[=\]]', re.MULTILINE)


class BudgetTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """[agent.budget]: percent of one core, bytes a day, resident bytes ("5 MB")."""

    processor: float = 0.1
    traffic: str | int = 5_000_000
    memory: str | int = 80_000_000


class AgentTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """[agent].

    Attributes:
        every: time between runs: seconds, or "30m", "1h", "1d".
        canaries: how many known-public hosts a run draws.
        hosts: more targets.
        hosts_file: file of more, one a line.
        hosts_from: hosts that this user's programs use, by where they keep them; see detector.agent.senses.used_hosts.
        tell_names: tell others the names of those hosts, too.
        policy, pins, issuers, roots, ct_logs: as of `tlsight check`.
        proxy: as of `tlsight check`; "none" goes straight whatever the environment says. Where it is set, sinks of the
            kinds http and otlp that name none of their own go by it, too.
        timeout: seconds for each step of a probe.
        name: tell the machine's name.
        observations: send with a finding what was seen, so that it can be judged again elsewhere.
        heartbeat: time between two signs of life.
        trust: audit this machine's trust, at a change and once a day.
        keep: how many bytes of events are kept for sinks that cannot be reached ("16 MB").
        portal: an own page to tell a captive portal by.

    """

    every: str | int = 3600
    canaries: int = 6
    hosts: tuple[str, ...] = ()
    hosts_file: str | None = None
    hosts_from: tuple[Literal["firefox", "chromium", "settings", "git"], ...] = ()
    tell_names: bool = False
    policy: str | None = None
    pins: str | None = None
    issuers: str | None = None
    roots: str | None = None
    ct_logs: str | None = None
    proxy: str | None = None
    timeout: float = 5.0
    name: bool = False
    observations: bool = True
    heartbeat: str | int = 3600
    trust: bool = True
    keep: str | int = 16_000_000
    budget: BudgetTable = BudgetTable()
    portal: PortalTable | None = None


class MetricsTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """[metrics]: where the exporter listens, host:port; "" nowhere."""

    listen: str = ""


class FleetTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """[fleet]: the file with the token that enrols this device (see detector.agent.joining)."""

    token_file: str = ""


class SinkSettings(msgspec.Struct, frozen=True):
    """One [[sink]]: the module that opens it, and what that module read."""

    name: str
    kind: str
    module: str
    settings: Any


class Settings(msgspec.Struct, frozen=True):
    """All of it, checked.

    Attributes:
        path: the file; None where there is none and all is as it comes.
        agent: the table, the fleet's word in it.
        every, heartbeat: seconds.
        keep: bytes.
        targets: the own list, that of the file included.
        files: what else it names that verdicts rest on, by key.

    """

    path: Path | None
    agent: AgentTable
    every: float
    heartbeat: float
    keep: int
    limits: Limits
    targets: tuple[Target, ...] = ()
    files: Mapping[str, Path] = {}
    sinks: tuple[SinkSettings, ...] = ()
    metrics: MetricsTable = MetricsTable()
    fleet: FleetTable = FleetTable()


def find(environment: Mapping[str, str], named: Path | None = None) -> Path | None:
    """Which file counts: the named one, else the system's, else the user's own; None where there is none."""
    if named is not None:
        return named
    own = config_folder(environment) / "agent.toml"
    return next((path for path in (SYSTEM, own) if path.exists()), None)


def load(path: Path | None, fleet: bytes | None = None) -> Settings:
    """The settings of a file, with the fleet's word where there is one. Raises ConfigError."""
    data: dict[str, Any] = {}
    text = ""
    if path is not None:
        data, text = parse_toml(path, _read(path))
    where = path or "agent.toml"
    unknown = [key for key in data if key not in _TABLES]
    if unknown:
        why = f"unknown table or key {unknown[0]!r}; known: {', '.join(_TABLES)}"
        raise ConfigError(str(where), why, line=_line(text, unknown[0]), remedy=UNKNOWN)
    agent = _convert(where, text, "agent", data.get("agent", {}), AgentTable)
    checked = _checked(where, text, path, agent)
    if fleet is not None:
        checked = with_fleet(checked, fleet)
    return msgspec.structs.replace(
        checked,
        sinks=_sinks(where, text, data.get("sink", [])),
        metrics=_convert(where, text, "metrics", data.get("metrics", {}), MetricsTable),
        fleet=_convert(where, text, "fleet", data.get("fleet", {}), FleetTable),
    )


def with_fleet(settings: Settings, body: bytes) -> Settings:
    """The settings with a fleet's list "configuration" over them. Raises ConfigError."""
    where = "the fleet's configuration"
    if len(body) > _MAX_FILE:
        raise ConfigError(where, "larger than 1 MiB")
    data, text = parse_toml(where, body)
    table = data.get("agent", {})
    barred = [key for key in data if key != "agent"]
    if isinstance(table, dict):
        barred += [key for key in table if key not in _FLEET_MAY]
    if barred:
        raise ConfigError(where, f"a fleet may not set {barred[0]!r}", line=_line(text, barred[0]))
    said = _convert(where, text, "agent", table, AgentTable)
    named = {key: getattr(said, key) for key in table}
    merged = msgspec.structs.replace(settings.agent, **named)
    found = _checked(where, text, settings.path, merged)
    return msgspec.structs.replace(found, sinks=settings.sinks, metrics=settings.metrics)


def seconds(value: str | int) -> float:
    """Of a time: seconds, or "30m". Raises ValueError."""
    if isinstance(value, int):
        found = value
    else:
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is no time; write for example 30m, 1h or 1d")
        found = int(match[1]) * _SECONDS[match[2]]
    if not 0 < found <= _YEAR:
        raise ValueError(f"{value!r} is not between a second and a year")
    return float(found)


def size(value: str | int) -> int:
    """Of an amount of bytes: a number, or "5 MB". Raises ValueError."""
    if isinstance(value, int):
        found = value
    else:
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is no amount of bytes; write for example 5 MB")
        unit = _BYTES[match[3]]
        found = int(match[1]) * unit + int(match[2] or 0) * unit // 10
    if found <= 0:
        raise ValueError(f"{value!r} is nothing")
    return found


def _read(path: Path) -> bytes:
    try:
        data = read_ours(path, _MAX_FILE)
    except Distrusted as error:
        raise ConfigError(str(path), str(error), remedy=_OWN_IT) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(str(path), why, remedy="check the path and its permissions") from None
    if len(data) > _MAX_FILE:
        raise ConfigError(str(path), "larger than 1 MiB")
    return data


def _checked(where: Path | str, text: str, path: Path | None, agent: AgentTable) -> Settings:
    """What msgspec does not check."""

    def demand(key: str, good: bool, why: str) -> None:
        if not good:
            raise ConfigError(str(where), f"[agent] {key}: {why}", line=_line(text, key))

    def read[T](key: str, work: Any, value: T) -> Any:
        try:
            return work(value)
        except (ValueError, TargetError) as error:
            why = f"[agent] {key}: {error}"
            raise ConfigError(str(where), why, line=_line(text, key)) from None

    demand("canaries", 0 <= agent.canaries <= 100, "is not between 0 and 100")
    demand("timeout", 0.05 <= agent.timeout <= 60, "is not between 0.05 and 60 seconds")
    if agent.portal is not None:
        good = is_plain(agent.portal.url)
        demand("portal", good, f"url: {agent.portal.url!r} is no http://HOST/...")
        demand("portal", 100 <= agent.portal.status <= 599, "status is none of HTTP's")
    keep = read("keep", size, agent.keep)
    demand("keep", keep >= 1_000_000, "is less than 1 MB")
    demand("processor", 0 < agent.budget.processor <= 100, "is not between 0 and 100 percent")
    demand("hosts", len(agent.hosts) <= _MAX_HOSTS, f"are more than {_MAX_HOSTS}")
    limits = Limits(
        agent.budget.processor,
        read("traffic", size, agent.budget.traffic),
        read("memory", size, agent.budget.memory),
    )
    every = read("every", seconds, agent.every)
    demand("every", every >= 10, "is less than 10 seconds")
    targets = [read("hosts", parse_target, host) for host in agent.hosts]
    files = {}
    for key in ("policy", "pins", "issuers", "roots", "ct_logs", "hosts_file"):
        if (named := getattr(agent, key)) is not None:
            shown = key.replace("_", "-")
            files[key] = _ours(where, text, shown, _from(path, named))
    if "hosts_file" in files:
        targets += _listed(files["hosts_file"])
    if not targets and not agent.canaries and not agent.hosts_from:
        raise ConfigError(str(where), "neither canaries nor hosts: nothing would be asked")
    return Settings(
        path, agent, every, read("heartbeat", seconds, agent.heartbeat), keep, limits,
        tuple(dict.fromkeys(targets)), files,
    )  # fmt: skip


def _from(path: Path | None, named: str) -> Path:
    return path.parent / named if path is not None else Path(named)


def _ours(where: Path | str, text: str, key: str, named: Path) -> Path:
    """A file that the settings name is held to the same as they are."""
    try:
        why = distrusted(named.stat())
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(str(where), f"{key}: {named}: {why}", line=_line(text, key)) from None
    if why is not None:
        line = _line(text, key)
        raise ConfigError(str(where), f"{key}: {named}: {why}", line=line, remedy=_OWN_IT)
    return named


def _listed(path: Path) -> list[Target]:
    lines = _read(path).decode("utf-8", "replace").splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        for text in read_targets((line,)):
            try:
                found.append(parse_target(text))
            except TargetError as error:
                raise ConfigError(str(path), str(error), line=number) from None
    if len(found) > _MAX_HOSTS:
        raise ConfigError(str(path), f"more than {_MAX_HOSTS} targets")
    return found


def _sinks(where: Path | str, text: str, rows: Any) -> tuple[SinkSettings, ...]:
    if not isinstance(rows, list):
        raise ConfigError(str(where), "write [[sink]], once for each", line=_line(text, "sink"))
    found: dict[str, SinkSettings] = {}
    for index, row in enumerate(rows):
        line = row_line(text, "sink", index)
        if not isinstance(row, dict) or row.get("kind") not in KINDS:
            why = f"[[sink]] kind is one of {', '.join(KINDS)}"
            raise ConfigError(str(where), why, line=line)
        kind = row["kind"]
        name = row.get("name", kind)
        if not isinstance(name, str) or not _SINK_NAME.fullmatch(name):
            why = "[[sink]] name: lower-case letters, digits and -, at most 32"
            raise ConfigError(str(where), why, line=line)
        if name in found:
            why = f"two sinks are called {name!r}; give one a name of its own"
            raise ConfigError(str(where), why, line=line)
        rest = {key: value for key, value in row.items() if key not in ("kind", "name")}
        try:
            module = importlib.import_module(KINDS[kind])
            read = msgspec.convert(rest, module.Settings)
        except msgspec.ValidationError as error:
            why = f"[[sink]] {name}: {error}"
            raise ConfigError(
                str(where), why, line=line, remedy=UNKNOWN if "unknown field" in why else ""
            ) from None
        except ModuleNotFoundError as error:
            why = f"[[sink]] {name}: {error.name} is not installed"
            raise ConfigError(
                str(where), why, line=line, remedy="pip install 'tlsight[agent]'"
            ) from None
        found[name] = SinkSettings(name, kind, KINDS[kind], read)
    return tuple(found.values())


def _convert[T](where: Path | str, text: str, table: str, data: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        why = str(error)
        named = re.search(r"field `([^`]+)`", why)
        path = why.rpartition("`$")[2].rstrip("`")
        key = named[1] if named else path.rpartition(".")[2].partition("[")[0]
        line = _line(text, key or table)
        remedy = UNKNOWN if "unknown field" in why else ""
        raise ConfigError(str(where), f"[{table}] {why}", line=line, remedy=remedy) from None


def _line(text: str, key: str) -> int | None:
    """The line where a key, or a table of that name, first stands."""
    name = key.replace("_", "-")
    found = next((one for one in _KEY.finditer(text) if one[1] == name), None)
    return text.count("\n", 0, found.start(1)) + 1 if found else None
