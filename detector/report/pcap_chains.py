"""The distinct certificate chains of a capture as PEM files, and the index that says where each was seen.

A file is called after the name that was asked for, as far as a file may be, and after the chain's SHA-256: the same
chain has the same name in every run, and no name in a certificate or hello leads out of the folder.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from detector.chain.certificate import read_certificate
from detector.errors import CertificateError
from detector.model.harmless import harmless
from detector.report.pcap_csv import csv_line, safe_cell

INDEX = "index.csv"
INDEX_COLUMNS = (
    "file", "side", "sha256", "certificates", "subject", "issuer", "not_before", "not_after",
    "name", "server", "first_seen", "connections", "verdict",
)  # fmt: skip
_UNSAFE = re.compile(r"[^a-z0-9.-]")
_DOTS = re.compile(r"\.\.+")
_LONGEST = 80
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")


class ChainSeen(msgspec.Struct):
    """A chain that was seen: `cells` of its line in the index up to its count, and its verdict."""

    cells: tuple[str, ...]
    verdict: str
    connections: int = 0

    @property
    def row(self) -> list[str]:
        """Its line in the index."""
        return [safe_cell(cell) for cell in (*self.cells, str(self.connections), self.verdict)]


def index_header() -> str:
    """The index's first line."""
    return csv_line(INDEX_COLUMNS)


def index(chains: Iterable[ChainSeen]) -> str:
    """The whole index."""
    return index_header() + "".join(csv_line(one.row) for one in chains)


def chain_digest(chain: Iterable[bytes]) -> str:
    """What tells a chain from others."""
    return sha256(b"".join(sha256(der).digest() for der in chain)).hexdigest()


def file_name(name: str, digest: str) -> str:
    """A file's name that is one on every system: "www.example.org-0123456789abcdef.pem"."""
    safe = _DOTS.sub(".", _UNSAFE.sub("_", name.lower()))[:_LONGEST].strip(".-") or "unnamed"
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    return f"{safe}-{digest[:16]}.pem"


def pem(chain: Iterable[bytes]) -> bytes:
    """The chain as it was sent, the leaf first, each certificate with its names before it."""
    out: list[str] = []
    for der in chain:
        try:
            read = read_certificate(der)
            out += [f"# {harmless(read.subject_text)}", f"# issued by {harmless(read.issuer_text)}"]
        except CertificateError as error:
            out.append(f"# unreadable: {harmless(str(error))}")
        text = base64.b64encode(der).decode()
        out.append("-----BEGIN CERTIFICATE-----")
        out += [text[at : at + 64] for at in range(0, len(text), 64)]
        out.append("-----END CERTIFICATE-----")
    return ("\n".join(out) + "\n").encode()


def seen_chain(
    chain: tuple[bytes, ...], side: str, name: str, server: str, moment: str, verdict: str
) -> ChainSeen:
    """What the index says of a chain when it is seen first.

    Args:
        chain: DER certificates, leaf first; at least one.
        side: who showed it, "server" or "client".
        name: what was asked for, "" where nothing was.
        server: address and port.
        moment: when.
        verdict: who answers.

    """
    subject = issuer = before = after = ""
    try:
        leaf = read_certificate(chain[0])
        subject, issuer = leaf.subject_text, leaf.issuer_text
        before, after = leaf.not_before.isoformat(), leaf.not_after.isoformat()
    except CertificateError as error:
        subject = f"unreadable: {error}"
    file = file_name(
        f"client-{server}" if side == "client" else name or server, chain_digest(chain)
    )
    cells = (
        file, side, sha256(chain[0]).hexdigest(), str(len(chain)), subject, issuer, before, after,
        name, server, moment,
    )  # fmt: skip
    return ChainSeen(cells, verdict)
