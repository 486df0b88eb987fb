"""Lists as administrators keep them, entry by entry: the rule that it becomes, or the reason why it becomes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from addons.bypass.rule import rule_of
from addons.formats.exported import Imported, ReadOptions
from addons.formats.registry import read
from detector.errors import ConfigError

LISTS = Path(__file__).parents[1] / "data" / "lists"
TABLE = {
    ("mitmproxy.yaml", "mitmproxy"): """
  4 .cdn-of-phones.example:443 pass
  5 .files.example pass
  6 .images.example pass
  7 sso.bank.example:443 pass
  8 two.example:443 pass
  8 *.two.example:443 pass
  9 .three.example:443 pass
 10 - never matches
 11 10.1.2.3/32:443 pass
 12 172.16.0.0/16 pass
 13 *:993 pass
 14 - several alternatives
 15 inner.seven.example inspect
 15 .seven.example pass
 17 - mitmproxy decrypts these too
 18 - the inverse
""",
    ("squid.conf", "squid"): """
  2 .bank.example pass
  2 .clinic.example pass
  2 card.example pass
  3 www.pay.example pass
  4 - Squid knows no star
  4 .portal.example pass
  5 198.51.100.7/32 pass
  6 - is no name
  6 - line 9 comes before it
  6 kiosk.example inspect
  7 - no line asks the list unasked
""",
    ("panos.csv", "panos"): """
  2 *.bank.example pass
  3 api.clinic.example pass
  4 - not excluded
""",
    ("panos.xml", "panos"): """
  2 - not excluded
  3 b.example pass
  4 *.c.example pass
  5 /mail\\.[^.]+\\.d\\.example/ pass
""",
    ("panos_category.xml", "panos"): """
  2 bank.example inspect
  2 .bank.example pass
  3 api.clinic.example pass
  4 *.one.example pass
""",
    ("panos_edl.txt", "panos"): """
  1 bank.example pass
  2 clinic.example inspect
  2 .clinic.example pass
  3 - a path is not known
  4 *.one.example pass
  5 198.51.100.0/24 pass
""",
    ("fortios.conf", "fortios"): """
  2 198.51.100.0/24 pass
  5 bank.example pass
 16 clinic.example inspect
 16 .clinic.example pass
 19 - no ssl-exempt that is in use
 29 - a category of FortiGuard's
 40 /.*card.*/ pass
""",
    ("haproxy.cfg", "haproxy"): """
  5 .bank.example pass
  6 .bank.example pass
  7 kiosk.example inspect
 10 *.one.example:443 pass
 11 - goes to 'elsewhere'
""",
    ("nginx.conf", "nginx"): """
  5 .bank.example pass
  6 clinic.example inspect
  6 .clinic.example pass
  7 /card[0-9]+\\.example/ pass
  8 kiosk.bank.example inspect
  9 - goes to 'elsewhere'
""",
    ("envoy.yaml", "envoy"): """
  2 bank.example pass
  2 .bank.example pass
  4 kiosk.bank.example inspect
  6 - goes to
""",
    ("sslproxy.conf", "sslproxy"): """
  1 bank.example pass
  2 - a star behind a site
  3 clinic.example:443 from 10.20.0.1/32 pass
  4 kiosk.example inspect
  5 198.51.100.7/32 pass
""",
}


def beside(name: str) -> str:
    """A file that a list names, from where the lists are."""
    found = LISTS / Path(name).name
    if not found.is_file():
        raise ConfigError(name, "no such file")
    return found.read_text()


def rows(found: Imported) -> list[str]:
    """A line for each entry, in the order of the file."""
    said = [
        (one.line, f"{rule.pattern} {rule.action}")
        for one in found.entries
        if (rule := rule_of(one.row))
    ]
    said += [(one.line, f"- {one.why}") for one in found.unread]
    return [f"{line:3} {text}" for line, text in sorted(said, key=lambda one: one[0])]


@pytest.mark.parametrize(("file", "target"), TABLE)
def test_every_entry_is_a_rule_or_has_a_reason(file: str, target: str) -> None:
    found = read(target, (LISTS / file).read_text(), file, ReadOptions(beside=beside))
    table = rows(found)
    print(file, *table, sep="\n")
    wanted = TABLE[file, target].strip("\n").split("\n")
    assert sorted(wanted) == sorted(
        line[: len(want)] if " - " in line[:6] else line
        for line, want in zip(sorted(table), sorted(wanted), strict=True)
    )


@pytest.mark.parametrize(("file", "target"), TABLE)
def test_no_entry_of_a_file_is_lost(file: str, target: str) -> None:
    found = read(target, (LISTS / file).read_text(), file, ReadOptions(beside=beside))
    assert all(one.line for one in (*found.entries, *found.unread))
    assert all(one.text for one in (*found.entries, *found.unread))


def test_a_file_that_is_named_and_not_there_is_told_and_keeps_back_what_it_may_hold() -> None:
    text = 'acl n ssl::server_name "gone.txt" a.example\nacl m ssl::server_name b.example\n'
    text += "ssl_bump bump n\nssl_bump splice m\n"
    found = read("squid", text, "squid.conf")
    assert [row.action for row in found.rows] == ["inspect"]
    assert any("gone.txt" in one.why for one in found.unread)


def test_backends_of_others_are_read_as_the_administrator_says() -> None:
    options = ReadOptions(columns={"elsewhere": "pass"})
    for file, target in (("haproxy.cfg", "haproxy"), ("nginx.conf", "nginx")):
        found = read(target, (LISTS / file).read_text(), file, options)
        assert ("other.example", "pass") in {(row.host, row.action) for row in found.rows}
        assert found.unread == ()


def test_files_that_are_included_by_a_pattern_may_decide_before_what_follows() -> None:
    lines = "acl m ssl::server_name b.example\n{}ssl_bump splice m\n"
    include = "include /etc/squid/conf.d/*.conf\n"
    assert len(read("squid", lines.format(""), "x").rows) == 1
    found = read("squid", lines.format(include), "x")
    assert (found.rows, [one.line for one in found.unread]) == ((), [2, 1])
