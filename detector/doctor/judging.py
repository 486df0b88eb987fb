"""Facts to findings. Pure: files, sockets and clocks have been asked before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from detector.doctor.extras import EXTRAS
from detector.doctor.facts import (
    AgentFacts,
    CaptureFacts,
    FolderFacts,
    NetworkFacts,
    ProgramFacts,
    ProxyFacts,
    SettingFacts,
    TableFacts,
    TrustFacts,
)
from detector.report.doctor_json import DoctorFinding, Level, Part

Findings = Iterator[DoctorFinding]
_MB = 1_000_000
_FULL, _NARROW = 50 * _MB, 500 * _MB
# A leaf's and a proof's times are judged by minutes; an unsigned Date header is worth no more than that either.
_SKEW = timedelta(minutes=5)
_OLD = timedelta(days=30)
_OTHERS = 0o077
_SYSTEM = "see your system's settings"


def program(facts: ProgramFacts) -> Findings:
    """Versions, libraries, extras."""
    yield _ok("program", f"tlsight {facts.tlsight}, Python {facts.python} ({facts.executable})")
    if facts.tls13:
        yield _ok("program", f"{facts.openssl}, with TLS 1.3")
    else:
        why = f"{facts.openssl} speaks no TLS 1.3: every handshake is judged by older versions"
        yield _problem("program", why, "use a Python built against OpenSSL 1.1.1 or later")
    bad = [one for one in facts.libraries if not one.found or _older(one.found, one.least)]
    for one in bad:
        has = f"is {one.found}, older than {one.least}" if one.found else "is not installed"
        yield _problem(
            "program", f"the library {one.name} {has}", "pip install --upgrade --force-reinstall tlsight"
        )  # fmt: skip
    if facts.libraries and not bad:
        yield _ok("program", f"{len(facts.libraries)} libraries, all as they are needed")
    if not facts.libraries:
        yield _note("program", "tlsight runs from files: its libraries are not compared", "")
    whole = [name for name in facts.missing if not facts.missing[name]]
    if whole:
        yield _ok("program", f"extras installed: {', '.join(whole)}")
    for name, missing in facts.missing.items():
        if missing:
            lacks = f"extra {name} is not installed ({', '.join(missing)}): no {EXTRAS[name][1]}"
            yield _note("program", lacks, f"pip install 'tlsight[{name}]'")


def tables(facts: TableFacts, now: datetime) -> Findings:
    """How old the published lists are."""
    for line in facts.stale:
        yield _problem("tables", line, "tlsight update")
    if facts.logs_at is not None and not facts.stale:
        yield _ok("tables", f"the list of CT logs is of {facts.logs_at:%Y-%m-%d}")
    never = [name for name, at in facts.fetched.items() if at is None]
    old = [name for name, at in facts.fetched.items() if at is not None and now - at > _OLD]
    if never:
        text = f"never updated, so the shipped tables count: {', '.join(never)}"
        yield _note("tables", text, "tlsight update")
    if old:
        text = f"not updated for {_OLD.days} days: {', '.join(old)}"
        yield _note("tables", text, "tlsight update")


def settings(facts: Sequence[SettingFacts]) -> Findings:
    """Files of settings."""
    for one in facts:
        if one.trouble:
            remedy = one.remedy or f"mend {one.path}, or move it away"
            yield _problem("settings", _said(one.path, one.trouble), remedy)
        elif one.exists:
            yield _ok("settings", f"{one.path} is valid, and yours or root's")
        else:
            yield _ok("settings", f"no {one.path}: all as it comes")


def stores(facts: FolderFacts) -> Findings:
    """Databases, and the folder they are in."""
    if facts.trouble:
        remedy = f"make {facts.path} a folder of yours (chown, chmod 700), or set XDG_STATE_HOME"
        yield _problem("stores", _said(facts.path, facts.trouble), remedy)
    elif not facts.exists:
        yield _ok("stores", f"no {facts.path} yet: the first run makes it")
    else:
        yield _ok("stores", f"{facts.path} can be written")
    if facts.free is not None and facts.free < _NARROW:
        text = f"{facts.free / _MB:.0f} MB are free where state is kept"
        if facts.free < _FULL:
            yield _problem("stores", text, f"free some space: df -h {facts.path}")
        else:
            yield _note("stores", text, f"df -h {facts.path}")
    for one in facts.stores:
        if one.trouble:
            yield _problem("stores", _said(one.path, one.trouble), one.remedy)
        elif one.mode is not None and one.mode & _OTHERS:
            text = f"{one.path} may be read or written by others (mode {one.mode:o})"
            yield _note("stores", text, f"chmod 600 {one.path}")
        else:
            yield _ok("stores", f"{one.path} can be read, {one.size / _MB:.1f} MB")


def trust(facts: TrustFacts) -> Findings:
    """Roots."""
    yield _ok("trust", f"{facts.public} public roots of {facts.source}")
    if facts.local:
        yield _ok("trust", f"{facts.local} roots in this machine's store ({facts.local_source})")
    else:
        text = "this machine's store of roots is empty or cannot be read: programs trust nobody"
        yield _problem("trust", text, "install ca-certificates; see: tlsight trust")
    for name, path in facts.dangling:
        yield _problem("trust", f"{name} names {path}, which is not there", f"unset {name}")


def clock(
    now: datetime, built: datetime | None, dates: Sequence[tuple[str, datetime, datetime]]
) -> Findings:
    """Whether this machine knows the time: by our tables, which cannot be of the future, and by what servers say,
    which anybody on the way could have written: only where two agree is it told.
    """
    remedy = "timedatectl set-ntp true, or set the clock by hand"
    if built is not None and now < built:
        text = f"the clock says {now:%Y-%m-%d}, before this program's tables were made ({built:%Y-%m-%d})"
        yield _problem("clock", text, remedy)
        return
    skews = [said - came for _, said, came in dates]
    if len(skews) < 2:
        yield _ok("clock", f"{now:%Y-%m-%d %H:%M} UTC; no two servers were there to compare with")
        return
    if max(skews) - min(skews) > _SKEW:
        yield _note("clock", "servers do not agree on the time: " + _who(dates), "")
    elif min(map(abs, skews)) > _SKEW:
        minutes = skews[0].total_seconds() / 60
        behind = "behind" if minutes > 0 else "ahead"
        text = f"the clock is {abs(minutes):.0f} minutes {behind}, say {_who(dates)} (unsigned)"
        yield _problem("clock", text, remedy)
    else:
        yield _ok("clock", f"agrees with {_who(dates)}")


def network(facts: NetworkFacts) -> Findings:
    """Names, addresses, the way out."""
    failed = [one for one in facts.resolved if not one[1]]
    asked = ", ".join(facts.resolvers) or "no resolver is named"
    if facts.through:
        yield _ok("network", f"names are resolved by the proxy {facts.through}")
    elif failed and len(failed) == len(facts.resolved):
        text = f"no name resolves ({failed[0][0]}: {failed[0][2]}); resolvers: {asked}"
        yield _problem("network", text, "see /etc/resolv.conf, or: resolvectl status")
    elif failed:
        text = f"{', '.join(name for name, _, _ in failed)} does not resolve, other names do"
        yield _note("network", text, f"resolvers: {asked}")
    elif facts.resolved:
        yield _ok("network", f"names resolve, by {asked}")
    if facts.way == "open":
        yield _ok("network", "the way out is open over plain HTTP")
    elif facts.way == "captive":
        text = "a captive portal answers in everybody's place"
        yield _problem("network", text, "open any http:// page in a browser, and log in")
    elif facts.way == "offline":
        yield _problem("network", "this machine has no way out", "see: ip route")
    elif facts.way and not (failed and len(failed) == len(facts.resolved)):
        text = "nobody answers plain HTTP as its owner does: a firewall or a filter, or no way out"
        yield _note("network", text, "ask over TLS: tlsight")
    if facts.ipv6:
        yield _ok("network", "there is a way to IPv6 addresses")
    else:
        yield _note("network", "there is no way to IPv6 addresses: hosts are asked over IPv4", "")


def proxies(facts: Sequence[ProxyFacts]) -> Findings:
    """Proxies in force, and those that only other programs use."""
    if not facts:
        yield _ok("proxy", "none is set: hosts are asked straight")
    elif all(one.verb for one in facts):
        yield _ok(
            "proxy", "none is set for verbs without a setting of their own: they ask straight"
        )
    for one in facts:
        by = f" by tlsight {one.verb}" if one.verb else ""
        where = f"{one.url} of {one.named_by}"
        if one.trouble and not one.url:
            yield _problem("proxy", one.trouble, one.remedy or "name another, or --no-proxy")
        elif one.trouble:
            remedy = f"start it, or name another in {one.named_by}" if one.used else _SYSTEM
            level: Level = "problem" if one.used else "note"
            yield DoctorFinding("proxy", level, f"{where}: {one.trouble}", remedy)
        elif not one.url:
            yield _ok("proxy", f"tlsight {one.verb} goes straight, by {one.named_by}")
        elif one.used:
            yield _ok("proxy", f"{where} is used{by}" + (", and answers" if one.asked else ""))
        else:
            text = f"{where} is what other programs use, tlsight does not"
            yield _note("proxy", text, f"export HTTPS_PROXY={one.url}, or check --proxy {one.url}")


def capture(facts: CaptureFacts) -> Findings:
    """Whether packets could be captured here."""
    if not facts.program:
        text = "neither dumpcap nor tcpdump is there: captures are read, none is made here"
        yield _note("capture", text, "install tcpdump or Wireshark's dumpcap")
    elif facts.may is False:
        text = f"{facts.program} is there; this user has no CAP_NET_RAW, and needs its leave"
        yield _note("capture", text, "sudo, or join the group wireshark")
    else:
        yield _ok("capture", f"{facts.program} captures live for tlsight pcap --interface")


def shell(found: Sequence[str]) -> Findings:
    """Completion."""
    if found:
        yield _ok("shell", f"completes tlsight by {', '.join(found)}")
    else:
        yield _note("shell", "no shell completes tlsight", "tlsight --install-completion")


def agent(facts: AgentFacts, now: datetime) -> Findings:
    """The agent, where there is one."""
    if facts.trouble:
        yield _problem("agent", _said(facts.state, facts.trouble), "see: tlsight agent status")
    elif facts.running:
        last = f", last run {facts.last_run:%Y-%m-%d %H:%M} UTC" if facts.last_run else ""
        yield _ok("agent", f"runs{last}")
    elif facts.unit:
        text = f"is installed as a service ({facts.unit}), and does not run"
        yield _problem(
            "agent", text, "systemctl status tlsight-agent; systemctl start tlsight-agent"
        )
    elif facts.state:
        ago = f", last {(now - facts.last_run).days} days ago" if facts.last_run else ""
        yield _note("agent", f"ran here{ago}, and does not run", "tlsight agent run")
    else:
        yield _ok("agent", "none is installed, and none is needed")
    for name, trouble in facts.sinks:
        yield _problem("agent", f"sink {name}: {trouble}", "see: tlsight agent status")


def unlooked(part: Part, error: Exception) -> DoctorFinding:
    """What is told of a part that could not be looked at."""
    text = " ".join(str(error).split())[:300]
    return _problem(
        part, f"cannot be looked at: {type(error).__name__}{f': {text}' if text else ''}", ""
    )


def _ok(part: Part, text: str) -> DoctorFinding:
    return DoctorFinding(part, "ok", text)


def _note(part: Part, text: str, remedy: str) -> DoctorFinding:
    return DoctorFinding(part, "note", text, remedy)


def _problem(part: Part, text: str, remedy: str) -> DoctorFinding:
    return DoctorFinding(part, "problem", text, remedy)


def _said(path: str, why: str) -> str:
    return why if path in why else f"{path}: {why}"


def _who(dates: Sequence[tuple[str, datetime, datetime]]) -> str:
    return ", ".join(who for who, _, _ in dates)


def _older(found: str, least: str) -> bool:
    """By the numbers at the beginning; what has none is not judged."""
    numbers = [tuple(map(int, re.findall(r"[0-9]{1,9}", text)[:3])) for text in (found, least)]
    return bool(numbers[0] and numbers[1]) and numbers[0] < numbers[1]
