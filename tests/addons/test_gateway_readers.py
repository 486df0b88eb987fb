"""Configurations of gateways decide by their own order, steps and conditions, and never pass more as rules."""

from __future__ import annotations

import pytest

from addons.bypass.rule import rule_of
from addons.formats.exported import ReadOptions
from addons.formats.registry import read
from detector.errors import ConfigError

LISTS = (
    "acl step1 at_step SslBump1\nacl step2 at_step SslBump2\nacl step3 at_step SslBump3\n"
    "acl bank ssl::server_name .bank.example\nacl vip ssl::server_name vip.bank.example\n"
    "acl lan src 10.0.0.0/8\nacl tls port 443\nacl hours time 09:00-17:00\nacl far dst 192.0.2.0-192.0.2.255\n"
    "acl shop dstdom_regex shop\nacl either any-of bank far\n"
)


def said(target: str, text: str) -> list[str]:
    """Rules as a person reads them, with what they do where they do not pass."""
    found = read(target, text, "x", ReadOptions())
    return [
        rule.pattern + ("" if rule.action == "pass" else f" {rule.action}")
        for row in found.rows
        if (rule := rule_of(row))
    ]


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        ("splice bank", [".bank.example"]),
        ("splice bank lan tls", [".bank.example:443 from 10.0.0.0/8"]),
        ("splice bank !vip", ["vip.bank.example inspect", ".bank.example"]),
        ("splice bank !lan", [".bank.example from 10.0.0.0/8 inspect", ".bank.example"]),
        ("bump vip\nsplice bank", ["vip.bank.example inspect", ".bank.example"]),
        ("bump bank\nsplice vip", [".bank.example inspect"]),
        ("splice vip\nbump bank", ["vip.bank.example", ".bank.example inspect"]),
        ("terminate vip\nsplice bank", ["vip.bank.example block", ".bank.example"]),
        ("bump !bank", [".bank.example"]),
        ("terminate !bank\nsplice all", [".bank.example"]),
        ("bump all\nsplice bank", []),
        ("splice bank hours", []),
        ("bump hours\nsplice bank", []),
        ("splice all", []),
        ("splice shop", ["/.*shop.*/"]),
        ("bump shop\nsplice bank", ["/.*shop.*/ inspect"]),
        ("bump shop\nsplice vip", ["/.*shop.*/ inspect", "vip.bank.example"]),
        ("splice either", [".bank.example", "192.0.2.0/24"]),
        ("bump far\nsplice bank", ["192.0.2.0/24 inspect"]),
        ("none bank\nserver-first all", [".bank.example"]),
        ("peek step1\nsplice step2 bank\nbump all", [".bank.example"]),
        ("peek step1\nbump step2 all\nsplice step3 bank", []),
        ("peek step1\npeek step2 bank\nsplice step3 bank\nterminate step2 all", [".bank.example"]),
        ("peek step1\nstare step2\nsplice bank\nbump all", []),
        ("splice nobody", []),
    ],
)
def test_squid_asks_lines_in_order_at_each_step(lines: str, rules: list[str]) -> None:
    text = LISTS + "".join(f"ssl_bump {line}\n" for line in lines.split("\n"))
    assert said("squid", text) == rules


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        ("if false\nssl_bump splice bank\nendif\nssl_bump bump all", []),
        ("if true\nssl_bump splice bank\nelse\nssl_bump splice shop\nendif\nssl_bump splice vip", ["vip.bank.example"]),
        ("if a = b\nssl_bump bump vip\nendif\nssl_bump splice bank", ["vip.bank.example inspect", ".bank.example"]),
        ("if a = b\nssl_bump bump all\nelse\nendif\nssl_bump splice bank", []),
        ("if a = b\nif c = d\nendif\nssl_bump splice bank\nendif\nssl_bump splice vip", ["vip.bank.example"]),
        ("if a = b\nacl more ssl::server_name a.example\nendif\nssl_bump splice more", []),
        ("if a = b\nacl vip ssl::server_name a.example\nendif\nssl_bump bump vip\nssl_bump splice bank", ["vip.bank.example inspect"]),
        ("if a = b\nacl vip ssl::server_name a.example\nendif\nssl_bump splice bank !vip", []),
        ("if a = b\nacl step9 at_step SslBump3\nendif\nssl_bump bump step9\nssl_bump splice bank", []),
        ("if a = b\nacl two all-of bank vip\nendif\nssl_bump bump two\nssl_bump splice shop", []),
        ("if a = b\nssl_bump stare step2\nendif\nssl_bump peek step1\nssl_bump splice bank", [".bank.example"]),
        ("ssl_bump bump vip\nssl_bump splice shop\nacl vip ssl::server_name myshop.example", ["vip.bank.example inspect", "myshop.example inspect", "/.*shop.*/"]),
        ("ssl_bump peek step1\ninclude conf.d/*.conf\nssl_bump splice bank", []),
        ("include conf.d/*.conf\nssl_bump peek step1\nssl_bump splice bank\nssl_bump bump all", []),
    ],
)  # fmt: skip
def test_what_squid_may_have_in_force_passes_nothing_and_keeps_back_all(
    lines: str, rules: list[str]
) -> None:
    assert said("squid", f"{LISTS}{lines}\n") == rules


