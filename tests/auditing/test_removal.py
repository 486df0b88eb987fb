"""How to be rid of a root, store by store."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from detector.auditing.model import Place, Root, Setting, Survey
from detector.auditing.removal import others_to_look_at, places_of, removal_steps
from detector.chain.certificate import Certificate
from detector.lab.pki import Authority


def survey(*places: Place, settings: tuple[Setting, ...] = ()) -> Survey:
    return Survey(datetime(2026, 1, 1, tzinfo=UTC), places, settings, frozenset())


def place(authority: Authority, kind: str, path: str, alias: str = "") -> Place:
    return Place(kind, path, (Root(Certificate(authority.der), alias),))


@pytest.mark.parametrize(
    ("kind", "path", "way", "text"),
    [
        ("nss", "/home/a/.pki/nssdb/cert9.db", "command", "certutil -D -d sql:/home/a/.pki/nssdb -n 'My CA'"),
        ("java", "/cacerts", "command", "keytool -delete -alias 'My CA' -keystore /cacerts"),
        ("python", "/x/site-packages/certifi/cacert.pem", "cut", "pip install --force-reinstall certifi"),
        ("file", "/x.pem", "cut", "take it out of /x.pem"),
        ("windows", "Windows ROOT store", "tell", "certutil -delstore ROOT "),
        ("macos", "/Library/Keychains/System.keychain", "tell", "sudo security delete-certificate -Z "),
        ("node", "/usr/bin/node", "tell", "built into node"),
    ],
)  # fmt: skip
def test_each_store_has_its_way(
    corporate: Authority, kind: str, path: str, way: str, text: str
) -> None:
    found = survey(place(corporate, kind, path, "My CA"))
    (step,) = removal_steps(found, Certificate(corporate.der).sha256, [])
    assert step.way == way
    assert text in step.text


def test_sources_come_before_what_is_made_of_them(corporate: Authority) -> None:
    bundle = place(corporate, "os", "/etc/ssl/certs/ca-certificates.crt")
    anchor = place(corporate, "os", "/usr/local/share/ca-certificates/x.crt")
    steps = removal_steps(survey(bundle), Certificate(corporate.der).sha256, [anchor])
    assert [(step.way, step.path) for step in steps] == [
        ("cut", anchor.path), ("refresh", ""), ("cut", bundle.path),
    ]  # fmt: skip


def test_lines_go_from_the_end_of_a_file_and_last(corporate: Authority) -> None:
    settings = (
        Setting("env:A", "/x.pem", "/rc", line=1, names="/x.pem"),
        Setting("env:B", "/x.pem", "/rc", line=7, names="/x.pem"),
        Setting("env:C", "/x.pem", "environment", names="/x.pem"),
        Setting("env:D", "/y", "/rc", line=9, names="/y"),
    )
    found = survey(place(corporate, "file", "/x.pem"), settings=settings)
    steps = removal_steps(found, Certificate(corporate.der).sha256, [])
    assert [(step.way, step.line) for step in steps] == [
        ("cut", 0),
        ("tell", 0),
        ("line", 7),
        ("line", 1),
    ]


@pytest.mark.parametrize("as_pem", [False, True])
def test_a_policy_that_holds_it_in_base64_is_named(corporate: Authority, as_pem: bool) -> None:
    data = corporate.pem.encode() if as_pem else corporate.der
    value = base64.b64encode(data).decode()
    policy = Setting("chromepolicies:CACertificates", value, "/etc/p.json", line=3)
    digest = Certificate(corporate.der).sha256
    (step,) = removal_steps(survey(settings=(policy,)), digest, [])
    assert step.text == "take it out of CACertificates in /etc/p.json:3"
    assert removal_steps(survey(settings=(policy,)), "0" * 64, []) == []


def test_proxies_and_policies_are_looked_at_besides(corporate: Authority) -> None:
    proxy = Setting("env:HTTPS_PROXY", "http://p", "environment")
    roots = Setting("firefoxpolicies:policies.Certificates.ImportEnterpriseRoots", "true", "/p")
    other = Setting("env:SSL_CERT_FILE", "/x", "environment")
    assert others_to_look_at((proxy, roots, other)) == (proxy, roots)
    assert places_of(survey(place(corporate, "file", "/x")), "0" * 64) == []
