"""Exports say what the rules say: by mitmproxy's own search, for every set of rules and names."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule, rule_of
from addons.formats import mitmproxy, registry, squid
from detector.errors import ConfigError

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LABELS = st.sampled_from(("a", "b", "com", "x-y"))
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
ACTIONS = st.sampled_from(("pass", "pass", "inspect"))
PORTS = st.sampled_from((None, 443, 8443))


@st.composite
def rules(draw: st.DrawFn, *, ports: bool) -> Rule:
    kind = draw(st.sampled_from(("host", "suffix", "wildcard")))
    fields = {kind: draw(NAMES), "action": draw(ACTIONS)}
    if ports:
        fields["port"] = draw(PORTS)
    return Rule(**fields)


def passes(given_rules: list[Rule], name: str, port: int) -> bool:
    found = Matcher(given_rules).match(Arrival(name, None, None, port), NOW)
    return found is not None and found.action == "pass"


@given(st.lists(rules(ports=False), max_size=6), NAMES)
def test_mitmproxy_ignores_exactly_what_the_rules_pass(some: list[Rule], name: str) -> None:
    exported = mitmproxy.export(some, NOW)
    assert exported.refused == ()
    found = mitmproxy.patterns(exported.text)
    ignored = any(re.search(one, f"{name}:443", re.IGNORECASE) for one in found)
    assert ignored == passes(some, name, 443)


@given(st.lists(rules(ports=True), max_size=5), NAMES, st.sampled_from((443, 8443)))
def test_with_ports_mitmproxy_never_ignores_what_the_rules_inspect(
    some: list[Rule], name: str, port: int
) -> None:
    found = mitmproxy.patterns(mitmproxy.export(some, NOW).text)
    if any(re.search(one, f"{name}:{port}", re.IGNORECASE) for one in found):
        assert passes(some, name, port)


def first_acl(text: str, name: str) -> str:
    """What Squid's documentation says that these lines do to a name."""
    lists: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if words[0] == "acl" and words[2].startswith("ssl::"):
            lists.setdefault(words[1], []).append(words[-1])
        elif words[0] == "ssl_bump" and words[2] in lists:
            for value in lists[words[2]]:
                below = value.startswith(".") and (name == value[1:] or name.endswith(value))
                shaped = value.startswith("^") and re.search(value, name) is not None
                if value == name or below or shaped:
                    return words[1]
    return "bump"


@given(st.lists(rules(ports=False), max_size=6), NAMES)
def test_squid_splices_exactly_what_the_rules_pass(some: list[Rule], name: str) -> None:
    exported = squid.export(some, NOW)
    assert exported.refused == ()
    assert (first_acl(exported.text, name) == "splice") == passes(some, name, 443)


def by_name(text: str, name: str, host: str, suffix: str, entries: list[str]) -> bool:
    """A list of names; `host` and `suffix` say how an entry looks that means one name, or all below too."""
    del text
    rest, above = name, [name]
    while "." in rest:
        rest = rest.partition(".")[2]
        above.append(rest)
    wanted = {host.format(name)} if host else set()
    wanted |= {suffix.format(one) for one in above} if suffix else set()
    wanted |= {f"*.{one}" for one in above[1:]} if host and "*" not in suffix else set()
    return bool(wanted & set(entries))


def haproxy_passes(text: str, name: str) -> bool:
    for line in text.splitlines():
        found = re.fullmatch(
            r"use_backend tlsight_(\w+) if \{ req.ssl_sni -i (?:-m (\w+) )?(.+) \}", line
        )
        if found is None:
            continue
        action, how, listed = found.groups()
        for value in listed.split():
            hit = {
                None: name == value, "end": name.endswith(value), "reg": re.search(value, name) is not None,
            }[how]  # fmt: skip
            if hit:
                return action == "pass"
    return False


def nginx_passes(text: str, name: str) -> bool:
    entries = re.findall(r'^    "(.+)" tlsight_(\w+);$', text, re.MULTILINE)
    for value, action in entries:
        if value == name:
            return bool(action == "pass")
    for value, action in entries:
        if value.startswith("~*") and re.search(value[2:], name):
            return bool(action == "pass")
    return False


