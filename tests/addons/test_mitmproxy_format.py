"""What becomes of a mitmproxy's config.yaml: rules of ignore_hosts, and of nothing else."""

from __future__ import annotations

import pytest

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