def panos(*rules: str) -> str:
    each = "".join(f'<entry name="r{n}">{rule}</entry>' for n, rule in enumerate(rules))
    return (
        '<config><custom-url-category><entry name="bank"><list><member>bank.example/</member></list>'
        "<type>URL List</type></entry></custom-url-category><rulebase><decryption><rules>"
        f"{each}</rules></decryption></rulebase></config>"
    )


BANK = "<category><member>bank</member></category><action>no-decrypt</action>"
TRUST = "<from><member>trust</member></from>"


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (panos(BANK), ["bank.example"]),
        (panos(BANK, "<action>decrypt</action>"), ["bank.example"]),
        (panos("<action>decrypt</action>", BANK), []),
        (panos("<disabled>yes</disabled><action>decrypt</action>", BANK), ["bank.example"]),
        (panos(BANK + TRUST, "<action>decrypt</action>"), []),
        (panos(BANK + TRUST, f"<action>decrypt</action>{TRUST}"), ["bank.example"]),
        (panos(f"{BANK}<negate-source>yes</negate-source>"), []),
        (panos("<category><member>gambling</member></category><action>no-decrypt</action>"), []),
        (panos("<action>no-decrypt</action>"), []),
    ],
)
def test_panos_reads_a_category_where_a_rule_names_it(text: str, rules: list[str]) -> None:
    assert said("panos", text) == rules


ONE_DEVICE = '<target><negate>no</negate><devices><entry name="0071"/></devices></target>'


@pytest.mark.parametrize(
    "condition",
    [
        ONE_DEVICE, ONE_DEVICE.replace(">no<", ">yes<"), "<target><negate>yes</negate></target>",
        "<target><tags><member>branch</member></tags></target>", "<schedule>office</schedule>",
        "<negate-source-user>yes</negate-source-user>", "<source-hip><member>laptop</member></source-hip>",
        "<negate-destination>yes</negate-destination>", "<something><member>else</member></something>",
    ],
)  # fmt: skip
def test_panos_passes_nothing_by_a_rule_under_a_condition_that_no_rule_says(condition: str) -> None:
    assert said("panos", panos(BANK + condition)) == []
    # Under the same condition a rule that decrypts keeps back what it may be for.
    assert said("panos", panos(f"<action>decrypt</action>{condition}", BANK)) == []


@pytest.mark.parametrize(
    "more",
    [
        "<target><negate>no</negate></target>", "<target><negate>no</negate><devices/></target>",
        "<tag><member>x</member></tag>", "<schedule>any</schedule>", "<negate-source>no</negate-source>",
        "<profile>strict</profile><log-setting>x</log-setting>", "<source-hip><member>any</member></source-hip>",
    ],
)  # fmt: skip
def test_panos_takes_a_rule_for_all_that_says_so_at_length(more: str) -> None:
    assert said("panos", panos(BANK + more)) == ["bank.example"]


def fortios(*profiles: tuple[str, str], policy: str = "") -> str:
    text = 'config firewall wildcard-fqdn custom\nedit a\nset wildcard-fqdn "a.example"\nnext\nedit b\n'
    text += 'set wildcard-fqdn "b.example"\nnext\nend\nconfig firewall ssl-ssh-profile\n'
    for name, objects in profiles:
        text += f"edit {name}\nconfig https\nset status deep-inspection\nend\nconfig ssl-exempt\n"
        text += "".join(
            f"edit {n}\nset type wildcard-fqdn\nset wildcard-fqdn {one}\nnext\n"
            for n, one in enumerate(objects)
        )
        text += "end\nnext\n"
    used = f"config firewall policy\nedit 1\nset ssl-ssh-profile {policy}\nnext\nend\n"
    return text + "end\n" + (used if policy else "")


