"""A query service over the lab's certificates, in Cert Spotter's form."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from detector.chain.certificate import Certificate
from detector.chain.names import holds_name
from detector.lab.answer import Answer, Request
from detector.lab.pki import Authority, Credential


class CtSearch:
    """Knows what it is told of, as a log's monitor knows what is logged."""

    def __init__(self) -> None:
        self._issued: list[tuple[Certificate, dict[str, Any]]] = []

    def add(self, leaf: Credential, issuer: Authority) -> None:
        """One more logged certificate."""
        certificate = leaf.certificate
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        row = {
            "id": str(len(self._issued) + 1),
            "dns_names": names.get_values_for_type(x509.DNSName),
            "pubkey_sha256": sha256(leaf.spki).hexdigest(),
            "issuer": {
                "name": certificate.issuer.rfc4514_string(),
                "pubkey_sha256": sha256(issuer.spki).hexdigest(),
            },
            "not_before": certificate.not_valid_before_utc.isoformat(),
            "not_after": certificate.not_valid_after_utc.isoformat(),
        }
        self._issued.append((Certificate(certificate.public_bytes(Encoding.DER)), row))

    def serve(self, request: Request) -> Answer:
        """All issuances for `domain` on the first page; an empty page ends them."""
        query = parse_qs(urlsplit(request.target).query)
        host = query.get("domain", [""])[0]
        found = [row for certificate, row in self._issued if holds_name(certificate, host)]
        return Answer(json.dumps([] if "after" in query else found).encode())
