"""Check Point: domain objects and a group, for a bypass rule above the one that inspects.

Source: Check Point Management API, "add dns-domain": names begin with a dot; is-sub-domain says whether the
names below it belong to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.exported import Exported, Speech, name_list

_SPEECH = Speech(
    host=lambda name: [f'mgmt_cli add dns-domain name ".{name}" is-sub-domain false'],
    suffix=lambda name: [f'mgmt_cli add dns-domain name ".{name}" is-sub-domain true'],
    wildcard="a domain object is one name, or all names below it",
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Commands for mgmt_cli; the group's rule is the administrator's."""
    said, refused = name_list(rules, now, _SPEECH)
    lines: list[str] = []
    for number, (_, commands) in enumerate(said, 1):
        name = commands[0].split('"')[1]
        lines += [*commands, f'mgmt_cli set group name tlsight members.add.{number} "{name}"']
    if lines:
        lines.insert(0, "mgmt_cli add group name tlsight")
    return Exported("".join(f"{line}\n" for line in lines), refused)