def test_fortios_exempts_what_every_profile_in_use_exempts() -> None:
    assert said("fortios", fortios(("one", "ab"))) == ["a.example", "b.example"]
    assert said("fortios", fortios(("one", "ab"), ("two", "b"))) == ["b.example"]
    assert said("fortios", fortios(("one", "ab"), ("two", "b"), policy="one")) == [
        "a.example", "b.example",
    ]  # fmt: skip


@pytest.mark.parametrize("head", ["disabled", "User", "Decrypt", "source group"])
def test_a_column_that_panos_has_not_leaves_its_rows_out(head: str) -> None:
    text = f"Hostname,Location,Exclude from decryption,{head}\na.example,shared,yes,x\nb.example,shared,yes,\n"
    assert said("panos", text) == ["b.example"]


def of_vdom(name: str, *parts: str) -> str:
    return f"config vdom\nedit {name}\n{''.join(parts)}end\n"


def objects(**names: str) -> str:
    each = "".join(f"edit {n}\nset wildcard-fqdn {one}\nnext\n" for n, one in names.items())
    return f"config firewall wildcard-fqdn custom\n{each}end\n"


def profile(name: str, *exempt: str) -> str:
    each = "".join(
        f"edit {n}\nset type wildcard-fqdn\nset wildcard-fqdn {one}\nnext\n"
        for n, one in enumerate(exempt)
    )
    return (
        f"config firewall ssl-ssh-profile\nedit {name}\nconfig https\nset status deep-inspection\nend\n"
        f"config ssl-exempt\n{each}end\nnext\nend\n"
    )


def policies(*profiles: str, status: str = "enable") -> str:
    each = "".join(
        f"edit {n}\nset status {status}\nset ssl-ssh-profile {one}\nnext\n"
        for n, one in enumerate(profiles)
    )
    return f"config firewall policy\n{each}end\n"


def test_an_object_of_one_vdom_is_none_of_another() -> None:
    own = of_vdom("A", objects(x="a.example"), profile("deep", "x"), policies("deep"))
    assert said("fortios", own + of_vdom("B", objects(x="b.example"))) == ["a.example"]
    assert said("fortios", of_vdom("B", objects(x="b.example")) + own) == ["a.example"]
    none = of_vdom("A", profile("deep", "x"), policies("deep"))
    assert said("fortios", none + of_vdom("B", objects(x="b.example"))) == []


def test_what_one_vdom_exempts_passes_where_all_that_inspect_exempt_it() -> None:
    first = of_vdom(
        "A", objects(x="a.example", y="both.example"), profile("deep", "x", "y"), policies("deep")
    )
    second = of_vdom("B", objects(x="both.example"), profile("deep", "x"), policies("deep"))
    assert said("fortios", first + second) == ["both.example"]
    idle = of_vdom("B", objects(x="both.example"), profile("deep", "x"), policies("no-inspection"))
    assert said("fortios", first + idle) == ["a.example", "both.example"]


def test_profiles_that_all_vdoms_share_are_used_with_shared_objects() -> None:
    shared = "config global\n" + objects(x="a.example") + profile("g-deep", "x") + "end\n"
    text = shared + of_vdom("A", objects(x="b.example"), policies("g-deep"))
    assert said("fortios", text) == ["a.example"]


@pytest.mark.parametrize(
    ("other", "rules"),
    [
        ("deep-inspection", []), ("mine", []), ("certificate-inspection", ["a.example"]),
        ("no-inspection", ["a.example"]), ("deep", ["a.example"]),
    ],
)  # fmt: skip
def test_a_policy_with_a_profile_that_is_not_in_the_file_may_exempt_nothing_of_it(
    other: str, rules: list[str]
) -> None:
    text = objects(x="a.example") + profile("deep", "x")
    assert said("fortios", text + policies(other, "deep")) == rules
    group = f"config firewall profile-group\nedit g\nset ssl-ssh-profile {other}\nnext\nend\n"
    by_group = "config firewall policy\nedit 9\nset profile-group g\nnext\nend\n"
    assert said("fortios", text + policies("deep") + group + by_group) == rules
    found = read("fortios", text + policies(other, "deep"), "x")
    assert rules or any(other in one.why for one in found.unread)