def envoy_passes(text: str, name: str) -> bool:
    chains = {
        one["name"]: one["filter_chain_match"]["server_names"]
        for one in json.loads(text)["filter_chains"]
    }
    way = {entry: chain for chain, names in chains.items() for entry in names}
    rest = name
    tried = [name]
    while "." in rest:
        rest = rest.partition(".")[2]
        tried.append(f"*.{rest}")
    return next((way[one] for one in tried if one in way), "") == "tlsight_pass"


def privoxy_passes(text: str, name: str) -> bool:
    inspected = True
    for line in text.splitlines():
        if line.startswith("{"):
            sign = line[1]
            continue
        pattern = line.removesuffix("/")
        below = pattern.startswith(".") and f".{name}".endswith(pattern)
        one = (
            pattern.startswith("*.")
            and name.partition(".")[2] == pattern[2:]
            and name != pattern[2:]
        )
        if pattern == name or below or one:
            inspected = sign == "+"
    return not inspected


def bluecoat_passes(text: str, name: str) -> bool:
    for line in text.splitlines()[1:]:
        found = re.fullmatch(
            r"    url\.(host\.exact|domain|host\.regex)=(\S+) ssl\.forward_proxy\((\w+)\)", line
        )
        if found is None:
            continue
        kind, value, what = found.groups()
        below = name == value or name.endswith("." + value)
        hit = {"host.exact": name == value, "domain": below,
               "host.regex": bool(re.search(value.strip('"'), name))}[kind]  # fmt: skip
        if hit:
            return what == "no"
    return False


def cloudflare_passes(text: str, name: str) -> bool:
    if not text:
        return False
    rule = json.loads(text)["traffic"]

    def same(found: re.Match[str]) -> str:
        return str(name in json.loads(f"[{found[1].replace(' ', ',')}]"))

    def below(found: re.Match[str]) -> str:
        listed = json.loads(f"[{found[1].replace(' ', ',')}]")
        return str(any(name == one or name.endswith("." + one) for one in listed))

    rule = re.sub(r"any\(http\.conn\.domains\[\*\] in \{([^}]+)\}\)", below, rule)
    rule = re.sub(r"http\.conn\.hostname in \{([^}]+)\}", same, rule)
    rule = re.sub(
        r'http\.conn\.hostname matches ("(?:[^"\\]|\\.)+")',
        lambda m: str(bool(re.search(json.loads(m[1]), name))), rule,
    )  # fmt: skip
    assert re.fullmatch(r"[()a-zA-Z ]+", rule), rule
    return bool(eval(rule))


def regexes_pass(text: str, name: str) -> bool:
    return any(re.search(line, f"{name}/") for line in text.splitlines())


def lines_pass(host: str, suffix: str) -> Callable[[str, str], bool]:
    return lambda text, name: by_name(text, name, host, suffix, text.splitlines())


MODELS: dict[str, Callable[[str, str], bool]] = {
    "haproxy": haproxy_passes,
    "nginx": nginx_passes,
    "envoy": envoy_passes,
    "privoxy": privoxy_passes,
    "bluecoat": bluecoat_passes,
    "cloudflare": cloudflare_passes,
    "sophos": regexes_pass,
    "e2guardian": lines_pass("", "{}"),
    "umbrella": lines_pass("", "{}"),
    "netskope": lines_pass("{}", ""),
    "zscaler": lines_pass("{}", ".{}"),
    "sslproxy": lambda text, name: f"SNI {name}\n" in text,
    "panos": lambda text, name: any(
        f"<entry name='{one}'>" in text or f'<entry name="{one}">' in text
        for one in (name, "*." + name.partition(".")[2])
    ),
    "fortios": lambda text, name: by_name(
        "", name, "{}", "", re.findall(r'set wildcard-fqdn "(?!tlsight-)([^"]+)"', text)
    ),
    "checkpoint": lambda text, name: (
        f'".{name}" is-sub-domain' in text
        or any(
            f".{name}".endswith(one)
            for one in re.findall(r'dns-domain name "([^"]+)" is-sub-domain true', text)
        )
    ),
    "no-proxy": lambda text, name: by_name(
        "", name, "", "{}", text.strip().removeprefix("NO_PROXY=").split(",")
    ),
    "chrome": lambda text, name: by_name(
        "", name, "{}", "", json.loads(text)["ProxySettings"]["ProxyBypassList"].split(";")
    ),
    "firefox": lambda text, name: by_name(
        "", name, "", "{}", json.loads(text)["policies"]["Proxy"]["Passthrough"].split(", ")
    ),
}
# Without exceptions, or without an entry for each kind of rule, a target passes fewer; never others.
EXACT = ("haproxy", "nginx", "privoxy", "bluecoat", "cloudflare")


