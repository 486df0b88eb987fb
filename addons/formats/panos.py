"""Palo Alto PAN-OS: the SSL decryption exclusion list, as XML for `load config partial`; what is read back is more.

Source: docs.paloaltonetworks.com, "Exclude a Server from Decryption": a star is one label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from addons.bypass.rule import Rule
from addons.bypass.shown import shown
from addons.formats import panos_lists, panos_set, panos_xml
from addons.formats.domain_list import itself, starred
from addons.formats.exported import Entry, Exported, Imported, Speech, name_list
from addons.formats.settling import Line, settle
from addons.formats.xml_elements import parsed

_SPEECH = Speech(
    host=itself,
    suffix="a star of PAN-OS is one label: names deeper below, and any new one, would be inspected",
    wildcard=starred,
)

# A description of our own: who answers for it, and until when.
_OURS = re.compile(
    r"(?P<reason>[^()]*) \((?P<owner>[^()]*), until (?P<until>None|\d{4}-\d\d-\d\d)\)"
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    said, refused = name_list(rules, now, _SPEECH)
    lines = ["<ssl-exclude-cert>"]
    for rule, names in said:
        # XML 1.0 section 2.2 has no way to say a control character, not even as a reference.
        about = ""
        if rule.reason or rule.owner or rule.until:
            about = shown(f"{rule.reason} ({rule.owner}, until {rule.until or 'None'})")[:255]
            about = f"<description>{escape(about)}</description>"
        lines += [
            f"  <entry name={quoteattr(name)}><exclude>yes</exclude>{about}</entry>"
            for name in names
        ]
    return Exported("\n".join([*lines, "</ssl-exclude-cert>"]) + "\n", refused)


def read(text: str, source: str) -> Imported:
    """The exclusion list as CSV, all of it as XML or `set` commands with categories and rules, or the text of an EDL.

    Raises ConfigError for what looks like XML and is none.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        lines, unread, about = panos_xml.lines(parsed(text.lstrip("\ufeff \t\r\n"), source))
    elif panos_set.is_commands(text):
        root, commands = panos_set.tree(text, source)
        lines, unread, about = panos_xml.lines(root)
        unread = [*commands, *unread]
    elif panos_lists.is_table(text):
        named, unread, about = panos_lists.table(text, source)
        lines = [Line("pass", tuple(named))]
    else:
        lines, unread, about = [Line("pass", tuple(panos_lists.entries(text, source)))], [], {}
    found = settle(lines, unread)
    return msgspec.structs.replace(
        found, entries=tuple(_described(one, about.get(one.line, "")) for one in found.entries)
    )


def _described(entry: Entry, about: str) -> Entry:
    """With the description as its reason, and the owner and the end that our own exports put there."""
    written = _OURS.fullmatch(about)
    fields: dict[str, Any] = {"reason": about}
    if written is not None:
        fields = {"reason": written["reason"], "owner": written["owner"]}
        if written["until"] != "None":
            fields["expires"] = written["until"]
    if not about:
        return entry
    try:
        return msgspec.structs.replace(entry, row=msgspec.structs.replace(entry.row, **fields))
    except ValueError:
        return msgspec.structs.replace(entry, row=msgspec.structs.replace(entry.row, reason=about))
