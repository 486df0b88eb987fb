"""Targets of the addons: other gateways' lists, endpoints, attempts, names against rules."""

from __future__ import annotations

from addons.bypass.learning import replay
from addons.bypass.seeds import microsoft365
from addons.bypass.weighing import LearningOptions
from addons.formats.registry import FORMATS, read
from addons.store.attempt_file import read_attempts
from tests.fuzz.lab import in_a_file
from tests.fuzz.target import Target

_LISTS = (
    b".a.com\nb.com # x\n*.c.com\n",
    b"{-https-inspection}\n.a.com/\n",
    b'<x><entry name="*.a.com"><exclude>yes</exclude></entry></x>',
    b'config firewall wildcard-fqdn custom\n edit "g"\n set wildcard-fqdn "*.a.com"\nend\n',
    b'[[rule]]\nhost = "a.com"\nexpires = 2027-01-01\n',
    b"ignore_hosts:\n  - '^(?:.+\\.)?a\\.com:443$'\n",
    b'{"ProxySettings": {"ProxyBypassList": "a.com;*.a.com"}}',
    b'{"policies": {"Proxy": {"Passthrough": "a.com"}}}',
)
_READ = tuple(name for name, form in FORMATS.items() if form.reads)
_ATTEMPT = (
    b'{"at":"2026-11-23T00:00:00Z","side":"client","host":"a.com","port":443,"client":"b",'
    b'"outcome":"failed","alert":48,"alert_by":"client","ja4":"t13"}\n'
)


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "gateway-lists": Target(
            _lists, tuple(bytes((n,)) + sample for n in range(len(_READ)) for sample in _LISTS)
        ),
        "endpoints-365": Target(
            _endpoints,
            (b'[{"id":1,"urls":["*.a.com","b.*.c.com"],"tcpPorts":"443","category":"Allow"}]',),
        ),
        "attempts": Target(_attempts, (_ATTEMPT * 3,)),
    }


def _lists(data: bytes) -> None:
    """The first byte names the program; the rest is its list, and becomes rules."""
    name = _READ[data[0] % len(_READ)] if data else "squid"
    read(name, data[1:].decode("utf-8", "replace"), "x")


def _endpoints(data: bytes) -> None:
    """What Microsoft publishes of its services."""
    microsoft365(data.decode("utf-8", "replace"))


def _attempts(data: bytes) -> None:
    """Whatever the log holds, it is attempts with a class, or an error with a line."""
    in_a_file(
        data, "attempts.ndjson", lambda path: replay(read_attempts(path), LearningOptions(), None)
    )
