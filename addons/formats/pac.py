"""Proxy auto-config: hosts for which the client goes DIRECT. They are not seen by the proxy at all.

Source: developer.mozilla.org, "Proxy Auto-Configuration file": dnsDomainIs(host, ".x") is true for names that end so,
which x itself does not; shExpMatch's star stands for any letters; localHostOrDomainIs(host, "a.x") for a.x and a;
isInNet for addresses. Ifs are asked in their order; the first that returns decides. Scripts are read, not run
(pac_script.py): what is not one of these conditions is told, and where it returns a proxy, what stands behind it, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import batched, groupby

from addons.bypass.rule import Action, Rule
from addons.formats import shapes
from addons.formats.exported import Exported, Imported, Speech
from addons.formats.first_match import Decision, gather
from addons.formats.gathered import Found, Gathered, Pattern
from addons.formats.ordered import decisions
from addons.formats.pac_script import ScriptError, Step, Token, steps, unquoted
from addons.formats.spelling import Grammar, meaning, network
from detector.errors import ConfigError

_SPEECH = Speech(
    host=lambda name: [f"host === {json.dumps(name)}"],
    suffix=lambda name: [
        f"host === {json.dumps(name)}",
        f"dnsDomainIs(host, {json.dumps('.' + name)})",
    ],
    wildcard=lambda name: [rf"/^[^.]+\.{re.escape(name)}$/.test(host)"],
)
_AT_ONCE = 50
_WAYS = {"pass": '"DIRECT"', "inspect": "TLSIGHT_PROXY"}
_GLOB = Grammar("host", "is no name", "below", label=".*", scheme=False)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """A file for the administrator to put the proxy's address into."""
    said, refused = decisions(rules, now, _SPEECH)
    lines = [
        'var TLSIGHT_PROXY = "PROXY proxy.example:8080";',
        "function FindProxyForURL(url, host) {",
        '  host = host.toLowerCase().replace(/\\.$/, "");',
    ]
    lines += [
        f"  if ({' || '.join(some)}) return {_WAYS[action]};"
        for action, group in groupby(said, key=lambda one: one[0])
        for some in batched([one for _, conditions in group for one in conditions], _AT_ONCE)
    ]
    return Exported("\n".join([*lines, "  return TLSIGHT_PROXY;", "}"]) + "\n", refused)


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for what is no such script."""
    gathered = Gathered()
    try:
        found = [one for step in steps(text) for one in _decisions(step)]
    except ScriptError as error:
        raise ConfigError(source, str(error)) from None
    gather(_paired(found), gathered, source)
    return gathered.done()


def _decisions(step: Step) -> Iterator[Decision]:
    action: Action = (
        "pass" if step.value.strip().upper().split(";")[0].strip() == "DIRECT" else "inspect"
    )
    if step.why:
        yield Decision(
            step.line, step.value or step.why, step.why, action if step.value else "inspect"
        )
        return
    if not step.conditions:
        yield Decision(step.line, step.value, [Pattern("any", "*")], action)
    for condition in step.conditions:
        yield Decision(
            condition[0].line if condition else step.line,
            _spelt(condition),
            _meaning(condition),
            action,
        )


def _paired(found: list[Decision]) -> list[Decision]:
    """A name and all below it, side by side, are a suffix."""
    paired: list[Decision] = []
    for one in found:
        last = paired[-1] if paired else None
        if last is not None and last.action == one.action and _are_suffix(last.found, one.found):
            name = one.found[0].value  # type: ignore[union-attr]
            paired[-1] = last._replace(
                found=[Pattern("suffix", name)], text=f"{last.text} || {one.text}"
            )
        else:
            paired.append(one)
    return paired


def _are_suffix(one: Found, other: Found) -> bool:
    if isinstance(one, str) or isinstance(other, str) or len(one) != 1 or len(other) != 1:
        return False
    return {one[0].kind, other[0].kind} == {"host", "below"} and one[0].value == other[0].value


def _meaning(tokens: list[Token]) -> Found:
    """What one condition says of the host."""
    shape = "".join(
        "T" if one.kind == "text" else one.text for one in tokens if one.kind != "regex"
    )
    told = [unquoted(one) for one in tokens if one.kind == "text"]
    regexes = [one.text for one in tokens if one.kind == "regex"]
    if regexes and shape == ".test(host)" and len(regexes) == 1:
        return shapes.meaning(regexes[0][1:].rpartition("/")[0])
    shape = shape.replace("host.toLowerCase()", "host")
    match shape:
        case "host==T" | "host===T" | "T==host" | "T===host":
            return network(told[0]) or meaning(told[0], _GLOB._replace(star="is no name", label=""))
        case "isPlainHostName(host)":
            return [Pattern("regex", "[^.]+")]
        case "shExpMatch(host,T)":
            return meaning(told[0], _GLOB)
        case "dnsDomainIs(host,T)":
            return _domain(told[0])
        case "localHostOrDomainIs(host,T)":
            return [Pattern("host", one) for one in dict.fromkeys((told[0], told[0].split(".")[0]))]
        case "isInNet(host,T,T)" | "isInNet(dnsResolve(host),T,T)":
            return network(f"{told[0]}/{told[1]}") or "is no range of addresses"
        case "isInNetEx(host,T)" | "isInNetEx(dnsResolve(host),T)":
            return network(told[0]) or "is no range of addresses"
    return "a condition that is not read: of the URL, of several at once, or of the script's own"


def _domain(text: str) -> Found:
    if text.startswith("."):
        return meaning(f"*{text}", _GLOB)
    if not re.fullmatch(r"[\w.-]{1,253}", text):
        return "is no name"
    return [Pattern("regex", f".*{re.escape(text)}".replace("\\-", "-"))]


def _spelt(tokens: list[Token]) -> str:
    return " ".join(one.text for one in tokens)[:200]
