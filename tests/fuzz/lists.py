"""Targets of signed and unsigned lists of others: logs, revocation, CAs."""

from __future__ import annotations

from datetime import date

from detector.causes.revocation import crl_state, ocsp_state
from detector.chain.certificate import Certificate, split_pem
from detector.lab.ca_service import revocation_list, staple
from detector.lists.ccadb import parse_pems, parse_records
from detector.lists.crlset import parse_crx, parse_header
from detector.lists.log_list import parse_list
from detector.net.other_ways import offered_http3
from tests.fuzz.lab import LEAF, LOG, PKI, TILED
from tests.fuzz.target import Target
from tests.lists.signing import EXTENSION, a_crx, a_list
from tests.lists.test_ccadb import RECORDS, ROOT, pems


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "log-list": Target(parse_list, (a_list("2026-11-20", LOG, TILED),), "Logs by their id."),
        "crlset": Target(_crx, (a_crx(7, "A" * 43 + "="),)),
        "crlset-header": Target(
            parse_header, (b'\x20\x00{"Sequence": 1, "NotAfter": 19e8}',), "Digests of keys."
        ),
        "ccadb": Target(_ccadb, (RECORDS.encode(), pems(ROOT))),
        "pem": Target(split_pem, (PKI.root.pem.encode() * 2,), "DER of every certificate."),
        "revocation": Target(
            _revocation,
            (revocation_list(PKI.intermediate), staple(PKI.intermediate, PKI.issue("a.example"))),
        ),
        "alt-svc": Target(
            _alt_svc,
            (b'HTTP/1.1 200 OK\r\nAlt-Svc: h3=":443"; ma=86400, h3-29=":443"\r\n\r\n',),
        ),
    }


def _crx(data: bytes) -> None:
    """Chrome's list in its signed archive; a signature of nobody's is refused."""
    parse_crx(data, EXTENSION)


def _ccadb(data: bytes) -> None:
    """Mozilla's table of CAs, and their certificates."""
    list(parse_pems(data))
    parse_records(data, date(2026, 1, 1))


def _revocation(data: bytes) -> None:
    """The same bytes as an OCSP answer and as a CRL."""
    leaf, issuer = Certificate(LEAF), Certificate(PKI.intermediate.der)
    for state in (ocsp_state, crl_state):
        state("it", data, leaf, issuer, PKI.intermediate.now)


def _alt_svc(data: bytes) -> None:
    """Where HTTP/3 is offered."""
    offered_http3(data, "a.example")
