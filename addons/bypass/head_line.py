"""A head as one line of syslog (RFC 5424), and heads found again in whatever a log server made of such lines.

The signature is in the line, so a log that others write to as well proves nothing false: a line that the key
did not sign is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from addons.bypass.audit import AuditEntry, Head
from addons.bypass.shown import shown

# authpriv, notice (RFC 5424 section 6.2.1).
_PRIORITY = 10 * 8 + 5
# The enterprise number that RFC 5612 keeps for documentation: tlsight has none of its own.
_ID = "tlsight@32473"
_MOST = 200
_FOUND = re.compile(
    r'store="(?P<store>(?:[^"\\]|\\.){1,1000})" entry="(?P<number>\d{1,15})" digest="(?P<digest>[0-9a-f]{64})"'
    r' key="(?P<key>[0-9a-f]{64})" signature="(?P<signature>[0-9a-f]{128})"'
)


def head_line(head: Head, entry: AuditEntry, *, store: str, host: str, process: int) -> bytes:
    """RFC 5424 section 6: a message with the head as structured data, and what was done in words.

    Args:
        head: of this entry.
        entry: what was done.
        store: names the store, e.g. "gateway:/var/lib/tlsight/bypass.sqlite3".
        host: this machine's name.
        process: its id.

    """
    name = "".join(c for c in host if "!" <= c <= "~")[:255] or "-"
    data = (
        f'[{_ID} store="{_quoted(store)}" entry="{head.number}" digest="{head.digest}"'
        f' key="{head.key}" signature="{head.signature}"]'
    )
    words = shown(f"{entry.action} {entry.subject} by {entry.by}")[:_MOST]
    # A time of RFC 5424 has at most six digits of a second, as isoformat does.
    text = f"<{_PRIORITY}>1 {entry.at} {name} tlsight {process} bypass-audit {data} {words}"
    return text.encode("utf-8", "replace")


def heads_in(lines: Iterable[str], store: str, keys: Iterable[str]) -> Iterator[Head]:
    """The heads in a log that are of this store by its name, or by one of these keys."""
    known = set(keys)
    for line in lines:
        found = _FOUND.search(line)
        if found is not None and (found["store"] == _quoted(store) or found["key"] in known):
            yield Head(int(found["number"]), found["digest"], found["key"], found["signature"])


def _quoted(text: str) -> str:
    """A PARAM-VALUE (section 6.3.3), in one line."""
    return re.sub(r'(["\\\]])', r"\\\1", shown(text))
