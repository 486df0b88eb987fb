"""Sophos Firewall: web exceptions that skip HTTPS decryption: expressions one a line, or the XML API's answer.

Source: docs.sophos.com, "Exceptions": expressions are searched for in host/path, so one that is not anchored also finds
paths. XML API, WebFilterException: `HttpsDecrypt` on skips decryption; the URLRegex, SrcIp, DstIp and WebCategory of
its DomainList must each fit, where they are enabled. The URL group "Local TLS Exclusion List" holds domains, each with
all below it; other groups are read by no exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import shapes
from addons.formats.exported import Exported, Imported, Speech, lines
from addons.formats.gathered import Gathered
from addons.formats.remark import fields
from addons.formats.spelling import Grammar, meaning, network
from addons.formats.xml_elements import Element, parsed
from detector.errors import ConfigError

MAX_LINES = 1_000_000
_SPEECH = Speech(
    host=lambda name: [rf"^{re.escape(name)}/"],
    suffix=lambda name: [rf"^([A-Za-z0-9.-]*\.)?{re.escape(name)}/"],
    wildcard=lambda name: [rf"^[A-Za-z0-9-]+\.{re.escape(name)}/"],
)
_GROUP = Grammar("suffix", "suffix", "a star is no pattern of a URL group", https=None)
_ON = ("on", "yes", "1", "true", "enable")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """One expression a line."""
    return lines(rules, now, _SPEECH)


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for XML that is none."""
    gathered = Gathered()
    if text.lstrip("\ufeff \n\r\t")[:1] == "<":
        root = parsed(text, source)
        top = Element("", 0, children=[root])  # the entity may stand alone
        for node in top.all("WebFilterException"):
            _exception(gathered, node)
        for node in top.all("WebFilterURLGroup"):
            _group(gathered, node)
        return gathered.done()
    for number, line in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError(source, f"has more than {MAX_LINES} lines")
        if line.strip() and not line.lstrip().startswith("#"):
            gathered.add(number, line.strip(), shapes.meaning(line.strip(), path=True))
    return gathered.done()


def _exception(gathered: Gathered, node: Element) -> None:
    name, about = _text(node, "Name"), fields(_text(node, "Desc"))
    about.setdefault("reason", f"Sophos's exception {name}")
    regexes, places = list(node.all("URLRegex")), [*node.all("DstIp"), *node.all("DstIP")]
    clients, categories = [*node.all("SrcIp"), *node.all("SrcIP")], list(node.all("WebCategory"))
    if not [*regexes, *places, *clients, *categories] and not _text(node, "Name"):
        return
    regexes = regexes if _on(node, "EnableURLRegex", bool(regexes)) else []
    places = places if _on(node, "EnableDstIP", bool(places)) else []
    clients = clients if _on(node, "EnableSrcIP", bool(clients)) else []
    categories = categories if _on(node, "EnableWebCat", bool(categories)) else []
    why = None
    if not _on(node, "Enabled", True):
        why = "the exception is not enabled"
    elif not _on(node, "HttpsDecrypt", False):
        why = "the exception does not skip HTTPS decryption"
    elif categories:
        why = "it asks for a category of Sophos's, whose members are not in the file"
    elif regexes and places:
        why = "it asks for a name and an address at once"
    sources = [_client(one.text) for one in clients] or [None]
    if why is None and None in sources and clients:
        why = "it asks for clients by a name, whose addresses are not in the file"
    if why is not None or not (regexes or places):
        gathered.unread(
            node.line, name, why or "it asks for no name and no address: that is every host"
        )
    for one in (*regexes, *places):
        for client in sources if why is None else ():
            found = (
                network(one.text) or "is no address"
                if one in places
                else shapes.meaning(one.text, path=True)
            )
            more = about if client is None else {**about, "client": client}
            gathered.add(one.line, one.text, found, **more)
        if why is not None:
            gathered.unread(one.line, one.text, why)


def _text(node: Element, tag: str) -> str:
    found = node.one(tag)
    return "" if found is None else found.text


def _on(node: Element, tag: str, default: bool) -> bool:
    text = _text(node, tag)
    return text.lower() in _ON if text else default


def _client(text: str) -> str | None:
    found = network(text)
    return found[0].value if found is not None and len(found) == 1 else None


def _group(gathered: Gathered, node: Element) -> None:
    name = _text(node, "Name")
    local = name.lower() == "local tls exclusion list"
    for one in node.all("URL"):
        why = f"the URL group {name} is read by no exception"
        gathered.add(one.line, one.text, meaning(one.text, _GROUP) if local else why)
