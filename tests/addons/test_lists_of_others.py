"""Lists in the shapes of other products, entry by entry: which rule each became, or why none."""

from __future__ import annotations

from pathlib import Path

import pytest

from addons.bypass.rule import rule_of
from addons.formats import registry

LISTS = Path(__file__).parents[1] / "data" / "lists"
FILES = {
    "edl.txt": "list", "ips.txt": "list", "nobump.txt": "list", "sheet.csv": "csv", "zscaler.csv": "zscaler",
    "zscaler.json": "zscaler", "umbrella.json": "umbrella", "netskope.json": "netskope", "sophos.xml": "sophos",
    "checkpoint.json": "checkpoint", "proxysg.cpl": "bluecoat", "gateway.json": "cloudflare",
    "user.action": "privoxy", "proxy.pac": "pac", "no_proxy.sh": "no-proxy", "chrome.json": "chrome",
    "policies.json": "firefox", "endpoints.json": "m365", "wsa.json": "cisco-wsa", "ftd.json": "cisco-ftd",
    "exceptionsitelist": "e2guardian",
}  # fmt: skip


def table(name: str) -> str:
    """A line an entry, in the order of the list."""
    text = (LISTS / name).read_bytes().decode("utf-8-sig")
    found = registry.read(FILES[name], text, name)
    lines = [
        (
            one.line,
            f"{_flat(one.text)} -> {one.row.action} {rule_of(one.row).pattern}{_about(one.row)}",
        )
        for one in found.entries
    ]
    lines += [(one.line, f"{_flat(one.text)} -- {one.why}") for one in found.unread]
    said = [f"  {line}: {text}" for line, text in sorted(lines, key=lambda one: one[0])]
    return "\n".join([f"{FILES[name]} {name}", *said, *(f"  note: {one}" for one in found.notes)])


def _flat(text: str) -> str:
    return " ".join(text.split())


def _about(row: object) -> str:
    told = {key: getattr(row, key) for key in ("owner", "reason", "ticket", "expires")}
    said = ", ".join(f"{key} {_flat(str(value))}" for key, value in told.items() if value)
    return f" ({said})" if said else ""


@pytest.mark.parametrize("name", FILES)
def test_each_entry_is_the_rule_or_the_reason_that_the_table_says(name: str) -> None:
    told = (LISTS / "table.txt").read_text().split("\n\n")
    expected = {part.split("\n")[0]: part.rstrip("\n") for part in told}
    found = table(name)
    print(found)
    assert found == expected[found.split("\n")[0]]
