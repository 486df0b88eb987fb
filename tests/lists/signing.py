"""Lists signed by keys of the tests."""

from __future__ import annotations

import json
from hashlib import sha256
from io import BytesIO
from zipfile import ZipFile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.lab.ct_log import LabLog
from detector.lists.crlset import extension_id
from detector.lists.log_list import ListKey

LIST_KEY = rsa.generate_private_key(public_exponent=65537, key_size=4096)
CRX_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def spki(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


EXPECTED = ListKey(
    LIST_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    sha256(spki(LIST_KEY)).hexdigest(),
)
EXTENSION = extension_id(spki(CRX_KEY))


def a_list(day: str, *logs: LabLog) -> bytes:
    """A list of that day ("2026-11-20")."""
    operator = {"name": "Lab", "logs": [log.entry() for log in logs]}
    stamp = f"{day}T12:00:00Z"
    return json.dumps(
        {"version": day, "log_list_timestamp": stamp, "operators": [operator]}
    ).encode()


def signed(body: bytes, key: rsa.RSAPrivateKey = LIST_KEY) -> bytes:
    return key.sign(body, padding.PKCS1v15(), hashes.SHA256())


def a_crx(sequence: int, *known: str, key: rsa.RSAPrivateKey = CRX_KEY, **more: object) -> bytes:
    """A CRLSet in its signed extension."""
    header = {"Sequence": sequence, "KnownInterceptionSPKIs": list(known), **more}
    text = json.dumps(header).encode()
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("crl-set", len(text).to_bytes(2, "little") + text)
    return crx_of(packed.getvalue(), key)


def crx_of(archive: bytes, key: rsa.RSAPrivateKey = CRX_KEY) -> bytes:
    data = b"\x0a\x10" + sha256(spki(key)).digest()[:16]
    size = len(data).to_bytes(4, "little")
    signature = signed(b"CRX3 SignedData\x00" + size + data + archive, key)
    proof = _field(1, spki(key)) + _field(2, signature)
    header = _field(2, proof) + _field(10000, data)
    return (
        b"Cr24" + (3).to_bytes(4, "little") + len(header).to_bytes(4, "little") + header + archive
    )


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return found + bytes((value,))
