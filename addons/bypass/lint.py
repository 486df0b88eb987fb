"""What an administrator should look at again in a list of rules.

Rules
-----
- An error is a rule that does not do what it seems to, or exempts strangers: a public suffix, a rule that
  another one makes idle, one that has expired.
- A warning is a rule that is hard to defend: wide, never used, without reason, owner or end, or for a place
  where anybody can put things.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from itertools import dropwhile
from typing import Literal

import msgspec

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.reach import covers, has_ended, is_any_host, overlap
from addons.bypass.rule import Rule
from detector.chain.names import is_below, is_public_suffix

# Names below which anybody can publish, or receive, what he likes.
RISKY: dict[str, tuple[str, ...]] = {
    "file sharing": (
        "dropbox.com", "dropboxusercontent.com", "wetransfer.com", "mega.nz", "mediafire.com",
        "box.com", "transfer.sh", "file.io", "anonfiles.com", "gofile.io", "catbox.moe",
    ),
    "paste sites": (
        "pastebin.com", "ghostbin.com", "hastebin.com", "gist.github.com", "paste.ee", "dpaste.org",
        "rentry.co", "controlc.com",
    ),
    "dynamic DNS and tunnels": (
        "duckdns.org", "no-ip.com", "ddns.net", "dyndns.org", "afraid.org", "ngrok.io",
        "ngrok-free.app", "trycloudflare.com", "localtunnel.me", "serveo.net",
    ),
    "hosting that strangers share": (
        "github.io", "githubusercontent.com", "netlify.app", "vercel.app", "herokuapp.com",
        "web.app", "firebaseapp.com", "azurewebsites.net", "workers.dev", "pages.dev",
        "s3.amazonaws.com", "blob.core.windows.net", "storage.googleapis.com",
    ),
}  # fmt: skip
# A rule that was just made may wait for its first connection.
UNUSED_DAYS = 30
_WIDEST = {4: 16, 6: 48}
# Suffixes by the name that they are one label below.
_Beneath = dict[str, list[Rule]]


class Remark(msgspec.Struct, frozen=True):
    """One thing to look at.

    Attributes:
        rule: the rule that it is about.
        id: stable name, e.g. "public-suffix".
        text: one sentence.

    """

    rule: Rule
    id: str
    severity: Literal["error", "warning"]
    text: str


def lint(rules: Sequence[Rule], today: date, used: Collection[str] | None = None) -> list[Remark]:
    """Everything that stands out, in the order of the rules; `used` are patterns that let something pass."""
    matcher = Matcher(rules)
    beneath: _Beneath = {}
    for rule in rules:
        if rule.suffix is not None:
            beneath.setdefault(rule.suffix.partition(".")[2], []).append(rule)
    seen: dict[tuple[object, ...], Rule] = {}
    found: list[Remark] = []
    for rule in rules:
        found += _alone(rule, today)
        if used is not None and rule.action == "pass" and rule.pattern not in used:
            found += _unused(rule, today)
        key = (rule.host, rule.suffix, rule.wildcard, rule.network, rule.regex, rule.port,
               rule.client, rule.ja4)  # fmt: skip
        first = seen.setdefault(key, rule)
        if first is not rule:
            same = first.action == rule.action
            text = (
                "The same rule stands above."
                if same
                else f"A rule for the same says {first.action}, this one {rule.action}."
            )
            found.append(Remark(rule, "duplicate" if same else "contradiction", "error", text))
        elif (wider := _idle(rule, matcher, beneath, today)) is not None:
            text = f"It changes nothing: {wider.pattern} says {wider.action} already."
            found.append(Remark(rule, "shadowed", "warning", text))
    return found


def _alone(rule: Rule, today: date) -> Iterator[Remark]:
    """What can be said of a rule by itself."""
    for check in _CHECKS:
        yield from check(rule, today)


def _public_suffix(rule: Rule, _: date) -> Iterator[Remark]:
    below = rule.suffix or rule.wildcard
    if below is not None and rule.action == "pass" and is_public_suffix(below):
        text = f"Strangers register names below {below}: all of them would pass."
        yield Remark(rule, "public-suffix", "error", text)


def _expired(rule: Rule, today: date) -> Iterator[Remark]:
    if has_ended(rule, today):
        yield Remark(rule, "expired", "error", f"It ended on {rule.expires}.")


def _wide(rule: Rule, _: date) -> Iterator[Remark]:
    network = rule.network
    if (
        network is not None
        and rule.action == "pass"
        and network.prefixlen < _WIDEST[network.version]
    ):
        size = "addresses" if network.version == 4 else "addresses of IPv6"
        text = f"It passes {network.num_addresses:,} {size}, whoever is there."
        yield Remark(rule, "wide-range", "warning", text)
    if rule.action == "pass" and is_any_host(rule):
        who = rule.client or rule.ja4
        yield Remark(rule, "any-host", "warning", f"Every host passes for {who}.")
    client = rule.client
    if client is not None and client.prefixlen == 0:
        yield Remark(rule, "any-client", "warning", "Its client network is everybody.")


def _risky(rule: Rule, _: date) -> Iterator[Remark]:
    name = rule.host or rule.suffix or rule.wildcard
    if name is None or rule.action != "pass":
        return
    for category, suffixes in RISKY.items():
        if any(is_below(name, suffix) for suffix in suffixes):
            text = f"{name} is {category}: what goes there cannot be seen any more."
            yield Remark(rule, "risky-category", "warning", text)


def _undefended(rule: Rule, _: date) -> Iterator[Remark]:
    if rule.action != "pass":
        return
    missing = [
        what
        for what, value in (("reason", rule.reason), ("owner", rule.owner), ("end", rule.expires))
        if not value
    ]
    if missing:
        text = f"It has no {', no '.join(missing)}."
        yield Remark(rule, "undefended", "warning", text)


def _unused(rule: Rule, today: date) -> Iterator[Remark]:
    if rule.created is None or (today - rule.created).days >= UNUSED_DAYS:
        text = "Nothing has passed by it: it may no longer be needed."
        yield Remark(rule, "never-used", "warning", text)


def _regex(rule: Rule, _: date) -> Iterator[Remark]:
    if rule.regex is None:
        return
    yield Remark(rule, "regex", "warning", "A regex is the last resort: it is tried on every name.")
    if rule.action == "pass" and any(part in rule.regex for part in (".*", ".+")):
        text = "A dot with a star crosses labels: write [^.]* for one."
        yield Remark(rule, "loose-regex", "warning", text)


_CHECKS: tuple[Callable[[Rule, date], Iterator[Remark]], ...] = (
    _public_suffix,
    _expired,
    _wide,
    _risky,
    _undefended,
    _regex,
)


def _idle(rule: Rule, matcher: Matcher, beneath: _Beneath, today: date) -> Rule | None:
    """The rule that would say the same about everything that this one decides, None for none.

    A rule that comes between the two and says something else for a part of it makes this one needed.
    """
    sample = _sample(rule)
    if sample is None:
        return None
    others = beneath.get(rule.wildcard, []) if rule.wildcard is not None else []
    if any(_differs(rule, other, today) for other in others):
        return None
    fitting = (other for other, _ in matcher.considered(sample, today))
    for other in dropwhile(lambda one: one is not rule, fitting):
        if other is rule or has_ended(other, today):
            continue
        if is_any_host(other) or _differs(rule, other, today):
            return None  # ranges and regexes, which the sample does not show, come before any host
        if covers(other, rule) and not covers(rule, other):  # a twin is told as such
            return other
    return None


def _differs(rule: Rule, other: Rule, today: date) -> bool:
    return not has_ended(other, today) and other.action != rule.action and overlap(rule, other)


def _sample(rule: Rule) -> Arrival | None:
    """A connection that the rule's pattern fits."""
    name = rule.host or rule.suffix or (f"x.{rule.wildcard}" if rule.wildcard else None)
    address = str(rule.network.network_address) if rule.network is not None else None
    if name is None and address is None:
        return None
    client = str(rule.client.network_address) if rule.client is not None else None
    return Arrival(name, None, address, rule.port or 443, client, rule.ja4)


def exempted(rule: Rule, names: Sequence[str]) -> list[str]:
    """Which of the names seen in traffic a rule would exempt."""
    matcher = Matcher([msgspec.structs.replace(rule, expires=None, client=None, ja4=None)])
    port = rule.port or 443
    today = date.min
    return [name for name in names if matcher.match(Arrival(name, None, _ip(name), port), today)]


def _ip(name: str) -> str | None:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None