@pytest.mark.parametrize("target", MODELS)
@given(some=st.lists(rules(ports=False), max_size=6), name=NAMES)
def test_an_export_passes_nothing_that_the_rules_inspect_and_refuses_the_rest_aloud(
    target: str, some: list[Rule], name: str
) -> None:
    exported = registry.export(target, some, NOW, skip_proxy=True)
    passed = MODELS[target](exported.text, name)
    if target in EXACT:
        assert exported.refused == ()
    if not exported.refused:
        assert passed == passes(some, name, 443)
    else:
        kept = [one.rule for one in exported.refused if one.rule.action == "pass"]
        assert not passed or passes(some, name, 443)
        # What passes by the rules and not by the list is told of.
        if passes(some, name, 443) and not passed:
            assert any(passes([rule], name, 443) for rule in kept)


READABLE = [name for name, one in registry.FORMATS.items() if one.reads]


@pytest.mark.parametrize("target", READABLE)
@given(some=st.lists(rules(ports=False), max_size=6))
def test_what_is_read_back_is_what_was_written(target: str, some: list[Rule]) -> None:
    only = [rule for rule in some if rule.action == "pass"]
    exported = registry.export(target, only, NOW, skip_proxy=True)
    refused = {one.rule.pattern for one in exported.refused}
    found = registry.read(target, exported.text, "x")
    back = {rule_of(row).pattern for row in found.rows}
    written = {rule.pattern for rule in only} - refused
    if target == "mitmproxy":
        assert found.unread == ()
    assert {p for p in back if p not in written} == set()
    assert all(passes(only, w.lstrip(".*"), 443) for w in back if not w.startswith("*"))


@given(st.sampled_from(READABLE), st.text(max_size=300))
def test_a_foreign_list_is_rows_lines_or_one_error_of_ours(target: str, text: str) -> None:
    try:
        found = registry.read(target, text, "x")
    except ConfigError:
        return
    for row in found.rows:
        rule_of(row)


@pytest.mark.parametrize("target", [name for name, one in registry.FORMATS.items() if one.skips])
def test_what_goes_around_the_proxy_is_refused_unless_it_is_meant(target: str) -> None:
    found = registry.export(target, [Rule(suffix="a.com")], NOW)
    assert (found.text, len(found.refused)) == ("", 1)


def test_a_gateway_for_one_port_takes_the_rules_for_it_and_no_others() -> None:
    some = [Rule(host="a.com", port=443), Rule(host="b.com", port=8443), Rule(host="c.com")]
    found = registry.export("zscaler", some, NOW, port=443)
    assert (found.text.split(), found.refused) == (["a.com", "c.com"], ())
    assert len(registry.export("zscaler", some, NOW).refused) == 2


def test_xml_with_a_document_type_or_without_end_is_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><entry name="&a;"/>'
    for text in (bomb, "<entry name='a.com'>" * 99, "<ssl"):
        with pytest.raises(ConfigError):
            registry.read("panos", text, "x.xml")
    excluded = '<x><entry name="a.com"><exclude>yes</exclude></entry><entry name="b.com"><exclude>no</exclude></entry></x>'
    assert [row.host for row in registry.read("panos", excluded, "x").rows] == ["a.com"]


