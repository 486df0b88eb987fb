"""Targets of the addons: other gateways' lists, endpoints, attempts, names against rules."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from addons.bypass.expression import Expressions
from addons.bypass.feed import Feed, Settings
from addons.bypass.feed_signature import read_key, verify
from addons.bypass.learning import replay
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.pattern import arrival, end, row_of
from addons.bypass.rule import RuleRow, rule_of, settled
from addons.bypass.seeds import microsoft365
from addons.bypass.weighing import LearningOptions
from addons.formats.exported import ReadOptions
from addons.formats.registry import FORMATS, read
from addons.store.attempt_file import read_attempts
from addons.store.feed_list import Answer, arrived, forms
from addons.store.joined import Known
from addons.sync.listed import Head, digest_of, head_of, rules_of
from addons.sync.reports import attributed, batch_of, report_of
from addons.sync.sealed import UnsealedError, opened
from addons.sync.telling import lines_of_centre
from detector.errors import ConfigError, TargetError
from tests.fuzz.lab import in_a_file
from tests.fuzz.target import Target

_LISTS = (
    b".a.com\nb.com # x\n*.c.com\n",
    b"{-https-inspection}\n.a.com/\n",
    b'<x><entry name="*.a.com"><exclude>yes</exclude></entry></x>',
    b'config firewall wildcard-fqdn custom\n edit "g"\n set wildcard-fqdn "*.a.com"\nend\n',
    b'[[rule]]\nhost = "a.com"\nexpires = 2027-01-01\n',
    b"- (^|\\.)a\\.com:443$\n- 10\\.0\\..*\n- .*:5061\n- ^([^.]+\\.)?b\\.com:(443|80)$\n",
    b"a.com:443\n[2001:db8::1]:443\n10.0.0.0/8:80\n",
    b"ignore_hosts:\n  - '^(?:.+\\.)?a\\.com:443$'\n",
    b'{"ProxySettings": {"ProxyBypassList": "a.com;*.a.com"}}',
    b'{"policies": {"Proxy": {"Passthrough": "a.com"}}}',
    b'sep=;\nhost;owner;expires;action\n"a.com\n.b.com";x;2027-03-31;bypass\n=c;y;31/03/2027;no\n',
    b"# a (ticket CHG-1, owner b)\n||c.com^\n0.0.0.0 d.com e.com\nhttps://f.com:8443/*\n^(.+\\.)?q\\.com$\n",
    b'[{"id":"C","urls":[".a.com"],"ipRanges":["10.0.0.0/8"]},{"action":{"type":"DO_NOT_DECRYPT"},"urlCategories":["C"]}]',
    b'{"data":[{"destination":"a.com","type":"domain"}],"objects":[{"type":"dns-domain","name":".a.com"}]}',
    b"<R><WebFilterException><HttpsDecrypt>on</HttpsDecrypt><DomainList><URLRegex>^a\\.com/</URLRegex>"
    b"</DomainList></WebFilterException></R>",
    b'{"result":[{"action":"off","traffic":"any(http.conn.domains[*] in {\\"a.com\\"}) and not (http.conn.hostname == '
    b'\\"b.a.com\\") or http.conn.hostname matches \\"^[^.]+\\\\\\\\.c$\\""}]}',
    b"define condition A\n url.domain=a.com\nend\n<SSL-Intercept>\n condition=A ssl.forward_proxy(no)\n",
    b'function FindProxyForURL(url, host) { if (host == "a.com" || dnsDomainIs(host, ".b.com")) return "DIRECT"; }',
    b'{"items":[{"ruleAction":"DO_NOT_DECRYPT","urls":{"literals":[{"type":"Url","url":"a.com"}]}}]}',
    b'{"custom_url_categories":[{"category_name":"a","sites":["a.com",".b.com"],"sites_regex":["^c"]}]}',
    b"x: &h ['^a\\.com:443$', \"b\"]\nignore_hosts: *h\ntcp_hosts: [c]\n<<: {udp_hosts: []}\n",
    b"mitmdump --ignore-hosts '^a\\.com:443$' \\\n --set ignore_hosts=b\n",
    b'acl s at_step SslBump1\nacl n ssl::server_name -i .a.com "f"\nacl r ssl::server_name_regex -i ^a[.]b$ c\n'
    b"acl g any-of n r g\nacl h all-of n p\nacl p port 443 8000-8003\nacl d dst 10.0.0.1-10.0.0.9 ::1\nacl c src 10.0.0.0/8\n"
    b"include f\nssl_bump peek s\nssl_bump splice g !d c\nssl_bump stare n\nssl_bump bump !n all\nssl_bump splice h\n",
    b"frontend f\nacl a req.ssl_sni,lower -m end .a.com -f f\nacl a req_ssl_sni -m reg -i ^b$\n"
    b"tcp-request content reject unless a\nuse_backend tlsight_pass if a !{ src 10.0.0.0/8 } || { dst_port 443 } a\n"
    b"use_backend %[req.ssl_sni,lower,map_dom(f,tlsight_pass)]\n",
    b'map $ssl_preread_server_name $b { hostnames; default x; .a.com "tlsight_pass"; *.b.com tlsight_inspect;\n'
    b"~*^c[.]com$ tlsight_pass; include f; a.* tlsight_pass; }\n",
    b"filter_chains:\n- filter_chain_match: {server_names: [a.com, '*.b.com'], destination_port: 443}\n"
    b"  filters: [{name: x.tcp_proxy}]\n- filter_chain_match: {prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}\n"
    b"  transport_socket: {}\n",
    b"Define $m a.com b.com\nPassSite a.com* 10.0.0.1\nPass from ip 10.0.0.1 to sni $m port 443 log *\nDivert *\n"
    b"FilterRule {\n Action Block\n SNI c.com\n DstPort 443\n}\n",
    b"Hostname,Location,Exclude from decryption,Description\n*.a.com,Shared,yes,x\n",
    b"a.com/\n*.b.com\nhttps://c.com/d\n^.e.com\n10.0.0.1-10.0.0.9 # x\n",
    b'<config><custom-url-category><entry name="c"><list><member>*.a.com/</member></list><type>URL List</type></entry>'
    b'</custom-url-category><address-group><entry name="g"><static><member>g</member></static></entry></address-group>'
    b'<rulebase><decryption><rules><entry name="r"><category><member>c</member></category><source><member>g</member>'
    b"</source><action>no-decrypt</action></entry></rules></decryption></rulebase></config>",
    b'config firewall addrgrp\nedit g\nset member g "a"\nnext\nend\nconfig firewall address\nedit a\nset subnet 10.0.0.0'
    b" 255.0.0.0\nnext\nend\nconfig firewall ssl-ssh-profile\nedit p\nconfig ssl-exempt\nedit 1\nset type address\n"
    b"set address g\nnext\nedit 2\nset type regex\nset regex .*a.*\nend\nend\n",
)
# What lists name besides: whatever the file is called, these are its lines.
_BESIDE = (
    "a.com tlsight_pass\n.b.com # x\nacl n dstdomain c.com\ninclude f\n^d[.]com$ tlsight_inspect;\n"
)
_READ = tuple(name for name, form in FORMATS.items() if form.reads)
_ATTEMPT = (
    b'{"at":"2026-11-23T00:00:00Z","side":"client","host":"a.com","port":443,"client":"b",'
    b'"outcome":"failed","alert":48,"alert_by":"client","ja4":"t13"}\n'
)


_PATTERNS = (
    "a.com:443", ".a.com", "*.a.com:8443", "*:5061", "[2001:db8::]/32:443", "10.0.0.0/8:443", "90d", "2h",
    r"/^(.+\.)?a\.com:443$/", "/(a|a)*[.]com/", "a(?=b)", "[^A-Z]{1,3}", "2026-12-01T18:00Z",
)  # fmt: skip
_FEEDS = (
    b"a.vendor.example\n.vendor.example:8443\n192.0.2.0/24\n",
    b"[feed]\nserial = 1\n[[rule]]\nhost = 'a.vendor.example'\n",
    b'[{"id":1,"urls":["*.a.com"],"tcpPorts":"443","category":"Allow"}]',
)
_MINISIGN = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_ASKED = Arrival("www.a.com", "www.a.com", "10.0.0.1", 443, "10.0.0.1")


_SHARED = (
    b'{"row":{"host":"a.com","expires":"2027-01-01"}}\n'
    b'{"row":{"suffix":"b.com"},"state":"trial","until":"2026-12-01T00:00:00+00:00"}\n',
    b'{"attempts":['
    + _ATTEMPT.strip()
    + b'],"passages":[{"at":"2026-11-23T00:00:00Z","host":"a.com",'
    b'"rule":"a.com","connections":1,"up":2,"down":3,"seconds":4.5}]}',
    b'{"at":"2026-11-23T00:00:00Z","tlsight":"1","serial":1,"digest":"x","waiting":0,"first":1,"lost":0,'
    b'"proxies":[{"host":"g","pid":1,"mitmproxy":"12","tlsight":"1","mode":"auto","rules":1,'
    b'"seen":"2026-11-23T00:00:00Z"}],"own":["a"],"own_count":1}',
    b'{"serial":1,"at":"2026-11-23T00:00:00Z","digest":"x","size":1,"taken":{"x":1}}',
    b'{"format":"tlsight.bypass-sync/1","kind":"head","by":"' + b"00" * 32 + b'","seal":"00"}\nx',
)


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "gateway-lists": Target(
            _lists, tuple(bytes((n,)) + sample for n in range(len(_READ)) for sample in _LISTS)
        ),
        "rule-patterns": Target(_patterns, tuple(text.encode() for text in _PATTERNS)),
        "endpoints-365": Target(
            _endpoints,
            (b'[{"id":1,"urls":["*.a.com","b.*.c.com"],"tcpPorts":"443","category":"Allow"}]',),
        ),
        "feeds": Target(
            _feeds,
            tuple(bytes((n,)) + sample for n in range(len(forms())) for sample in _FEEDS),
        ),
        "attempts": Target(_attempts, (_ATTEMPT * 3,)),
        "shared-list": Target(_shared, _SHARED),
    }


def _lists(data: bytes) -> None:
    """The first byte names the program; the rest is its list, and becomes rules."""
    name = _READ[data[0] % len(_READ)] if data else "squid"
    options = ReadOptions(beside=lambda _: _BESIDE)
    for row in read(name, data[1:].decode("utf-8", "replace"), "x", options).rows:
        rule_of(row)


def _patterns(data: bytes) -> None:
    """What a person writes is a rule that matches its own kind, or one error; ends and connections likewise."""
    text = data.decode("utf-8", "replace")
    for ask in (lambda: Matcher([rule_of(row_of(text))]).match(_ASKED, _NOW), lambda: arrival(text),
                lambda: end(text, _NOW), lambda: rule_of(settled(RuleRow(regex=text)))):  # fmt: skip
        with suppress(ValueError, TargetError, ConfigError):
            ask()
    Expressions([text, *text.split("\n")]).matching("www.example.com")


def _endpoints(data: bytes) -> None:
    """What Microsoft publishes of its services."""
    microsoft365(data.decode("utf-8", "replace"))


def _shared(data: bytes) -> None:
    """What lies on a shelf, also under a good seal: a list, a batch, a report, or one error in words."""
    head = Head(1, _NOW, digest_of(data), len(data))
    for ask in (
        lambda: opened("head", data, "00" * 32),
        lambda: head_of(data),
        lambda: rules_of(data, head),
        lambda: attributed(batch_of(data), "north", "hq", _NOW, timedelta(days=30)),
        lambda: lines_of_centre(
            Known("north", heard=_NOW, report=msgspec.to_builtins(report_of(data))), 1, _NOW
        ),
    ):
        with suppress(UnsealedError):
            ask()


def _feeds(data: bytes) -> None:
    """Whatever a source sends is an edition and rules that a matcher takes, or one error; signatures likewise."""
    form = forms()[data[0] % len(forms())] if data else "list"
    known = Feed(Settings("https://x.example/", form))
    edition, rows = arrived("x", known, Answer(data[1:], modified="x"), _NOW)
    assert edition.count == len(rows)
    Matcher((), map(rule_of, rows)).match(_ASKED, _NOW)
    for key in (_MINISIGN, "00" * 32):
        with suppress(ConfigError):
            verify(b"x", data, read_key(key))
            raise AssertionError("nobody signed this")


def _attempts(data: bytes) -> None:
    """Whatever the log holds, it is attempts with a class, or an error with a line."""
    in_a_file(
        data, "attempts.ndjson", lambda path: replay(read_attempts(path), LearningOptions(), None)
    )
