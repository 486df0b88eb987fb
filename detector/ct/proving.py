"""How a log is asked for an inclusion proof, as a dialogue without a network.

A generator yields what to fetch and is sent the bodies; it returns the proof. Everything that comes
back is checked on the way, so a hostile log is asked no further. Raises ProofError.

RFC 6962 sections 4.3 and 4.5: get-sth, get-proof-by-hash. Static-ct: checkpoint, tiles.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator
from urllib.parse import quote

import msgspec

from detector.chain.sct import CTLog, Sct
from detector.ct import merkle
from detector.ct.tiles import WIDTH, parse_tile, path_from_tiles, tiles_for
from detector.ct.tree_head import MAX_HEAD, TreeHead, is_signed, parse_checkpoint, parse_sth
from detector.errors import ProofError, WireError
from detector.model.no_json import NO_JSON
from detector.model.observation import InclusionProof

_MAX_PROOF = 1 << 14


class Ask(msgspec.Struct, frozen=True):
    """One thing to fetch.

    Attributes:
        limit: bytes of body at most.
        instead: where to look when the first place answers 404.

    """

    url: str
    limit: int
    instead: str | None = None


Proving = Generator[Ask, bytes, InclusionProof]


def prove(sct: Sct, log: CTLog, entry: bytes) -> Proving:
    """Ask `log` to prove that it holds the entry with Merkle leaf hash `entry`."""
    if not log.url:
        raise ProofError(log.name, "its address is not known")
    return _from_tiles(sct, log, entry) if log.tiled else _by_hash(sct, log, entry)


class _AuditPath(msgspec.Struct, frozen=True):
    leaf_index: int
    audit_path: tuple[bytes, ...]


def _by_hash(sct: Sct, log: CTLog, entry: bytes) -> Proving:
    body = yield Ask(f"{log.url}ct/v1/get-sth", MAX_HEAD)
    head = _trusted(body, sct, log)
    wanted = quote(b64encode(entry).decode(), safe="")
    place = f"{log.url}ct/v1/get-proof-by-hash?hash={wanted}&tree_size={head.size}"
    answer = yield Ask(place, _MAX_PROOF)
    try:
        found = msgspec.json.decode(answer, type=_AuditPath)
    except NO_JSON as error:
        raise ProofError(log.name, f"its proof cannot be read: {error}") from None
    return _checked(log, body, head, entry, found.leaf_index, found.audit_path)


def _from_tiles(sct: Sct, log: CTLog, entry: bytes) -> Proving:
    index = sct.leaf_index
    if index is None:
        raise ProofError(log.name, "its SCT does not say where the entry is")
    body = yield Ask(f"{log.url}checkpoint", MAX_HEAD)
    head = _trusted(body, sct, log)
    if index >= head.size:
        raise ProofError(log.name, f"entry {index} is beyond its {head.size} entries")
    hashes: dict[object, list[bytes]] = {}
    for tile in tiles_for(index, head.size):
        full = f"{log.url}{tile.full_path}" if tile.width < WIDTH else None
        data = yield Ask(f"{log.url}{tile.path}", WIDTH * merkle.HASH_SIZE, full)
        try:
            hashes[tile] = parse_tile(data, tile)
        except WireError as error:
            raise ProofError(log.name, error.message) from None
    path = tuple(path_from_tiles(index, head.size, hashes))  # type: ignore[arg-type]
    return _checked(log, body, head, entry, index, path)


def _trusted(body: bytes, sct: Sct, log: CTLog) -> TreeHead:
    """The tree head of a body; its signature holds and it is not older than the SCT."""
    try:
        head = parse_checkpoint(body, log.log_id) if log.tiled else parse_sth(body)
    except WireError as error:
        raise ProofError(log.name, error.message) from None
    if not is_signed(head, log):
        raise ProofError(log.name, "its tree head is not signed by its key")
    if head.timestamp_ms < sct.timestamp_ms:
        raise ProofError(log.name, "its tree head is older than the leaf's SCT")
    if head.size == 0:
        raise ProofError(log.name, "its tree is empty")
    return head


def _checked(
    log: CTLog, body: bytes, head: TreeHead, entry: bytes, index: int, path: tuple[bytes, ...]
) -> InclusionProof:
    if not merkle.is_included(entry, index, head.size, path, head.root):
        raise ProofError(log.name, "its path does not lead from the leaf to the signed root")
    return InclusionProof(log.log_id, "static-ct" if log.tiled else "rfc6962", body, index, path)