@pytest.mark.parametrize("export", [mitmproxy.export, squid.export])
def test_what_cannot_be_said_is_refused_with_its_reason_and_passes_nothing(export: object) -> None:
    assert callable(export)
    import ipaddress

    net = ipaddress.ip_network("10.0.0.0/8")
    for rule, why in (
        (Rule(host="a.com", client=net), "no clients"),
        (Rule(host="a.com", ja4="t13d1516h2_8daaf6152771_02713d6af862"), "no JA4"),
        (Rule(network=net), "range of addresses"),
        (Rule(host="a.com", action="block"), "only knows passing"),
    ):
        found = export([rule], NOW)
        assert [why in one.why for one in found.refused] == [True]
        assert "a\\.com" not in "".join(mitmproxy.patterns(found.text))
        assert "splice" not in found.text


def test_a_blocked_name_does_not_pass_by_a_wider_rule() -> None:
    some = [Rule(suffix="a.com"), Rule(host="b.a.com", action="block")]
    (pattern,) = mitmproxy.patterns(mitmproxy.export(some, NOW).text)
    assert re.search(pattern, "c.a.com:443")
    assert not re.search(pattern, "b.a.com:443")
    assert first_acl(squid.export(some, NOW).text, "b.a.com") == "bump"


def test_expired_rules_are_not_exported() -> None:
    old = Rule(host="a.com", expires=TODAY - timedelta(days=1))
    assert mitmproxy.export([old], NOW).text == "ignore_hosts: []\n"


def test_a_rule_that_ends_at_a_moment_is_left_out_of_lists_that_say_no_end() -> None:
    rule = Rule(host="a.com", expires=NOW + timedelta(hours=2))
    for target, form in registry.FORMATS.items():
        found = registry.export(target, [rule], NOW, skip_proxy=True)
        if target in ("toml", "csv"):
            assert "2026-11-23T14:00" in found.text
            assert rule_of(registry.read(target, found.text, "x").rows[0]) == rule
        else:
            assert [one.rule for one in found.refused] == [rule], form
            assert "ends at 2026-11-23T14:00Z" in found.refused[0].why


def test_ports_and_addresses_in_lists_of_names_are_taken_as_such() -> None:
    text = "a.com:8443\n.b.com:443\n203.0.113.7\n10.0.0.0/8\n[2001:db8::1]:443\n2001:db8::/32\na.com:x\n"
    found = registry.read("squid", text, "x")
    assert [rule_of(row).pattern for row in found.rows] == [
        "a.com:8443", ".b.com:443", "203.0.113.7/32", "10.0.0.0/8", "2001:db8::1/128:443", "2001:db8::/32",
    ]  # fmt: skip
    assert [(one.line, one.why) for one in found.unread] == [(7, "is no name")]
    kept = registry.read(
        "privoxy", "{+https-inspection}\n10.0.0.1/\n{-https-inspection}\n.a.com:443/\n", "x"
    )
    assert {(rule_of(row).pattern, row.action) for row in kept.rows} == {
        ("10.0.0.1/32", "inspect"), (".a.com:443", "pass"),
    }  # fmt: skip


def test_our_own_file_is_refused_by_the_row_that_is_wrong() -> None:
    text = '[[rule]]\nhost = "a.com"\n[[rule]]\nregex = "a(?=b)"\n'
    with pytest.raises(ConfigError, match="rule 2: RE2 has not a look ahead"):
        registry.read("toml", text, "x")


def test_what_a_rule_binds_is_in_our_own_file() -> None:
    rule = Rule(host="a.com", bind="certificate")
    text = registry.export("toml", [rule], NOW).text
    assert 'bind = "certificate"' in text
    assert rule_of(registry.read("toml", text, "x").rows[0]) == rule


@pytest.mark.parametrize("target", ["e2guardian", "fortios", "squid", "haproxy"])
def test_an_export_with_thousands_of_exceptions_takes_no_time_by_their_pairs(target: str) -> None:
    inspected = [Rule(host=f"x.s{n}.example", action="inspect") for n in range(6_000)]
    passing = [Rule(suffix=f"t{n}.example") for n in range(6_000)]
    begun = time.process_time()
    registry.export(target, [*inspected, *passing], NOW)
    assert time.process_time() - begun < 8  # some tenths of a second; pairs took half a minute
