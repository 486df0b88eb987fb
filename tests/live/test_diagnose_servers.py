"""The same faults in real servers: diagnose names the cause, whatever program has it.

Each fault is a credential or a setting; a program is asked for the faults that it can have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.lab.broken_certificates import (
    leaf_alone,
    must_staple,
    out_of_order,
    self_signed,
    under_expired_intermediate,
)
from detector.lab.pki import Authority, Credential, LabPki
from detector.model.inquiry import Diagnosis
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.runs.diagnose import Investigation
from tests.live.conftest import TABLES
from tests.live.servers import (
    ApacheServer,
    CaddyServer,
    GnutlsServer,
    HaproxyServer,
    JavaServer,
    NginxServer,
    OpensslServer,
    TlsServer,
)

pytestmark = pytest.mark.live
NOW = datetime.now(UTC)

PROGRAMS: dict[str, type[TlsServer]] = {
    "nginx": NginxServer,
    "Apache": ApacheServer,
    "HAProxy": HaproxyServer,
    "Caddy": CaddyServer,
    "s_server": OpensslServer,
    "gnutls-serv": GnutlsServer,
    "Java": JavaServer,
}
MODERN = ("obsolete-version", "weak-cipher-accepted")  # what gnutls-serv and our Java leave open


def diagnosed(port: int, pki: LabPki, sni: str | None = "localhost") -> Diagnosis:
    """The server on this port, asked for localhost."""
    target = replace(parse_target(f"localhost:{port}"), sni=sni)
    return asyncio.run(Investigation(ProbeOptions(timeout=20)).of(target, pki.knowledge()))


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _revoked(pki: LabPki) -> Credential:
    credential = pki.issue("localhost")
    pki.intermediate.revoked.add(credential.certificate.serial_number)
    return credential


Make = Callable[[LabPki], Credential]
CERTIFICATES: dict[str, tuple[str, Make]] = {
    "good": ("healthy", lambda pki: pki.issue("localhost")),
    "expired": (
        "certificate-expired",
        lambda pki: pki.issue("localhost", start=NOW - timedelta(days=200)),
    ),
    "not yet valid": (
        "certificate-not-yet-valid",
        lambda pki: pki.issue("localhost", start=NOW + timedelta(days=3)),
    ),
    "wrong host": ("hostname-mismatch", lambda pki: pki.issue("other.lab.test")),
    "self-signed": ("self-signed", self_signed),
    "private CA": (
        "issuer-unknown",
        lambda _: Authority("Somebody's CA", profile=False).issue("localhost"),
    ),
    "incomplete": ("incomplete-chain", leaf_alone),
    "wrong order": ("chain-out-of-order", out_of_order),
    "old intermediate": ("intermediate-expired", under_expired_intermediate),
    "must-staple": ("must-staple-missing", must_staple),
}
# GnuTLS puts the chain in order itself, and so do Java's key stores.
CANNOT = {("gnutls-serv", "wrong order"), ("Java", "wrong order")}

# fault: cause, server name to send, settings by program
SETTINGS: dict[str, tuple[str, str | None, dict[str, str]]] = {
    "TLS 1.0 only": ("version-mismatch", "localhost", {
        "nginx": "ssl_protocols TLSv1;\nssl_ciphers ALL:@SECLEVEL=0;",
        "Apache": "SSLProtocol TLSv1\nSSLCipherSuite ALL:@SECLEVEL=0",
        "HAProxy": "bind :443 ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.0 ciphers ALL:@SECLEVEL=0",
        "s_server": "-tls1 -cipher ALL:@SECLEVEL=0",
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.0",
        "Java": "protocols TLSv1",
    }),
    "no encryption": ("weak-cipher-only", "localhost", {
        "nginx": "ssl_protocols TLSv1.2;\nssl_ciphers eNULL:@SECLEVEL=0;",
        "HAProxy": "bind :443 ssl-max-ver TLSv1.2 ciphers eNULL:@SECLEVEL=0",
        "s_server": "-tls1_2 -cipher eNULL:@SECLEVEL=0",
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL:+RSA:+SHA1",
        "Java": "protocols TLSv1.2 suites TLS_RSA_WITH_NULL_SHA256",
    }),
    "3DES only": ("weak-cipher-only", "localhost", {
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC",
        "Java": "protocols TLSv1.2 suites SSL_RSA_WITH_3DES_EDE_CBC_SHA",
    }),
    "RC4 only": ("weak-cipher-only", "localhost", {
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128:+RSA:+SHA1",
        "Java": "protocols TLSv1.2 suites SSL_RSA_WITH_RC4_128_SHA",
    }),
    "ARIA or Camellia only": ("no-shared-cipher", "localhost", {
        "nginx": "ssl_protocols TLSv1.2;\nssl_ciphers ECDHE-ARIA128-GCM-SHA256;",
        "Apache": "SSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-ARIA128-GCM-SHA256",
        "HAProxy": "bind :443 ssl-max-ver TLSv1.2 ciphers ECDHE-ARIA128-GCM-SHA256",
        "s_server": "-tls1_2 -cipher ECDHE-ARIA128-GCM-SHA256",
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CAMELLIA-128-GCM",
    }),
    "static RSA only": ("no-forward-secrecy", "localhost", {
        "nginx": "ssl_protocols TLSv1.2;\nssl_ciphers AES128-GCM-SHA256;",
        "Apache": "SSLProtocol TLSv1.2\nSSLCipherSuite AES128-GCM-SHA256",
        "HAProxy": "bind :443 ssl-max-ver TLSv1.2 ciphers AES128-GCM-SHA256",
        "s_server": "-tls1_2 -cipher AES128-GCM-SHA256",
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
        "Java": "protocols TLSv1.2 suites TLS_RSA_WITH_AES_128_GCM_SHA256",
    }),
    "P-521 only": ("no-shared-group", "localhost", {
        "nginx": "ssl_protocols TLSv1.3;\nssl_ecdh_curve secp521r1;",
        "Apache": "SSLProtocol TLSv1.3\nSSLOpenSSLConfCmd Groups P-521",
        "HAProxy": "bind :443 ssl-min-ver TLSv1.3 curves P-521",
        "Caddy": "curves secp521r1",
        "s_server": "-tls1_3 -groups P-521",
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP521R1",
    }),
    "client certificate": ("client-certificate-required", "localhost", {
        "nginx": "ssl_verify_client on;\nssl_client_certificate CLIENTS;",
        "Apache": "SSLVerifyClient require\nSSLCACertificateFile CLIENTS",
        "HAProxy": "bind :443 verify required ca-file CLIENTS",
        "Caddy": "client_auth {\nmode require_and_verify\ntrusted_ca_cert_file CLIENTS\n}",
        "s_server": "-Verify 1 -verify_return_error -CAfile CLIENTS",
        "gnutls-serv": "--require-client-cert --x509cafile CLIENTS",
        "Java": "need yes",
    }),
    "client certificate, TLS 1.2": ("client-certificate-required", "localhost", {
        "nginx": "ssl_protocols TLSv1.2;\nssl_verify_client on;\nssl_client_certificate CLIENTS;",
        "Apache": "SSLProtocol TLSv1.2\nSSLVerifyClient require\nSSLCACertificateFile CLIENTS",
        "HAProxy": "bind :443 ssl-max-ver TLSv1.2 verify required ca-file CLIENTS",
        "Caddy": "protocols tls1.2 tls1.2\nclient_auth {\nmode require_and_verify\n"
                 "trusted_ca_cert_file CLIENTS\n}",
        "s_server": "-tls1_2 -Verify 1 -verify_return_error -CAfile CLIENTS",
        "gnutls-serv": "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2 --require-client-cert"
                       " --x509cafile CLIENTS",
        "Java": "protocols TLSv1.2 need yes",
    }),
    "unknown name": ("sni-unrecognized", "localhost", {
        "nginx": "ssl_reject_handshake on;",
        "HAProxy": "bind :443 crt OTHER strict-sni",
        "gnutls-serv": "--sni-hostname=other.lab.test --sni-hostname-fatal",
        "Java": "name other[.]lab[.]test",
    }),
    "other protocol": ("alpn-mismatch", "localhost", {
        "s_server": "-alpn mqtt",
        "gnutls-serv": "--alpn=mqtt --alpn-fatal",
        "Java": "alpn mqtt",
    }),
    "in clear": ("not-tls", "localhost", {
        "nginx": "listen 127.0.0.1:PORT;",
        "Apache": "SSLEngine off",
        "HAProxy": "# in clear",
    }),
}  # fmt: skip
RSA_FAULTS = ("no encryption", "3DES only", "RC4 only", "static RSA only", "ARIA or Camellia only")


def _named(program: str, fault: str, expected: str, found: Diagnosis) -> str:
    """The first cause, what this program leaves open by default aside."""
    by_default = () if expected in MODERN or program not in ("gnutls-serv", "Java") else MODERN
    # What is only noted (Caddy wants SNI, gnutls-serv still speaks TLS 1.0) is no blame.
    least = ("error", "warning") if expected == "healthy" else ("error", "warning", "note")
    causes = [
        cause.id for cause in found.causes if cause.id not in by_default and cause.severity in least
    ]
    name = causes[0] if causes else "healthy"
    TABLES.setdefault("real servers: cause named first", {}).setdefault(fault, {})[program] = (
        name if name == expected else f"WRONG: {name}"
    )
    return name


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("fault", CERTIFICATES)
def test_a_faulty_certificate_is_named_in_every_server(
    program: str, fault: str, tmp_path: Path
) -> None:
    expected, make = CERTIFICATES[fault]
    if (program, fault) in CANNOT:
        expected = "healthy"
    pki = LabPki()
    with PROGRAMS[program](tmp_path / "server", pki, make(pki)) as server:
        found = diagnosed(server.port, pki)
    assert _named(program, fault, expected, found) == expected


@pytest.mark.parametrize(
    ("fault", "program"),
    [(fault, program) for fault, (_, _, by) in SETTINGS.items() for program in by],
)
def test_a_faulty_setting_is_named_in_every_server(
    fault: str, program: str, tmp_path: Path
) -> None:
    expected, sni, settings = SETTINGS[fault]
    pki = LabPki()
    key = _rsa() if fault in RSA_FAULTS else None
    server = PROGRAMS[program](tmp_path / "server", pki, pki.issue("localhost", key=key))
    other = server._write("other", pki.issue("other.lab.test"))
    server.settings = (
        settings[program]
        .replace("CLIENTS", str(server.folder / "clients.pem"))
        .replace("OTHER", f"{other}.both.pem")
        .replace("PORT", str(server.port))
    )
    with server:
        found = diagnosed(server.port, pki, sni)
    assert _named(program, fault, expected, found) == expected


STAPLES = {
    "nginx": "ssl_stapling on;\nssl_stapling_file STAPLE;",
    "HAProxy": "",
    "s_server": "-status_file STAPLE",
    "gnutls-serv": "--ocsp-response=STAPLE --ignore-ocsp-response-errors",
}


@pytest.mark.parametrize("program", STAPLES)
def test_a_stapled_revocation_is_read_in_every_server(program: str, tmp_path: Path) -> None:
    pki = LabPki()
    server = PROGRAMS[program](tmp_path / "server", pki, _revoked(pki))
    response = server.folder / "staple.der"
    server.settings = STAPLES[program].replace("STAPLE", str(response))
    (server.folder / "shown.both.pem.ocsp").write_bytes(response.read_bytes())
    with server:
        found = diagnosed(server.port, pki)
    expected = "certificate-revoked"
    assert _named(program, "revoked, stapled", expected, found) == expected
