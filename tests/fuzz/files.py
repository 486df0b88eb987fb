"""Targets of files: observations, pins, policies, rules, stores, settings of other programs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from addons.bypass.rule import load_rules
from detector.errors import TlsightError
from detector.knowledge.pins import load_pins
from detector.knowledge.policy import load_policy
from detector.model.targets import parse_target
from detector.runs.saved import load_observations
from detector.stores import java, nss
from detector.stores.formats import FORMATS, read_format
from detector.stores.settings import read_settings
from tests.fuzz.lab import PKI, in_a_file
from tests.fuzz.target import Target
from tests.stores.test_survey import KEYTOOL


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "saved": Target(
            _saved, (b'{"at":"2026-01-01T00:00:00Z","target":{"host":"a.b"},"chain":[]}\n',)
        ),
        "toml": Target(
            _rules,
            (b'[[rule]]\nhost = "a.com"\n[[pin]]\nhost = "a"\nspki = ["x"]\ninternal = 1\n',
             b'[[rule]]\nregex = "api[0-9]+[.]example[.]com"\n'),
        ),
        "keystores": Target(
            _listings,
            (KEYTOOL.format(corp=PKI.root.pem, server="").encode(), b"Corp CA     CT,C,C\n"),
        ),
        "settings": Target(
            _settings,
            (b"cafile = /x\nssl_verify: no\n[global]\ncert = x\n",
             b'{"policies": {"Certificates": {"ImportEnterpriseRoots": true}}}'),
        ),
        "formats": Target(
            _formats,
            (b"a: [b, {c: d}]\n---\n&x *x", b'[a."b c"]\nd = ["e"]\n[[f]]\ng = {h = true}\n',
             b'{"a": [1, {"b": null}], // c\n"d": "\\u00e9",}', b'<a name="b"><c value="d">e</c></a>',
             b'Acquire { https { Verify-Peer "false"; }; };', b'export A="b" C=d # e\nset -gx F g\n',
             b'user_pref("a.b", true);', b'-Da="b c" --d e', b'[http "https://a/"]\n\tb = c\n'),
        ),
        "targets": Target(
            _named,
            (b"https://u@a.example:8443/x?y#z", b"[2001:db8::1]:443", "b\u00fccher.example".encode(),
             b"smtp://mx.example"),
        ),
    }  # fmt: skip


def _saved(data: bytes) -> None:
    """Observations, or anything that may hold certificates."""
    in_a_file(data, "saved", lambda path: load_observations(path, "a.example"))


def _rules(data: bytes) -> None:
    """The same file as rules, as pins and as a policy."""

    def load(path: Path) -> None:
        for read in (load_rules, load_pins, load_policy):
            try:
                read(path)
            except TlsightError:
                continue

    in_a_file(data, "it.toml", load)


def _listings(data: bytes) -> None:
    """What keytool and certutil print."""
    text = data.decode("utf-8", errors="replace")
    java.parse_listing(text)
    nss.parse_listing(text)


def _settings(data: bytes) -> None:
    """The same bytes in the place of every file of settings."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in (".npmrc", ".curlrc", ".condarc", ".wgetrc", ".pip/pip.conf", "etc/environment",
                     "etc/firefox/policies/policies.json"):  # fmt: skip
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(data)
        read_settings(home, [home], {})


def _formats(data: bytes) -> None:
    """The same bytes by every reader of setting files: names, values and lines that are there."""
    for name in FORMATS:
        for entry in read_format(name, data):
            assert entry.line >= 0
            assert all(isinstance(part, str) for part in (*entry.path, entry.value))


def _named(data: bytes) -> None:
    """A target as people write it: a name comes out as labels that can be dialled."""
    text = data.decode("utf-8", errors="replace")
    found = parse_target(text)
    assert found.host.isascii()
    assert 0 < found.port < 65536
