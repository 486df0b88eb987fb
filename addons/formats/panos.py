"""Palo Alto PAN-OS: the SSL decryption exclusion list, as XML for `load config partial`.

Source: docs.paloaltonetworks.com, "Exclude a Server from Decryption": a star is one label.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from addons.bypass.rule import Rule, RuleRow
from addons.bypass.shown import shown
from addons.formats.domain_list import itself, read_names, starred
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.xml_entries import entries

_SPEECH = Speech(
    host=itself,
    suffix="a star of PAN-OS is one label: names deeper below, and any new one, would be inspected",
    wildcard=starred,
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    said, refused = name_list(rules, now, _SPEECH)
    lines = ["<ssl-exclude-cert>"]
    for rule, names in said:
        # XML 1.0 section 2.2 has no way to say a control character, not even as a reference.
        about = escape(shown(f"{rule.reason} ({rule.owner}, until {rule.until or 'None'})")[:255])
        lines += [
            f"  <entry name={quoteattr(name)}><exclude>yes</exclude>"
            f"<description>{about}</description></entry>"
            for name in names
        ]
    return Exported("\n".join([*lines, "</ssl-exclude-cert>"]) + "\n", refused)


def read(text: str, source: str) -> Imported:
    """Entries that exclude. Raises ConfigError for what is no XML."""

    def meaning(name: str) -> RuleRow | str:
        return RuleRow(wildcard=name) if name.startswith("*.") else RuleRow(host=name)

    return read_names(entries(text, source), meaning)
