"""What becomes of a mitmproxy's config.yaml: rules of ignore_hosts, and of nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule, rule_of
from addons.formats.mitmproxy import export, read
from detector.errors import ConfigError

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
        ("login.bank.example:443", "pass"), (".static.example", "pass"),
    ]  # fmt: skip
    assert [(one.line, one.text) for one in found.unread] == [
        (12, r"^mqtt\.example:8883$"),
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


def test_what_mitmproxy_would_not_load_is_refused_with_its_line() -> None:
    for text, line in (
        ("ignore_hosts: []\n  tcp_hosts:\n  - a\n", 2), ("a: 1\na: 2\n", 2), ("ignore_hosts: [\n", 2),
        ("ignore_hosts:\n- *nobody\n", 2), ("ignore_hosts: []\n---\nb: 1\n", 2),
    ):  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            read(text, "config.yaml")
        assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "x: &h ['^a\\.example:443$']\nignore_hosts: *h\n",
        'ignore_hosts:\n- "^a\\\\.example:443$" # why\n',
        "{ignore_hosts: ['^a\\.example:443$'], tcp_hosts: []}",
        "ignore_hosts:\n- >-\n  ^a\\.example:443$\n",
        "base: &b\n  ignore_hosts: ['^a\\.example:443$']\n<<: *b\n",
        "mitmdump --ignore-hosts '^a\\.example:443$'",
        "mitmdump -q \\\n  --set ignore_hosts='^a\\.example:443$'  # why\n",
        "set ignore_hosts=^a\\\\.example:443$",
        "--ignore-hosts=^a[.]example:443$",
        "OPTS=\"${OPTS} --ignore-hosts '^a\\\\.example:443$'\"",
    ],
)
def test_an_entry_is_found_wherever_mitmproxy_takes_it_from(text: str) -> None:
    found = read(text, "config.yaml")
    assert ([rule_of(row).pattern for row in found.rows], found.unread) == (["a.example:443"], ())


def test_what_is_no_list_of_expressions_is_told() -> None:
    found = read("ignore_hosts: ^a:443$\ntcp_hosts: ~\n", "config.yaml")
    assert (found.rows, [one.line for one in found.unread]) == ((), [1])
    found = read("ignore_hosts:\n- [a]\n- {b: c}\n", "config.yaml")
    assert (found.rows, [one.line for one in found.unread]) == ((), [2, 3])


def test_aliases_of_aliases_cost_what_the_text_is_long() -> None:
    text = "a0: &a0 ['^a\\.example:443$']\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
    )
    found = read(f"{text}ignore_hosts: *a39\n", "config.yaml")
    assert (found.rows, len(found.unread)) == ((), 9)


def test_only_exceptions_of_a_rule_stand_in_its_line() -> None:
    many = [Rule(suffix=f"pass{n}.example") for n in range(2000)]
    but = [Rule(host=f"deep.pass{n}.example", action="inspect") for n in range(200)]
    text = export([*many, *but], datetime(2026, 11, 23, tzinfo=UTC)).text
    assert len(text) < 200_000
    assert r"'^(?!deep\.pass7\.example:\d+$)(?:.+\.)?pass7\.example:\d+$'" in text


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
        (r"static\.com", [".static.com"]),
        (r"^(.*\.)?cloud\.com", [".cloud.com"]),
        (r"^static\.com", ["static.com"]),
        (r"dns.google.com", [".dns.google.com"]),
        (r"10.20.30.40", ["10.20.30.40/32"]),
        (r"192\.168\.", ["192.168.0.0/16"]),
        (r"^a\.com(:443)?$", ["a.com:443"]),
        (r"^a.com:", ["a.com"]),
        (r"^(.+\.)?a\.com:", [".a.com"]),
        (r"a\.com:", [".a.com"]),
        (r"one\.com|two\.com", [".one.com", ".two.com"]),
        (r"(^|\.)(one\.com|two\.com)(:[0-9]+)?$", [".one.com", ".two.com"]),
    ],
)
def test_host_and_port_as_people_write_them_become_rules(entry: str, patterns: list[str]) -> None:
    found = read(f"ignore_hosts:\n- '{entry}'\n", "config.yaml")
    assert ([rule_of(row).pattern for row in found.rows], found.unread) == (patterns, ())


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (r"static", "open at its end"),
        (r"^192\.168\.$", "never matches"),
        (r"(^|\\.)a\\.com:443$", "finds a backslash"),
        (r"^(?!a\.com)(?:.+\.)?com:443$", "look ahead"),
        (r"^three\.com$", "never matches"),
        (r"(^|\.)three\.com$", "never matches"),
        (r"^a\.com|b\.com:443$", "several alternatives"),
        (r"bank[0-9]\.com:443$", "open in front"),
        (r"^(?!a\.)b\.com:443$", "look ahead"),
        (r"one\.com|two\.com:443$", "several alternatives"),
        (r"one\.com|static", "open at its end"),
        (r"^10\.(0|1)\..*", "an expression of addresses"),
        (r"999\.1\..*", "does not appear to be"),
        (r".*", "any host is everything"),
        (r"^a\.com:0$", "port 0"),
        (r"^a:b:443$", "colon"),
        (r"^e\.example:4", "every port that begins with 4"),
        (r"^e\.example:(4|443)", "every port that begins with 4"),
    ],
)
def test_what_cannot_be_said_is_left_out_with_its_line_and_reason(entry: str, why: str) -> None:
    found = read(f"ignore_hosts:\n- '{entry}'\n", "config.yaml")
    assert found.rows == ()
    assert [(one.line, one.text) for one in found.unread] == [(2, entry)]
    assert why in found.unread[0].why


@pytest.mark.parametrize(
    ("entry", "noted"),
    [(r"^a\.com:443", True), (r"^a\.com:(443|80)", True), (r"a\.com(:443)?", True), (r"^a\.com:443$", False),
     (r"^a\.com:8443", False), (r"^a\.com:\d+", False), (r"^a\.com:4$", False)],
)  # fmt: skip
def test_a_port_that_goes_on_is_read_as_itself_and_told(entry: str, noted: bool) -> None:
    found = read(f"ignore_hosts:\n- '{entry}'\n", "config.yaml")
    assert found.rows
    assert [note.endswith("line 2") for note in found.notes] == ([True] if noted else [])


PARTS = st.sampled_from(
    ("^", "$", ".*", ".+", r"\.", "[.]", "a", "b", "10", "(", ")", "(?:", "?", "*", "|", ":443", ":", r"\d+", "[^.]+",
     "(^|\\.)", "(:443)?", "(a|b)", ".", "a.b", "10.", "(.+\\.)?", "([^.]+\\.)?", "(443|80)", r":\d+$")
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
