"""Fortinet FortiOS: wildcard-fqdn objects, and an ssl-exempt list that refers to them by name.

Source: docs.fortinet.com, CLI reference, "firewall wildcard-fqdn custom" and "firewall ssl-ssh-profile": the
exemption takes names of objects, never patterns; a star stands for any number of labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule, RuleRow
from addons.formats import fortios_exempt
from addons.formats.domain_list import both, itself
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.fortios_config import parsed
from addons.formats.settling import unordered

_SPEECH = Speech(
    host=itself, suffix=both, wildcard="FortiOS's star stands for any number of labels"
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    said, refused = name_list(rules, now, _SPEECH)
    names = list(dict.fromkeys(name for _, entries in said for name in entries))
    objects = ["config firewall wildcard-fqdn custom"]
    exempt = ["config firewall ssl-ssh-profile", '    edit "tlsight"', "        config ssl-exempt"]
    for number, name in enumerate(names, 1):
        label = f"tlsight-{number}"
        objects += [f'    edit "{label}"', f'        set wildcard-fqdn "{name}"', "    next"]
        exempt += [
            f"            edit {number}", "                set type wildcard-fqdn",
            f'                set wildcard-fqdn "{label}"', "            next",
        ]  # fmt: skip
    lines = [*objects, "end", *exempt, "        end", "    next", "end"]
    return Exported("\n".join(lines) + "\n", refused)


def read(text: str, source: str) -> Imported:
    """What the ssl-exempt lists name. Raises ConfigError beyond the bounds of fortios_config.py."""
    named, unread = fortios_exempt.exempted(parsed(text, source))
    return unordered(named, unread)


def paired(entries: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """A name, and a star for all below it, together become a dot and the name."""
    names = {name for _, name in entries}
    return [
        (line, name.removeprefix("*") if name.removeprefix("*.") in names else name)
        for line, name in entries
        if not (not name.startswith("*") and f"*.{name}" in names)
    ]


def star_or_host(name: str) -> RuleRow | str:
    """A star for any number of labels is no rule of ours by itself."""
    if name.startswith("*"):
        return "any number of labels, without the name itself, is no rule: write .name or *.name"
    return RuleRow(suffix=name) if name.startswith(".") else RuleRow(host=name)
