"""Targets of the addons: other gateways' lists, endpoints, attempts, names against rules."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from addons.bypass.expression import Expressions
from addons.bypass.feed import Feed, Settings
from addons.bypass.feed_signature import read_key, verify
from addons.bypass.learning import replay
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.pattern import arrival, end, row_of
from addons.bypass.rule import RuleRow, rule_of, settled
from addons.bypass.seeds import microsoft365
from addons.bypass.weighing import LearningOptions
from addons.formats.feed_list import Answer, arrived, forms
from addons.formats.registry import FORMATS, read
from addons.store.attempt_file import read_attempts
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
    }


def _lists(data: bytes) -> None:
    """The first byte names the program; the rest is its list, and becomes rules."""
    name = _READ[data[0] % len(_READ)] if data else "squid"
    read(name, data[1:].decode("utf-8", "replace"), "x")


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