def test_a_group_of_profiles_that_is_not_in_the_file_may_exempt_nothing() -> None:
    text = objects(x="a.example") + profile("deep", "x") + policies("deep")
    by_group = "config firewall policy\nedit 9\nset profile-group g\nnext\nend\n"
    assert said("fortios", text + by_group) == []


def test_a_profile_that_decrypts_on_all_ports_counts_among_those_that_inspect() -> None:
    every = "config firewall ssl-ssh-profile\nedit every\nconfig https\nset status disable\nend\n"
    every += "config ssl\nset inspect-all deep-inspection\nend\nnext\nend\n"
    text = objects(x="a.example") + profile("deep", "x") + every
    assert said("fortios", text + policies("deep", "every")) == []
    assert said("fortios", text + policies("deep")) == ["a.example"]


def test_a_policy_that_is_switched_off_uses_no_profile() -> None:
    text = (
        objects(x="a.example")
        + profile("deep", "x")
        + policies("deep-inspection", status="disable")
    )
    assert said("fortios", text + policies("deep")) == ["a.example"]


def test_groups_within_themselves_end() -> None:
    text = "config firewall addrgrp\nedit g\nset member g g h\nnext\nedit h\nset member g h x\nnext\nend\n"
    text += "config firewall ssl-ssh-profile\nedit p\nconfig ssl-exempt\nedit 1\nset type address\nset address g\n"
    found = read("fortios", text, "x")
    assert (found.rows, [one.text for one in found.unread]) == ((), ["x"])
    nested = "".join(f"acl a{n} any-of a{n + 1} a{n + 1} a{n}\n" for n in range(200))
    assert read("squid", f"{nested}ssl_bump splice a0\n", "x").rows == ()
    deep = "<a>" * 99 + "</a>" * 99
    with pytest.raises(ConfigError):
        read("panos", deep, "x")


def test_envoy_comes_to_chains_without_a_port_on_other_ports_alone() -> None:
    text = (
        "filter_chains:\n"
        "- filter_chain_match: {server_names: [a.example]}\n  name: tlsight_pass\n"
        "- filter_chain_match: {server_names: [b.example], destination_port: 443}\n  name: tlsight_pass\n"
    )
    assert said("envoy", text) == ["b.example:443"]


def test_haproxy_parts_its_conditions() -> None:
    text = (
        "frontend f\nacl bank req.ssl_sni -i bank.example\nacl lan src 10.0.0.0/8\n"
        "tcp-request content reject if { req.ssl_sni -i -m end .evil.example }\n"
        "use_backend tlsight_pass if bank !lan || { req.ssl_sni,lower -m end .ok.example }\n"
        "use_backend tlsight_pass unless { req.ssl_sni bad.example }\n"
    )
    assert said("haproxy", text) == [
        ".evil.example block", "bank.example from 10.0.0.0/8 inspect", "bank.example",
        "ok.example inspect", ".ok.example",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        'FilterRule {\n Action Pass\n SNI "bank.example"\n}', 'FilterRule {\n Action "Pass"\n SNI bank.example\n}',
        'FilterRule {\n Action Pass\n SNI "bank.example*"\n User alice\n}', 'PassSite "bank.example"',
        "Pass to sni 'bank.example'", 'Define $b "bank.example"\nPassSite $b', "FilterRule {\n Action Let\n SNI a.example\n}",
    ],
)  # fmt: skip
def test_sslproxy_knows_no_quotes_so_what_stands_in_them_is_told(rule: str) -> None:
    found = read("sslproxy", f"{rule}\nPassSite c.example\n", "x", ReadOptions())
    assert [row.host for row in found.rows] == ["c.example"]
    assert len(found.unread) == 1


def test_what_sslproxy_diverts_in_quotes_is_kept_back_all_the_same() -> None:
    assert said("sslproxy", 'Divert to sni "c.example"\nPassSite c.example\n') == [
        "c.example inspect"
    ]


def test_a_rule_of_cloudflares_that_was_deleted_passes_nothing() -> None:
    rule = (
        '{"name": "x", "action": "off", "enabled": true, "filters": ["http"], %s'
        '"traffic": "http.conn.hostname == \\"a.example\\""}'
    )
    assert said("cloudflare", rule % '"deleted_at": null, ') == ["a.example"]
    assert said("cloudflare", rule % '"deleted_at": "2024-01-01T00:00:00Z", ') == []
