"""How PAN-OS writes names: its exclusion list has stars of one label, its URL lists tokens of one or of several.

Source: docs.paloaltonetworks.com, "Exclude a Server from Decryption for Technical Reasons"; "Guidelines for URL
Category Exceptions"; "Formatting Guidelines for an External Dynamic List".

Rules
-----
1. In the exclusion list a star is one label.
2. In a URL list and an EDL "^" is one label and "*" is one or more; each is a whole label.
3. Before a connection is decrypted its name alone is known: an entry with a path is for none.
4. Without a slash at its end PAN-OS takes names that go on there, too (a.com.evil.example). Here it ends there.
"""

from __future__ import annotations

import re

from addons.bypass.place import apart
from addons.bypass.rule import RuleRow
from addons.formats import addresses
from addons.formats.settling import Named

_TOKENS = re.compile(r"(?:[\w-]+|\*|\^)(?:\.(?:[\w-]+|\*|\^))*\.?")
_SEVERAL, _ONE = r"[^.]+(?:\.[^.]+)*", r"[^.]+"
_EVERYTHING = "any host is everything: no list of exceptions says it"


def excluded(name: str, line: int, text: str = "") -> Named:
    """An entry of the exclusion list."""
    return _named(name, line, text or name, several=False)


def url(entry: str, line: int, file: str = "") -> list[Named]:
    """An entry of a URL list or an EDL; a range of addresses may be several networks."""
    written = re.sub(r"^https?://", "", entry.strip(), flags=re.IGNORECASE)
    host, slash, path = written.partition("/")
    try:
        found = addresses.networks(host if not path.isdecimal() else written)
    except ValueError:
        found = []
    if found and (not path or path.isdecimal()):
        return [Named(RuleRow(cidr=one), line, entry, file) for one in found]
    if path or (not slash and "?" in host):
        why = "a path is not known before decryption, so PAN-OS takes it for no connection"
        return [Named(RuleRow(), line, entry, file, why=why)]
    return [_named(host, line, entry, several=True, file=file)]


def _named(name: str, line: int, text: str, *, several: bool, file: str = "") -> Named:
    name, port = apart(name)
    at = (line, text, file)
    try:
        (network, *_) = addresses.networks(name)
        return Named(RuleRow(cidr=network, port=port), *at)
    except ValueError:
        pass
    if not _TOKENS.fullmatch(name):
        return Named(RuleRow(), *at, why="is no name: a star or ^ stands for whole labels")
    labels = name.rstrip(".").split(".")
    if not several and "^" in labels:
        return Named(RuleRow(), *at, why="the exclusion list knows no ^")
    signs = [one for one in labels if one in ("*", "^")]
    if not signs:
        return Named(RuleRow(host=name, port=port), *at)
    if len(signs) == len(labels):
        return Named(RuleRow(), *at, why=_EVERYTHING)
    rest = ".".join(labels[1:])
    if len(signs) == 1 and labels[0] in signs:
        if labels[0] == "*" and several:
            return Named(RuleRow(suffix=rest, port=port), *at, without=True)
        return Named(RuleRow(wildcard=rest, port=port), *at)
    star = _SEVERAL if several else _ONE
    said = [star if one == "*" else _ONE if one == "^" else re.escape(one) for one in labels]
    return Named(RuleRow(regex=r"\.".join(said), port=port), *at)
