"""What becomes of a mitmproxy's config.yaml: rules of ignore_hosts, and of nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import rule_of
from addons.formats.mitmproxy import read

CONFIG = r"""# kept by hand
ssl_insecure: false
listen_port: 8080
scripts:
  - ~/log.py
ignore_hosts:
  - ^(.+\.)?cdn\.example:443$
  - '^api\.bank\.example:443$'        # asked for by the app's team
  - "^login\\.bank\\.example:443$"
  - 'static\.example'
tcp_hosts:
  - ^mqtt\.example:8883$
allow_hosts:
- ^(.+\.)?inspect-only-this\.example:443$
udp_hosts: ['^dns\.example:853$', '^voip\.example:5061$']
"""


def test_only_ignore_hosts_lets_anything_through() -> None:
    found = read(CONFIG, "config.yaml")
    assert [(rule_of(row).pattern, row.action) for row in found.rows] == [
        (".cdn.example:443", "pass"), ("api.bank.example:443", "pass"),
        ("login.bank.example:443", "pass"),
    ]  # fmt: skip
    assert [(one.line, one.text) for one in found.unread] == [
        (10, r"static\.example"), (12, r"^mqtt\.example:8883$"),
        (14, r"^(.+\.)?inspect-only-this\.example:443$"), (15, r"^dns\.example:853$"),
        (15, r"^voip\.example:5061$"),
    ]  # fmt: skip
    why = {one.line: one.why for one in found.unread}
    assert "lets all others through" in why[14]
    assert "decrypts these too" in why[12]


@pytest.mark.parametrize("option", ["allow_hosts", "tcp_hosts", "udp_hosts"])
@pytest.mark.parametrize(
    "form",
    [
        '"{0}":\n  - {1}\n',
        "ignore_hosts: []\n  {0}:\n  - {1}\n",
        "{0}:\n  - {1}\n",
        "{0}:\n- {1}\n",
        "{0}: [{1}]\n",
        "{0} : # why\n    - {1}\n",
        "{0}: ['{1}']  # x\n",
    ],
)
def test_in_no_form_of_yaml_do_the_sisters_become_rules(option: str, form: str) -> None:
    found = read(form.format(option, r"^a\.example:443$"), "config.yaml")
    assert found.rows == ()
    assert [one.text for one in found.unread if not one.text.startswith("#")] == [
        r"^a\.example:443$"
    ]


def test_after_a_sister_ignore_hosts_counts_again() -> None:
    text = "allow_hosts: []\nignore_hosts:\n  - ^a\\.example:443$\n"
    found = read(text, "config.yaml")
    assert ([row.host for row in found.rows], found.unread) == (["a.example"], ())


def test_a_bare_list_is_one_of_ignored_hosts() -> None:
    found = read("^a\\.example:443$\n- '^b\\.example:\\d+$'\n", "list")
    assert [(row.host, row.port) for row in found.rows] == [("a.example", 443), ("b.example", None)]


@pytest.mark.parametrize(
    ("entry", "patterns"),
    [
        (r"^(.+\.)?apple\.com:443$", [".apple.com:443"]),
        (r"^(?:.*\.)?apple\.com:443$", [".apple.com:443"]),
        (r"(^|\.)x\.com:443$", [".x.com:443"]),
        (r"(?:\.|^)x\.com:443", [".x.com:443"]),
        (r"example\.com:443", [".example.com:443"]),
        (r"example[.]com:443$", [".example.com:443"]),
        (r"^([^.]+\.)?one\.com:443$", ["one.com:443", "*.one.com:443"]),
        (r"^[^.]+\.one\.com:443$", ["*.one.com:443"]),
        (r"^[^.:]+\.one\.com:\d+$", ["*.one.com"]),
        (r"^a\.com:(443|8443)$", ["a.com:443", "a.com:8443"]),
        (r"^a\.com(:\d+)?$", ["a.com"]),
        (r"10\.20\.30\.40:443", ["10.20.30.40/32:443"]),
        (r"192\.168\..*", ["192.168.0.0/16"]),
        (r"^10\..+", ["10.0.0.0/8"]),
        (r".*:5061", ["*:5061"]),
        (r":5061$", ["*:5061"]),
        (r"^api[0-9]+\.x\.com:443$", [r"/api[0-9]+\.x\.com/:443"]),
        (r"^.+\.x\.com:443$", [r"/.+\.x\.com/:443"]),
        (r".*card.*", ["/.*card.*/"]),
        (r"\.x\.com:443", [r"/.*\.x\.com/:443"]),
    ],
)
def test_host_and_port_as_people_write_them_become_rules(entry: str, patterns: list[str]) -> None:
    found = read(f"ignore_hosts:\n- '{entry}'\n", "config.yaml")
    assert ([rule_of(row).pattern for row in found.rows], found.unread) == (patterns, ())


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (r"static\.com", "open at its end"),
        (r"^(.*\.)?cloud\.com", "open at its end"),
        (r"^three\.com$", "never matches"),
        (r"(^|\.)three\.com$", "never matches"),
        (r"^a\.com|b\.com:443$", "several alternatives"),
        (r"bank[0-9]\.com:443$", "open in front"),
        (r"^(?!a\.)b\.com:443$", "look ahead"),
        (r"999\.1\..*", "does not appear to be"),
        (r".*", "any host is everything"),
        (r"^a\.com:0$", "port 0"),
        (r"^a:b:443$", "colon"),
    ],
)
def test_what_cannot_be_said_is_left_out_with_its_line_and_reason(entry: str, why: str) -> None:
    found = read(f"ignore_hosts:\n- '{entry}'\n", "config.yaml")
    assert found.rows == ()
    assert [(one.line, one.text) for one in found.unread] == [(2, entry)]
    assert why in found.unread[0].why


PARTS = st.sampled_from(
    ("^", "$", ".*", ".+", r"\.", "[.]", "a", "b", "10", "(", ")", "(?:", "?", "*", "|", ":443", ":", r"\d+", "[^.]+",
     "(^|\\.)", "(.+\\.)?", "([^.]+\\.)?", "(443|80)", r":\d+$")
)  # fmt: skip
NAMES = st.lists(st.sampled_from(("a", "b", "10", "ab")), min_size=1, max_size=4).map(".".join)


@settings(max_examples=1000, deadline=None)
@given(st.lists(PARTS, max_size=7).map("".join), NAMES, st.sampled_from((80, 443, 4433)))
def test_no_rule_passes_what_mitmproxy_would_not_ignore(entry: str, name: str, port: int) -> None:
    try:
        theirs = re.compile(entry, re.IGNORECASE)
    except re.error:
        return
    rules = Matcher(map(rule_of, read(f"- {entry}", "list").rows))
    address = name if re.fullmatch(r"10(\.10){3}", name) else None
    there = Arrival(None if address else name, name, address, port)
    if rules.match(there, datetime(2026, 11, 23, tzinfo=UTC)) is not None:
        assert theirs.search(f"{name}:{port}"), [
            rule_of(row).pattern for row in read(f"- {entry}", "list").rows
        ]
