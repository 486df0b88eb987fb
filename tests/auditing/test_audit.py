"""What stands out in a store, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.auditing.audit import audit, secrets_out
from detector.auditing.model import Finding, Place, Setting, Survey, TrustKnowledge
from detector.auditing.powers import powers
from detector.chain.certificate import Certificate
from detector.known.hosts import HostPattern
from detector.known.knowledge import (
    Policy,
    PrivateIssuer,
    PublishedKey,
    PublishedKeys,
    Sanctioned,
)
from detector.lab.pki import Authority, LabPki
from tests.auditing.conftest import TODAY, place

AT = datetime(2026, 11, 23, tzinfo=UTC)


def found(known: TrustKnowledge, *places: Place, settings: tuple[Setting, ...] = ()) -> list[str]:
    """Every finding, as level and id."""
    return [f"{f.level} {f.id}" for f in findings(known, *places, settings=settings)]


def findings(
    known: TrustKnowledge, *places: Place, settings: tuple[Setting, ...] = ()
) -> tuple[Finding, ...]:
    return audit(Survey(AT, places, settings, frozenset()), known)


def knows(judging: TrustKnowledge, **changes: Any) -> TrustKnowledge:
    return msgspec.structs.replace(judging, known=replace(judging.known, **changes))


def test_public_roots_and_what_they_signed_are_quiet(pki: LabPki, judging: TrustKnowledge) -> None:
    assert found(judging, place(pki.root, pki.intermediate)) == []


def test_the_same_public_key_in_another_certificate_is_quiet(
    pki: LabPki, judging: TrustKnowledge
) -> None:
    again = Authority("Lab Public Root", key=pki.root.key)
    assert again.der != pki.root.der
    assert found(judging, place(again)) == []


def test_a_root_of_nobodys_program_is_told_with_what_it_can_do(
    corporate: Authority, judging: TrustKnowledge
) -> None:
    (finding,) = findings(judging, place(corporate))
    assert (finding.level, finding.id) == ("warning", "local-root")
    assert "it can vouch for any site" in finding.text
    assert finding.sha256 == Certificate(corporate.der).sha256


def test_a_public_name_over_another_key_is_still_somebody_elses(
    judging: TrustKnowledge,
) -> None:
    assert found(judging, place(Authority("Lab Public Root"))) == ["warning local-root"]


def test_a_root_named_like_an_interceptor_is_that(judging: TrustKnowledge) -> None:
    mitm = Authority("mitmproxy", organization="mitmproxy", profile=False)
    (finding,) = findings(judging, place(mitm))
    assert (finding.level, finding.id) == ("warning", "interceptor-root")
    assert "mitmproxy" in finding.text


def test_a_key_of_chromes_list_is_an_interceptors(
    corporate: Authority, judging: TrustKnowledge
) -> None:
    listed = knows(judging, interception=frozenset((Certificate(corporate.der).spki_sha256,)))
    assert found(listed, place(corporate)) == ["warning interceptor-root"]


def test_a_published_key_is_the_worst_even_when_it_is_public_or_an_intermediate(
    pki: LabPki, corporate: Authority, judging: TrustKnowledge
) -> None:
    keys = [
        PublishedKey("leaked", "test", spki_sha256=Certificate(a.der).spki_sha256)
        for a in (corporate, pki.intermediate, pki.root)
    ]
    listed = knows(judging, published=PublishedKeys(keys))
    assert (
        found(listed, place(corporate, pki.intermediate, pki.root)) == ["error published-key"] * 3
    )


def test_what_the_policy_declares_is_a_note(corporate: Authority, judging: TrustKnowledge) -> None:
    spki = Certificate(corporate.der).spki_sha256
    private = Policy(private=(PrivateIssuer(spki, (HostPattern("*"),)),))
    sanctioned = Policy(sanctioned=(Sanctioned("gateway", spki, (HostPattern("*"),)),))
    assert found(knows(judging, policy=private), place(corporate)) == ["note local-root"]
    assert found(knows(judging, policy=sanctioned), place(corporate)) == ["note local-root"]
    mitm = Authority("mitmproxy", organization="mitmproxy", profile=False)
    key = Certificate(mitm.der).spki_sha256
    allowed = Policy(sanctioned=(Sanctioned("debugging", key, (HostPattern("*"),)),))
    assert found(knows(judging, policy=allowed), place(mitm)) == ["note interceptor-root"]


def test_an_expired_local_root_is_told_and_an_expired_public_one_is_a_note(
    pki: LabPki, corporate: Authority, judging: TrustKnowledge
) -> None:
    later = msgspec.structs.replace(judging, today=date(2100, 1, 1))
    assert found(later, place(pki.root)) == ["note expired-root"]
    assert found(later, place(corporate)) == ["warning expired-root", "warning local-root"]


def weak(bits: int, days: int = 10) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Weak")])
    start = datetime.combine(TODAY, datetime.min.time(), UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(start - timedelta(days=30))
    builder = builder.not_valid_after(start + timedelta(days=days))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_key_that_can_be_broken_is_told(judging: TrustKnowledge) -> None:
    assert found(judging, place(weak(1024))) == ["warning local-root", "warning weak-root"]
    assert found(judging, place(weak(2048))) == ["warning local-root"]
    der = weak(1024, days=-1)
    retired = msgspec.structs.replace(judging, public={Certificate(der).sha256: "Old"})
    assert found(retired, place(der)) == ["note expired-root", "note weak-root"]


def test_a_store_that_cannot_be_read_is_a_note(judging: TrustKnowledge) -> None:
    locked = Place("java", "/keystore", trouble="keytool cannot open it")
    (finding,) = findings(judging, locked)
    assert (finding.level, finding.id, finding.path) == ("note", "unread-store", "/keystore")


def test_what_a_certificate_could_do() -> None:
    def ca(*extensions: tuple[x509.ExtensionType, bool]) -> Certificate:
        authority = Authority("X")
        builder = x509.CertificateBuilder(
            subject_name=authority.subject, issuer_name=authority.subject,
            public_key=authority.key.public_key(), serial_number=1,
            not_valid_before=AT, not_valid_after=AT + timedelta(days=1),
        )  # fmt: skip
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return Certificate(builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER))

    basic = (x509.BasicConstraints(True, None), True)
    below = x509.NameConstraints([x509.DNSName("corp.example")], None)
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    assert powers(ca(basic)) == "vouch for any site"
    assert powers(ca()) == "vouch for any site"
    assert powers(ca((x509.BasicConstraints(False, None), True))) == "vouch for itself only"
    assert powers(ca(basic, (below, True))) == "vouch for the names it is constrained to"
    assert "no web site" in powers(ca(basic, (mail, False)))


def test_a_ca_for_mail_alone_is_a_note(judging: TrustKnowledge) -> None:
    authority = Authority("Mail CA")
    builder = x509.CertificateBuilder(
        subject_name=authority.subject, issuer_name=authority.subject,
        public_key=authority.key.public_key(), serial_number=1,
        not_valid_before=AT, not_valid_after=AT + timedelta(days=400),
    ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)  # fmt: skip
    der = builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert found(judging, place(der)) == ["note local-root"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (Setting("env:NODE_TLS_REJECT_UNAUTHORIZED", "0", "environment"), "error verification-off"),
        (Setting("env:NODE_TLS_REJECT_UNAUTHORIZED", "1", "environment"), ""),
        (Setting("npmrc:strict-ssl", "true", "/root/.npmrc"), ""),
        (Setting("npmrc:strict-ssl", "FALSE", "/root/.npmrc"), "error verification-off"),
        (
            Setting("pip:global.trusted-host", "mirror.corp", "/etc/pip.conf"),
            "error verification-off",
        ),
        (Setting("curlrc:insecure", "", "/root/.curlrc"), "error verification-off"),
        (Setting("condarc:ssl_verify", "/ca.pem", "/root/.condarc"), ""),
        (Setting("env:SSLKEYLOGFILE", "/tmp/keys", "environment"), "warning keys-logged"),
        (Setting("env:SSL_CERT_FILE", "/gone", "environment", True), "warning trust-missing"),
        (Setting("env:SSL_CERT_FILE", "/there", "environment"), ""),
        (Setting("env:HTTPS_PROXY", "http://proxy:3128", "environment"), "note proxy-set"),
    ],
)
def test_settings_that_weaken_trust(
    judging: TrustKnowledge, setting: Setting, expected: str
) -> None:
    assert found(judging, settings=(setting,)) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://u:hunter2@proxy.corp:3128", "http://***@proxy.corp:3128"),
        ("http://u:hun@ter2@proxy.corp/x", "http://***@proxy.corp/x"),
        ("http://a.example/x@y", "http://a.example/x@y"),
        ("http://u:hunter2@a http://v:hunter2@b", "http://***@a http://***@b"),
        (
            "-Djavax.net.ssl.trustStore=/x.jks -Djavax.net.ssl.trustStorePassword=hunter2 -Xmx1g",
            "-Djavax.net.ssl.trustStore=/x.jks -Djavax.net.ssl.trustStorePassword=*** -Xmx1g",
        ),
        ("-Dhttp.proxyPassword='hunter2 hunter2' -Xmx1g", "-Dhttp.proxyPassword=*** -Xmx1g"),
        ("--use-openssl-ca", "--use-openssl-ca"),
        ("/etc/ssl/password.pem", "/etc/ssl/password.pem"),
    ],
)
def test_a_setting_is_shown_without_its_secrets(value: str, shown: str) -> None:
    found = secrets_out(Setting("env:X", value, "environment", names="/x.jks", scope=value))
    assert found.value == shown
    assert "hunter2" not in found.value
    assert found.names == ("/x.jks" if "/x.jks" in value or value == shown else "")
