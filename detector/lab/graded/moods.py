"""Servers whose certificate is good and whose TLS is not: each agrees on one bad thing alone."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import dh, rsa
from cryptography.hazmat.primitives.serialization import Encoding, ParameterFormat

from detector.lab.graded.half_speaker import half_speaking
from detector.lab.graded.old_speaker import Old, old_speaking
from detector.lab.origin import Prepare, server_context
from detector.lab.pki import Credential
from detector.serving.speaker import OpenSslSpeaker, Speaking

_HTTP = ["h2", "http/1.1"]
# RFC 2409 section 6.2, the group of 1024 bits that many share.
GROUP_2 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
# A safe prime of 512 bits, made for this.
_SHORT = int(
    "FB58C9750FF48F46DABB351DFB6536172DD42CC340C24FFC48ED7EDCF0333144C456D117EEAF76B794499C7C1522903E"
    "DD649772AFF2B9237C7A2763E77D8C83",
    16,
)
_SSL3, _TLS10, _TLS12 = (3, 0), (3, 1), (3, 3)
# RSA_EXPORT_WITH_RC4_40_MD5, RC2_CBC_40_MD5, DES40_CBC_SHA, DHE_RSA_EXPORT_WITH_DES40_CBC_SHA.
_EXPORT = (0x0003, 0x0006, 0x0008)
# DHE_RSA with AES in GCM and CBC, and 3DES.
_DHE = (0x009E, 0x009F, 0x0067, 0x006B, 0x0033, 0x0039, 0x0016)


def well(credential: Credential) -> Speaking:
    """Nothing is wrong with it: TLS 1.2 and 1.3, HTTP/2. An RSA key too short for PSS speaks TLS 1.2 alone."""
    key = credential.key
    short = isinstance(key, rsa.RSAPrivateKey) and key.key_size < 1024
    return _openssl(credential, _good12 if short else _good)


MOODS: Mapping[str, Callable[[Credential], Speaking]] = {
    "server-ssl3": lambda one: old_speaking(one, Old((_SSL3, _SSL3), ("aes128", "aes256", "3des"))),
    "server-tls10": lambda one: _openssl(one, _only(ssl.TLSVersion.TLSv1)),
    "server-tls11": lambda one: _openssl(one, _only(ssl.TLSVersion.TLSv1_1)),
    "server-null": lambda one: _openssl(one, _suites("eNULL:!aNULL:!PSK")),
    "server-anonymous": lambda one: _openssl(one, _suites("aNULL:!eNULL:!PSK:!SRP")),
    "server-export": lambda one: half_speaking(one, _EXPORT),
    "server-rc4": lambda one: old_speaking(one, Old((_TLS10, _TLS12), ("rc4",))),
    "server-3des": lambda one: old_speaking(one, Old((_TLS10, _TLS12), ("3des",))),
    "server-static-rsa": lambda one: _openssl(one, _suites("kRSA:!eNULL")),
    "server-dh-512": lambda one: half_speaking(one, _DHE, _SHORT),
    "server-dh-1024": lambda one: _openssl(one, _with_group_2),
}


def _openssl(credential: Credential, prepare: Prepare) -> Speaking:
    context = server_context(credential, prepare)
    context.set_alpn_protocols(_HTTP)
    return lambda: OpenSslSpeaker(context)


def _good(context: ssl.SSLContext) -> None:
    """Credentials of any strength are shown: they are the fault, where there is one."""
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_2


def _good12(context: ssl.SSLContext) -> None:
    _good(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def _only(version: ssl.TLSVersion) -> Prepare:
    def prepare(context: ssl.SSLContext) -> None:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
            context.minimum_version = context.maximum_version = version

    return prepare


def _suites(names: str) -> Prepare:
    def prepare(context: ssl.SSLContext) -> None:
        context.set_ciphers(f"{names}:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    return prepare


def _with_group_2(context: ssl.SSLContext) -> None:
    _suites("kDHE+aRSA:!eNULL")(context)
    parameters = dh.DHParameterNumbers(GROUP_2, 2).parameters()
    pem = parameters.parameter_bytes(Encoding.PEM, ParameterFormat.PKCS3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "group.pem")
        path.write_bytes(pem)
        context.load_dh_params(str(path))
