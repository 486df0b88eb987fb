"""A Certificate Transparency log's key: signs what a real log signs, so that its SCTs verify."""

from __future__ import annotations

import time
from base64 import b64encode
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.chain.sct import CTLog, Sct, signed_input


class LabLog:
    """A log that signs SCTs for precertificates (RFC 6962 section 3.2) and keeps nothing."""

    def __init__(self, name: str = "Lab log") -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.key = self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.log_id = sha256(self.key).digest()

    def known(self, start: datetime | None = None, end: datetime | None = None) -> CTLog:
        """The log as a judge knows it; `start` and `end` make it a temporal shard."""
        return CTLog(self.log_id, self.key, self.name, "Lab", "usable", start, end)

    def sign(self, tbs: bytes, issuer_spki: bytes) -> bytes:
        """A serialised SCT over a TBSCertificate that has no SCT list yet."""
        sct = Sct(self.log_id, int(time.time() * 1000), b"", 4, 3, b"")
        message = signed_input(sct, sha256(issuer_spki).digest(), tbs)
        signature = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        return (
            b"\x00"
            + self.log_id
            + sct.timestamp_ms.to_bytes(8, "big")
            + b"\x00\x00\x04\x03"
            + len(signature).to_bytes(2, "big")
            + signature
        )

    def entry(self) -> dict[str, object]:
        """The log as an entry of a list for `--ct-logs`."""
        return {
            "description": self.name,
            "log_id": b64encode(self.log_id).decode(),
            "key": b64encode(self.key).decode(),
            "state": {"usable": {"timestamp": "2026-01-01T00:00:00Z"}},
        }
