"""The languages of other programs, by name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from typing import Any, Literal, NamedTuple

import msgspec

from addons.bypass.rule import Rule, rule_of, settled
from addons.formats import csv
from addons.formats.exported import UNPROVED, Exported, Imported, ReadOptions, Refused, unproved
from detector.errors import ConfigError


class Format(NamedTuple):
    """A module of this folder.

    Attributes:
        reads: its lists can be read back.
        asks: its reader takes `ReadOptions`.
        skips: what it lists goes around the proxy altogether, which is more than not being decrypted.
        maps: what `ReadOptions.columns` names: columns of a table, or backends of a gateway; "" for nothing.
        proves: it carries what a server must prove.
        writes: its lists can be ours; a vendor's own list cannot.

    """

    title: str
    reads: bool = False
    skips: bool = False
    asks: bool = False
    maps: Literal["", "columns", "backends"] = ""
    proves: bool = False
    writes: bool = True


FORMATS = {
    "toml": Format("tlsight's own rule file", reads=True, proves=True),
    "mitmproxy": Format("mitmproxy: ignore_hosts of config.yaml", reads=True),
    "squid": Format("Squid: ssl_bump", reads=True, asks=True),
    "haproxy": Format("HAProxy: use_backend by SNI", reads=True, asks=True, maps="backends"),
    "nginx": Format("nginx: map of a stream block", reads=True, asks=True, maps="backends"),
    "envoy": Format("Envoy: filter chains by server name", reads=True, asks=True, maps="backends"),
    "privoxy": Format("Privoxy: actions file", reads=True),
    "e2guardian": Format("e2guardian: exceptionsitelist", reads=True, asks=True),
    "sslproxy": Format("SSLproxy: FilterRule", reads=True, asks=True),
    "panos": Format("Palo Alto PAN-OS: SSL decryption exclusion", reads=True),
    "fortios": Format("Fortinet FortiOS: ssl-exempt", reads=True),
    "sophos": Format("Sophos Firewall: web exception", reads=True),
    "cloudflare": Format("Cloudflare Gateway: Do Not Inspect rule", reads=True),
    "netskope": Format("Netskope: steering exception", reads=True, asks=True, maps="columns"),
    "zscaler": Format("Zscaler ZIA: custom URL category", reads=True, asks=True, maps="columns"),
    "umbrella": Format(
        "Cisco Umbrella: selective decryption list", reads=True, asks=True, maps="columns"
    ),
    "cisco-wsa": Format("Cisco Secure Web Appliance: custom URL category", reads=True),
    "cisco-ftd": Format("Cisco Secure Firewall: SSL policy of its API", reads=True),
    "checkpoint": Format("Check Point: domain objects for a bypass rule", reads=True),
    "bluecoat": Format("Blue Coat ProxySG: CPL", reads=True),
    "m365": Format("Microsoft 365: its endpoints", reads=True, writes=False),
    "list": Format("plain list: a name, address or URL a line", reads=True),
    "csv": Format(
        "table: CSV with any columns", reads=True, asks=True, maps="columns", proves=True
    ),
    "pac": Format("proxy auto-config: goes around the proxy", reads=True, skips=True),
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
    left: list[Rule] = []
    if not found.proves:
        rules, left = unproved(rules, now)
    exported = _module(target).export(rules, now)
    assert isinstance(exported, Exported)
    refused = (one for one in exported.refused if one.rule not in left)
    told = (Refused(msgspec.structs.replace(one, action="pass"), UNPROVED) for one in left)
    return msgspec.structs.replace(exported, refused=(*refused, *told))


def read(target: str, text: str, source: str, options: ReadOptions | None = None) -> Imported:
    """What a target's list says. Raises ConfigError for one that cannot be read, and for columns of what has none."""
    form = _format(target)
    if not form.reads:
        raise ConfigError(source, f"lists of {target} cannot be read back")
    if options is not None and options.columns:
        _check_mapped(form, target, text, source)
    more = (options or ReadOptions(),) if form.asks else ()
    found = _module(target).read(text, source, *more)
    assert isinstance(found, Imported)
    entries = (msgspec.structs.replace(one, row=settled(one.row)) for one in found.entries)
    return msgspec.structs.replace(found, entries=tuple(entries))


def _check_mapped(form: Format, target: str, text: str, source: str) -> None:
    """What a person says of columns must be of use, or the list means something else than he thinks."""
    remedy = "leave --map out, or import it as csv"
    if not form.maps:
        raise ConfigError(source, f"lists of {target} have no columns to map", remedy=remedy)
    if form.maps == "columns" and target != "csv" and not csv.is_table(text):
        raise ConfigError(source, "is no table with a head: it has no columns", remedy=remedy)


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
