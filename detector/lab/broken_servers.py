"""Servers whose settings are at fault: versions, suites, groups, names, client certificates."""

from __future__ import annotations

import ssl
import tempfile
import warnings

from cryptography.hazmat.primitives.asymmetric import dh, rsa
from cryptography.hazmat.primitives.serialization import Encoding, ParameterFormat

from detector.lab.case import HOST, Case, Started, anything, gated, only, prepared
from detector.lab.origin import Origin, Prepare, server_context
from detector.lab.peers import Decision, OldServer, Refusing
from detector.lab.pki import LabPki
from detector.wire import registry as r
from detector.wire.hello import ClientHello

_WITHOUT_SNI = ("--sni", "")
_REFUSAL = b"HTTP/1.1 400 No required SSL certificate was sent\r\nConnection: close\r\n\r\n"
# RFC 2409 section 6.2: the 1024-bit group that half of all servers used to share.
_OAKLEY_2 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404"
    "DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406"
    "B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16,
)  # fmt: skip


def _suites(names: str, *, versions: ssl.TLSVersion | None = ssl.TLSVersion.TLSv1_2) -> Prepare:
    def prepare(context: ssl.SSLContext) -> None:
        context.set_ciphers(f"{names}:@SECLEVEL=0")
        if versions is not None:
            context.maximum_version = versions

    return prepare


def _short_dh(context: ssl.SSLContext) -> None:
    _suites("DHE-RSA-AES128-GCM-SHA256")(context)
    numbers = dh.DHParameterNumbers(_OAKLEY_2, 2)
    pem = numbers.parameters().parameter_bytes(Encoding.PEM, ParameterFormat.PKCS3)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem)
        file.flush()
        context.load_dh_params(file.name)


def _group(name: str) -> Prepare:
    def prepare(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_ecdh_curve(name)

    return prepare


def _every_version(context: ssl.SSLContext) -> None:
    anything(context)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is the point
        context.minimum_version = ssl.TLSVersion.TLSv1


def _rsa(pki: LabPki, prepare: Prepare) -> Started:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Refusing(server_context(pki.issue(HOST, key=key), prepare))


def _old(pki: LabPki, *suites: int, version: int = 0x0303, renegotiation: bool = True) -> OldServer:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    credential = pki.issue(HOST, key=key)
    return OldServer(credential, suites, version=version, renegotiation=renegotiation)


def _asks(
    pki: LabPki,
    *,
    mode: ssl.VerifyMode = ssl.CERT_REQUIRED,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    answer: bytes = b"",
) -> Started:
    def prepare(context: ssl.SSLContext) -> None:
        context.maximum_version = version
        context.verify_mode = mode
        context.load_verify_locations(cadata=pki.root.pem)

    return Refusing(server_context(pki.issue(HOST), prepare), answer)


def _unknown_name(pki: LabPki) -> Started:
    def refuse(*_: object) -> int:
        return ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context = server_context(pki.issue("other.localhost"))
    context.sni_callback = refuse
    return Refusing(context)


def _needs_name(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
    return "pass" if hello.sni else 40


def _other_protocols(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
    return "pass" if not hello.alpn or b"mqtt" in hello.alpn else 120


def _forgets_sessions(hello: ClientHello, _first: bytes, _whole: bytes) -> Decision:
    again = hello.extension(r.SESSION_TICKET) or hello.extension(r.PRE_SHARED_KEY)
    return "reset" if again else "pass"


CASES: tuple[Case, ...] = (
    Case("ssl-3", "version-mismatch", "SSL 3.0 and nothing later",
         lambda pki: _old(pki, 0x0005, 0x002F, version=0x0300)),
    Case("tls-1.0", "version-mismatch", "TLS 1.0 and nothing later",
         prepared(only(ssl.TLSVersion.TLSv1))),
    Case("tls-1.1", "version-mismatch", "TLS 1.1 and nothing else",
         prepared(only(ssl.TLSVersion.TLSv1_1))),
    Case("old-versions-too", "obsolete-version", "TLS 1.0 and 1.1 beside 1.2 and 1.3",
         prepared(_every_version)),
    Case("no-encryption", "weak-cipher-only", "suites without encryption only",
         lambda pki: Refusing(server_context(pki.issue(HOST), _suites("eNULL")))),
    Case("rc4", "weak-cipher-only", "RC4 only", lambda pki: _old(pki, 0x0005, 0x0004)),
    Case("3des", "weak-cipher-only", "3DES only", lambda pki: _old(pki, 0x000A)),
    Case("export", "weak-cipher-only", "40-bit suites for export only",
         lambda pki: _old(pki, 0x0003, 0x0008)),
    Case("weak-ciphers-too", "weak-cipher-accepted", "suites without encryption beside sound ones",
         prepared(_suites("ALL:eNULL", versions=None))),
    Case("aria", "no-shared-cipher", "ARIA only, which browsers do not have",
         lambda pki: _rsa(pki, _suites("ECDHE-ARIA128-GCM-SHA256"))),
    Case("static-rsa", "no-forward-secrecy", "key exchange with the certificate's RSA key only",
         lambda pki: _rsa(pki, _suites("AES128-GCM-SHA256"))),
    Case("short-dh", "weak-key", "Diffie-Hellman with 1024 bits only",
         lambda pki: _rsa(pki, _short_dh)),
    Case("p-521", "no-shared-group", "the group secp521r1 only", prepared(_group("secp521r1"))),
    Case("legacy-renegotiation", "legacy-renegotiation", "no secure renegotiation",
         lambda pki: _old(pki, 0x009C, 0x002F, renegotiation=False)),
    Case("resumption", "resumption-broken", "resets clients that bring their ticket",
         gated(_forgets_sessions)),
    Case("alpn", "alpn-mismatch", "speaks mqtt and no protocol of the web",
         gated(_other_protocols)),
    Case("unknown-name", "sni-unrecognized", "knows another name only, and says so",
         _unknown_name),
    Case("needs-name", "sni-required", "answers only clients that name it",
         gated(_needs_name), options=_WITHOUT_SNI),
    Case("default-site", "sni-mismatch", "another site's certificate for clients without SNI",
         lambda pki: Origin({"other.localhost": pki.issue("other.localhost"),
                             HOST: pki.issue(HOST)}), options=_WITHOUT_SNI),
    Case("client-certificate", "client-certificate-required", "wants a client certificate",
         _asks),
    Case("client-certificate-1.2", "client-certificate-required", "the same in TLS 1.2",
         lambda pki: _asks(pki, version=ssl.TLSVersion.TLSv1_2)),
    Case("client-certificate-http", "client-certificate-required", "says so in HTTP",
         lambda pki: _asks(pki, mode=ssl.CERT_OPTIONAL, answer=_REFUSAL)),
    Case("client-certificate-stranger", "client-certificate-rejected",
         "trusts another CA than the client's", _asks,
         options=("--client-cert", "{folder}/stranger.pem")),
    Case("internal-error", "other-alert", "answers with the alert internal_error",
         gated(lambda *_: 80)),
)  # fmt: skip
