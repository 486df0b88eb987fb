"""The languages of other programs, by name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from addons.bypass.rule import Rule, rule_of, settled
from addons.formats.exported import Exported, Imported, ReadOptions, Refused
from detector.errors import ConfigError


class Format(NamedTuple):
    """A module of this folder.

    Attributes:
        reads: its lists can be read back.
        asks: its reader takes `ReadOptions`.
        skips: what it lists goes around the proxy altogether, which is more than not being decrypted.

    """

    title: str
    reads: bool = False
    skips: bool = False
    asks: bool = False


FORMATS = {
    "toml": Format("tlsight's own rule file", reads=True),
    "mitmproxy": Format("mitmproxy: ignore_hosts of config.yaml", reads=True),
    "squid": Format("Squid: ssl_bump", reads=True, asks=True),
    "haproxy": Format("HAProxy: use_backend by SNI", reads=True, asks=True),
    "nginx": Format("nginx: map of a stream block", reads=True, asks=True),
    "envoy": Format("Envoy: filter chains by server name", reads=True, asks=True),
    "privoxy": Format("Privoxy: actions file", reads=True),
    "e2guardian": Format("e2guardian: exceptionsitelist", reads=True),
    "sslproxy": Format("SSLproxy: FilterRule", reads=True, asks=True),
    "panos": Format("Palo Alto PAN-OS: SSL decryption exclusion", reads=True),
    "fortios": Format("Fortinet FortiOS: ssl-exempt", reads=True),
    "sophos": Format("Sophos Firewall: web exception"),
    "cloudflare": Format("Cloudflare Gateway: Do Not Inspect rule"),
    "netskope": Format("Netskope: steering exception", reads=True),
    "zscaler": Format("Zscaler ZIA: custom URL category", reads=True),
    "umbrella": Format("Cisco Umbrella: selective decryption list", reads=True),
    "checkpoint": Format("Check Point: domain objects for a bypass rule"),
    "bluecoat": Format("Blue Coat ProxySG: CPL"),
    "pac": Format("proxy auto-config: goes around the proxy", skips=True),
    "no-proxy": Format("NO_PROXY: goes around the proxy", reads=True, skips=True),
    "chrome": Format("Chrome and Edge policy: goes around the proxy", reads=True, skips=True),
    "firefox": Format("Firefox policies.json: goes around the proxy", reads=True, skips=True),
}


def export(
    target: str,
    rules: Iterable[Rule],
    now: datetime,
    *,
    skip_proxy: bool = False,
    port: int | None = None,
) -> Exported:
    """The rules in a target's language. Raises ConfigError for a target that is none.

    Args:
        target: a key of FORMATS.
        rules: those that have ended are left out.
        now: the moment to judge that by.
        skip_proxy: a list that goes around the proxy is meant.
        port: the target only ever decrypts this port: rules for it need not say so, rules for others are
            of no use there.

    """
    found = _format(target)
    if port is not None:
        rules = [
            msgspec.structs.replace(rule, port=None) for rule in rules if rule.port in (None, port)
        ]
    if found.skips and not skip_proxy:
        why = (
            "hosts would go around the proxy altogether, unseen; say --skip-proxy if that is meant"
        )
        return Exported("", tuple(Refused(rule, why) for rule in rules if rule.action == "pass"))
    exported = _module(target).export(rules, now)
    assert isinstance(exported, Exported)
    return exported


def read(target: str, text: str, source: str, options: ReadOptions | None = None) -> Imported:
    """What a target's list says. Raises ConfigError for one that cannot be read."""
    form = _format(target)
    if not form.reads:
        raise ConfigError(source, f"lists of {target} cannot be read back")
    more = (options or ReadOptions(),) if form.asks else ()
    found = _module(target).read(text, source, *more)
    assert isinstance(found, Imported)
    entries = (msgspec.structs.replace(one, row=settled(one.row)) for one in found.entries)
    return msgspec.structs.replace(found, entries=tuple(entries))


def differences(
    target: str, theirs: Imported, rules: Iterable[Rule], now: datetime
) -> list[tuple[str, str | None, str | None]]:
    """Patterns that the list of a target and our export to it do not say alike: ours, theirs; None for nothing."""
    exported = export(target, rules, now, skip_proxy=True)
    said = read(target, exported.text, target)
    ours = {rule_of(row).pattern: row.action for row in said.rows}
    there = {rule_of(row).pattern: row.action for row in theirs.rows}
    return [
        (pattern, ours.get(pattern), there.get(pattern))
        for pattern in sorted({*ours, *there})
        if ours.get(pattern) != there.get(pattern)
    ]


def _format(target: str) -> Format:
    if target not in FORMATS:
        raise ConfigError("bypass", f"{target!r} is none of {', '.join(FORMATS)}")
    return FORMATS[target]


def _module(target: str) -> Any:
    return import_module(f"addons.formats.{target.replace('-', '_')}")
