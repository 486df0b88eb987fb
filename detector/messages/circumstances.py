"""What stands around a failure: who wrote it, whom it asked, and the signals that hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from detector.chain.names import is_below, registrable_domain
from detector.messages.finding import Squeezed
from detector.messages.layout import unwrapped
from detector.messages.table import ErrorTable, Signal, Speaker
from detector.messages.target import Whom, best_of, is_private, proxy_in, targets_in
from detector.messages.weighing import NOT_TRUSTED
from detector.model.programs import Program

# Apple's and OpenSSL's ways to write a certificate's names.
_NAMES = (
    re.compile(r"\bs: ?([\w.*-]{1,100}) i: ?([\w.*-]{1,100})"),
    re.compile(
        r"^[ \t*]{0,8}subject[=:] ?([^\n]{1,200})\n[ \t*]{0,8}issuer[=:] ?([^\n]{1,200})$",
        re.MULTILINE | re.IGNORECASE,
    ),
)
_VERSION = re.compile(r"[/ ]v?(\d{1,4}(?:\.\d{1,6}){1,3})")
# Signals that the texts themselves are.
_SAID: dict[str, frozenset[str]] = {
    "chain-not-trusted": frozenset(NOT_TRUSTED),
    "other-name": frozenset(("hostname-mismatch",)),
    "out-of-date": frozenset(("certificate-expired", "certificate-not-yet-valid")),
}
_ITSELF, _RUNTIME = 3.0, 2.0
_MORE = 0.45  # many marks of a runtime are no program's own words
# Kinds of programs that ask somebody of their own accord.
_ASKS = frozenset(("package manager", "agent", "editor", "cloud", "container"))
# Those about whose failures the public threads are that signals.toml counts.
_OF_DEVELOPERS = _ASKS | {"runtime", "library", "version control"}


class Spoken(msgspec.Struct, frozen=True):
    """Who wrote a text.

    Attributes:
        programs: ids, the one whose settings count first in front; a runtime beneath comes after.
        library: the TLS library, "" where the text does not show it.
        platform: "" where it does not.
        strength: 3 where the program's own words show it, 2 where those of its runtime or library do, 1 for a hint.

    """

    programs: tuple[str, ...] = ()
    library: str = ""
    platform: str = ""
    version: str = ""
    strength: float = 0.0
    port: int | None = None
    starttls: str | None = None


class Circumstances(msgspec.Struct, frozen=True):
    """Everything that stands around a failure.

    Attributes:
        whom: the target, None where the text names none.
        hosts: all targets that it names.
        signals: those that hold, each with what was found.

    """

    spoken: Spoken
    whom: Whom | None
    hosts: tuple[str, ...]
    proxy: tuple[str, int] | None
    signals: tuple[tuple[Signal, str], ...]


def circumstances(
    own: str,
    around: str,
    table: ErrorTable,
    failing: tuple[str, ...] = (),
    *,
    says: frozenset[str] = frozenset(),
    server: bool = False,
    by: str = "",
) -> Circumstances:
    """What holds for the failure that `own` tells.

    Args:
        own: the failure's own lines.
        around: these and the lines near them.
        table: what is known.
        failing: hosts that failed in the same way elsewhere in the text.
        says: causes that its texts name before others.
        server: a server wrote it, which asked nobody.
        by: programs that the log itself names as its writers.

    """
    squeezed = Squeezed(around)
    whole_own, whole = unwrapped(own), unwrapped(around)
    spoken = _spoken(Squeezed(f"{around}\n{by}") if by else squeezed, own, table)
    targets = targets_in(whole_own)
    named = [one for one in targets if one.strength > 1]
    whom = (
        best_of(named)
        or best_of([one for one in targets_in(whole) if one.strength > 3])
        or best_of(targets)
    )
    hosts = tuple(dict.fromkeys(one.host for one in named))
    proxy = proxy_in(whole)
    if server:
        held: dict[str, str] = {}
    else:
        held = dict(_computed(around, spoken, whom, (*hosts, *failing), proxy, table))
    held |= _worded(squeezed, table)
    held |= {signal: "" for signal, causes in _SAID.items() if says & causes}
    signals = tuple(
        (row, held[row.id])
        for row in table.signals
        if row.id in held
        and all(name in held for name in row.needs)
        and not any(name in held for name in row.lacks)
    )
    return Circumstances(spoken, whom, hosts, proxy, signals)


def _spoken(text: Squeezed, own: str, table: ErrorTable) -> Spoken:
    """Marks near the failure and many of them make a speaker likely; each mark counts once."""
    finder, known = table.mark_finder
    strength: dict[str, float] = {}
    more: dict[str, float] = {}
    first: dict[str, Speaker] = {}
    seen: set[int] = set()
    own_at = text.text.find(own)
    place: dict[str, int] = {}
    for hit in finder.find(text):
        row, _ = known[hit.tag]
        first.setdefault(row.program, row)
        if hit.tag in seen:
            continue
        seen.add(hit.tag)
        inside = own_at <= hit.start < own_at + len(own)
        strength[row.program] = max(strength.get(row.program, 0.0), row.strength)
        more[row.program] = min(_MORE, more.get(row.program, 0.0) + (0.15 if inside else 0.05))
        if not place.get(row.program) or _VERSION.match(text.text, hit.end - 1):
            place[row.program] = hit.end
    order = sorted(strength, key=lambda name: -(strength[name] + more[name]))
    if not order:
        return Spoken()
    rows = [first[name] for name in order]
    names = list(order)
    names += [
        p.under
        for name in order
        if (p := table.programs.get(name)) is not None and p.under and p.under not in names
    ]
    return Spoken(
        programs=tuple(dict.fromkeys(names)),
        library=next((row.library for row in rows if row.library), ""),
        platform=_platform(text.text) or next((row.platform for row in rows if row.platform), ""),
        strength=strength[order[0]],
        version=_version(text.text, place[order[0]]),
        port=next((row.port for row in rows if row.port), None),
        starttls=next((row.starttls for row in rows if row.port), None),
    )


_PLATFORMS = (
    (
        "windows",
        re.compile(
            r"[A-Z]:\\\\?\w|\bPS [A-Z]:|Windows(?: NT|1[01]|Server)?\b|\.exe\b|schannel|WSAE",
            re.IGNORECASE,
        ),
    ),
    ("macos", re.compile(r"\bmacOS|/Users/\w|Darwin|Mac OS X|/opt/homebrew|/Library/")),
    ("linux", re.compile(r"/home/\w|/usr/(?:share|lib|local)|/etc/|/root/|Linux|apt-get|/var/")),
)


def _platform(text: str) -> str:
    return next((name for name, test in _PLATFORMS if test.search(text[:65536])), "")


def _version(text: str, after: int) -> str:
    found = _VERSION.match(text, after) or _VERSION.match(text, after - 1)
    return found[1] if found else ""


def _computed(
    text: str,
    spoken: Spoken,
    whom: Whom | None,
    hosts: tuple[str, ...],
    proxy: tuple[str, int] | None,
    table: ErrorTable,
) -> Iterator[tuple[str, str]]:
    """Signals that words alone do not tell."""
    program = table.programs.get(spoken.programs[0]) if spoken.programs else None
    itself = program if spoken.strength >= _ITSELF else None
    private = itself is not None and _asks_own_servers(itself)
    if itself is not None and _goes_by_own_roots(itself, spoken.platform):
        yield "own-roots", itself.name
    if whom is None:
        if itself is not None and private:
            yield "own-server", itself.name
        elif program is not None and program.kind in _OF_DEVELOPERS and spoken.strength >= _RUNTIME:
            yield "no-host", ""
        if (
            program is not None
            and program.hosts
            and spoken.strength >= _ITSELF
            and program.kind in _ASKS
        ):
            yield "default-registry", program.hosts[0]
    elif is_private(whom.host):
        yield "private-host", whom.host
    elif _is_known_public(whom.host, program, table):
        yield "public-host", whom.host
        yield "well-kept", whom.host
        if whom.host.removeprefix("www.") in table.public_hosts or (
            program and whom.host in program.hosts
        ):
            yield "service-host", whom.host
    elif itself is not None and private:
        yield "own-server", itself.name
    else:
        yield "unknown-host", whom.host
    public = {host for host in hosts if not is_private(host)}
    if len(public) > 1:
        public = {registrable_domain(host) for host in public}
    if len(public) > 1:
        yield "several-hosts", ", ".join(sorted(public)[:4])
    if proxy is not None:
        yield "proxy-named", f"{proxy[0]}:{proxy[1]}"
    for match in (found for test in _NAMES for found in test.finditer(text)):
        if match[1].strip() == match[2].strip():
            yield "same-name", match[1].strip()
            break


def _asks_own_servers(program: Program) -> bool:
    """Whether its servers are mostly of one's own: a database has no default, nor has what steers a cluster."""
    return program.kind == "database" or (program.kind == "container" and not program.hosts)


def _goes_by_own_roots(program: Program, platform: str) -> bool:
    """Whether it has no root where nothing names one."""
    row = next((row for row in program.reads if row.platform in ("", platform)), None)
    return row is not None and row.store == "own" and program.kind in _CONFIGURED


# Other programs that have roots of their own bring them.
_CONFIGURED = frozenset(("database", "iot", "runtime", "library"))


def _is_known_public(host: str, program: Program | None, table: ErrorTable) -> bool:
    asks = program.hosts if program is not None else ()
    if any(is_below(host, one) for one in asks):
        return True
    labels = host.split(".")
    return any(".".join(labels[at:]) in table.public_hosts for at in range(len(labels) - 1))


def _worded(text: Squeezed, table: ErrorTable) -> Mapping[str, str]:
    finder, known = table.word_finder
    held: dict[str, str] = {}
    for hit in sorted(finder.find(text), key=lambda hit: hit.start):
        row, word = known[hit.tag]
        if isinstance(row, Signal):
            held.setdefault(row.id, word)
        else:
            held.setdefault("product-named", row.name)
    return held
