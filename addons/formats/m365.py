"""Microsoft 365's endpoints, as its web service publishes them: what Microsoft asks not to inspect.

Source: learn.microsoft.com, "Office 365 IP Address and URL web service" and "Network connectivity principles": TLS
inspection is to be left out for the categories Optimize and Allow; of Default nothing is asked. "*.x" is any name below
x; a star inside a name is read as letters of one label. A set's addresses are those of its servers; each TCP port but
80, which is plain, is a rule. UDP is not decrypted at all. The list is Microsoft's: nothing is written in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from addons.bypass.rule import Rule
from addons.formats.exported import Exported, Imported, Refused, why_not
from addons.formats.gathered import Found, Gathered
from addons.formats.json_lines import Lines, loaded, objects, texts
from addons.formats.spelling import Grammar, meaning
from detector.errors import ConfigError

_GRAMMAR = Grammar("host", "below", "below", label="[^.]*", https=None)
_KEYS = ("urls", "ips", "tcpPorts", "udpPorts", "category", "serviceArea")
_WIDEST = 16
_WHOSE = "the list is Microsoft's, who writes it"


def export(rules: Iterable[Rule], now: datetime) -> Exported:  # noqa: ARG001 (nothing is written)
    return Exported("[]\n", tuple(Refused(one, why_not(one) or _WHOSE) for one in rules))


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for what is no list of endpoint sets."""
    data, at = loaded(text, source)
    sets = objects(data, "endpoints", "value")
    if data != [] and not any(key in one for one in sets[:1] for key in _KEYS):
        raise ConfigError(source, "no list of endpoint sets")
    gathered = Gathered()
    for number, one in enumerate(sets, 1):
        _set(gathered, one, f"set {one.get('id', number)}", at)
    return gathered.done()


def _set(gathered: Gathered, one: dict[str, Any], called: str, at: Lines) -> None:
    entries = [*texts(one.get("urls")), *texts(one.get("ips"))]
    category = one.get("category")
    ports = _ports(one.get("tcpPorts"))
    why = None
    if category not in ("Optimize", "Allow"):
        why = f"{called} is {category or 'of no category'}: Microsoft asks nothing of it"
    elif not ports:
        why = f"{called} has no TCP port but 80"
    elif isinstance(ports, str):
        why = f"{called}: {ports}"
    service = one.get("serviceAreaDisplayName", one.get("serviceArea", ""))
    about = {
        "reason": f"Microsoft 365: {service}",
        "evidence": f"endpoints.office.com, {called}, {category}",
    }
    for entry in entries:
        found: Found = why if why is not None else meaning(entry, _GRAMMAR)
        if not isinstance(found, str) and not isinstance(ports, str):
            found = [pattern._replace(port=port) for port in ports for pattern in found]
        gathered.add(at.of(entry), entry, found, **about)


def _ports(value: object) -> list[int] | str:
    """TCP ports that may be TLS; why they cannot be told."""
    found: list[int] = []
    for part in re.split(r"[\s,]+", value[:500]) if isinstance(value, str) else ():
        first, _, last = part.partition("-")
        if not part:
            continue
        if not (re.fullmatch(r"[0-9]{1,5}", first) and re.fullmatch(r"[0-9]{0,5}", last)):
            return f"{part!r} is no port"
        span = range(int(first), int(last or first) + 1)
        if len(span) > _WIDEST:
            return f"{part} are more ports than rules are made for"
        found += span
    return [port for port in dict.fromkeys(found) if port != 80]
