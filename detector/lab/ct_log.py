"""A real Certificate Transparency log: takes leaves, signs SCTs and tree heads, proves inclusion.

In memory, by its own key, over both interfaces: RFC 6962 and static-ct. `serve` answers the GET
requests of whichever it was made for; `detector.lab.web` puts it behind HTTPS.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.chain.sct import CTLog, Sct, signed_certificate_input, signed_input
from detector.ct import merkle
from detector.ct.tiles import WIDTH, Tile, tile_at
from detector.ct.tree_head import TreeHead, note_key_id
from detector.lab.answer import Answer


class LabLog:
    """A log of precertificates and certificates (RFC 6962 section 3.1).

    Args:
        name: how a judge calls it.
        tiled: speak static-ct, with the entry's place in each SCT, instead of RFC 6962.

    Attributes:
        url: where a judge is told to ask; set it once the log is served.
        leaves: Merkle leaf hashes of all entries.

    """

    def __init__(self, name: str = "Lab log", *, tiled: bool = False) -> None:
        self.name = name
        self.tiled = tiled
        self.url = ""
        self.leaves: list[bytes] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.key = self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.log_id = sha256(self.key).digest()

    def known(self, start: datetime | None = None, end: datetime | None = None) -> CTLog:
        """The log as a judge knows it; `start` and `end` make it a temporal shard."""
        return CTLog(
            self.log_id, self.key, self.name, "Lab", "usable", start, end,
            url=self.url, tiled=self.tiled,
        )  # fmt: skip

    def sign(self, tbs: bytes, issuer_spki: bytes) -> bytes:
        """Log a TBSCertificate that has no SCT list yet; its serialised SCT."""
        issuer_key = sha256(issuer_spki).digest()
        return self._logged(lambda sct: signed_input(sct, issuer_key, tbs))

    def sign_certificate(self, certificate: bytes) -> bytes:
        """Log a certificate (DER) as it is; the serialised SCT, to be sent beside it."""
        return self._logged(lambda sct: signed_certificate_input(sct, certificate))

    def grow(self, count: int) -> None:
        """Log `count` other entries."""
        start = len(self.leaves)
        self.leaves += [merkle.leaf_hash(b"%d" % n) for n in range(start, start + count)]

    def head(self, *, timestamp_ms: int | None = None) -> TreeHead:
        """The signed head of the tree as it is."""
        stamp = timestamp_ms or _milliseconds()
        head = TreeHead(len(self.leaves), merkle.tree_hash(self.leaves), stamp, ())
        return TreeHead(head.size, head.root, stamp, (self._signed(head.signed_input),))

    def sth(self, head: TreeHead | None = None) -> bytes:
        """The answer of get-sth."""
        head = head or self.head()
        answer = {
            "tree_size": head.size,
            "timestamp": head.timestamp_ms,
            "sha256_root_hash": b64encode(head.root).decode(),
            "tree_head_signature": b64encode(head.signatures[0]).decode(),
        }
        return json.dumps(answer).encode()

    def checkpoint(self, head: TreeHead | None = None) -> bytes:
        """The signed note of a static-ct log."""
        head = head or self.head()
        origin = self.url.partition("://")[2].rstrip("/") or "lab.test/log"
        stamp = head.timestamp_ms.to_bytes(8, "big")
        signature = note_key_id(origin, self.log_id) + stamp + head.signatures[0]
        note = f"{origin}\n{head.size}\n{b64encode(head.root).decode()}\n"
        return f"{note}\n— {origin} {b64encode(signature).decode()}\n".encode()

    def tile(self, tile: Tile) -> bytes:
        """The hashes of one tile."""
        step = WIDTH**tile.level
        first = tile.index * WIDTH
        rows = (self.leaves[n * step : (n + 1) * step] for n in range(first, first + tile.width))
        return b"".join(merkle.tree_hash(row) for row in rows)

    def serve(self, target: str) -> Answer:
        """Answer one GET request."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        last = url.path.rsplit("/", 1)[-1]
        if self.tiled:
            if last == "checkpoint":
                return Answer(self.checkpoint(), "text/plain; charset=utf-8")
            return self._serve_tile(url.path)
        if last == "get-sth":
            return Answer(self.sth(), "application/json")
        if last == "get-proof-by-hash":
            return self._serve_proof(query)
        return Answer(status=404)

    def entry(self) -> dict[str, object]:
        """The log as an entry of a list for `--ct-logs`."""
        place = {"monitoring_url" if self.tiled else "url": self.url} if self.url else {}
        return {
            "description": self.name,
            "log_id": b64encode(self.log_id).decode(),
            "key": b64encode(self.key).decode(),
            "state": {"usable": {"timestamp": "2026-01-01T00:00:00Z"}},
            **place,
        }

    def _logged(self, signed: Callable[[Sct], bytes]) -> bytes:
        place = b"\x00\x00\x05" + len(self.leaves).to_bytes(5, "big") if self.tiled else b""
        sct = Sct(self.log_id, _milliseconds(), place, 4, 3, b"")
        message = signed(sct)
        self.leaves.append(merkle.leaf_hash(message))
        return (
            b"\x00"
            + self.log_id
            + sct.timestamp_ms.to_bytes(8, "big")
            + len(place).to_bytes(2, "big")
            + place
            + self._signed(message)
        )

    def _serve_proof(self, query: dict[str, str]) -> Answer:
        size = int(query["tree_size"])
        wanted = b64decode(query["hash"])
        if wanted not in self.leaves[:size]:
            return Answer(b'{"error_message": "no such leaf"}', "application/json", 404)
        index = self.leaves.index(wanted)
        path = merkle.inclusion_path(self.leaves[:size], index)
        answer = {"leaf_index": index, "audit_path": [b64encode(step).decode() for step in path]}
        return Answer(json.dumps(answer).encode(), "application/json")

    def _serve_tile(self, path: str) -> Answer:
        _, found, place = path.partition("/tile/")
        where, _, width = place.partition(".p/")
        level, _, groups = where.partition("/")
        if not found or not level.isdigit():
            return Answer(status=404)
        index = int(groups.replace("/", "").replace("x", ""))
        tile = tile_at(int(level), index, len(self.leaves))
        if tile.width < int(width or WIDTH):
            return Answer(status=404)
        wanted = Tile(tile.level, index, int(width or WIDTH))
        return Answer(self.tile(wanted), "application/octet-stream")

    def _signed(self, message: bytes) -> bytes:
        """A digitally-signed structure: SHA-256, ECDSA (RFC 5246 section 4.7)."""
        signature = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        return b"\x04\x03" + len(signature).to_bytes(2, "big") + signature


def _milliseconds() -> int:
    return int(time.time() * 1000)
