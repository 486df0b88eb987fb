"""Targets of Certificate Transparency: SCTs, heads, proofs, tiles, and what CT's services answer."""

from __future__ import annotations

import json

import msgspec

from detector.chain.sct import embedded_scts, parse_sct_list
from detector.chain.stapled_scts import stapled_scts
from detector.ct.certspotter import parse_page
from detector.ct.crtsh import parse_answer
from detector.ct.proving import prove
from detector.ct.tiles import parse_tile, path_from_tiles, tile_at, tiles_for
from detector.ct.tree_head import parse_checkpoint, parse_sth
from detector.errors import TlsightError
from detector.knowledge.ct_export import read_export
from detector.lab.ca_service import staple
from detector.lab.pki import sct_extension
from tests.ct.test_issuance import ROW as ISSUANCE
from tests.fuzz.lab import LOG, LOGGED, PKI, TILED, in_a_file, vec
from tests.fuzz.target import Target
from tests.knowledge.test_ct_store import lookup as a_lookup

_BARE = PKI.issue("a.example", logs=())
_STAPLE = staple(PKI.intermediate, _BARE, sct_extension([PKI.logs[0].sign_certificate(_BARE.der)]))
_SCT = b"\x00" + bytes(32 + 8 + 2) + b"\x04\x03" + vec(2, b"sig")
_CRTSH = (
    b'[{"id": 1, "issuer_name": "CN=x", "name_value": "a\\nb", "not_before": "2026-01-01T00:00:00",'
    b' "not_after": "2026-02-01T00:00:00"}]'
)
_AUDIT = b'{"leaf_index": 0, "audit_path": []}'


def targets() -> dict[str, Target]:
    """By name."""
    tiles = b"".join(TILED.leaves)
    return {
        "sct-list": Target(parse_sct_list, (vec(2, vec(2, _SCT) * 3),), "SCTs of a list."),
        "stapled-scts": Target(_stapled, (_STAPLE, staple(PKI.intermediate, _BARE))),
        "tree-head": Target(parse_sth, (LOG.sth(),), "A head as RFC 6962 logs write it."),
        "checkpoint": Target(_checkpoint, (LOG.checkpoint(),)),
        "log-answers": Target(
            _hostile_log, (LOG.sth() + b"\0" + _AUDIT, TILED.checkpoint() + b"\0" + tiles)
        ),
        "tiles": Target(_tiles, (b"\0\x01\0\x02" + bytes(64), b"\x01\x2c\x02\x58" + bytes(8192))),
        "cert-spotter": Target(parse_page, (json.dumps([ISSUANCE]).encode(),), "A page of issuances."),
        "crt.sh": Target(parse_answer, (_CRTSH,), "Issuances."),
        "ct-export": Target(_exported, (msgspec.json.encode(a_lookup()),)),
    }  # fmt: skip


def _stapled(data: bytes) -> None:
    """SCTs of a stapled OCSP answer for one serial number."""
    stapled_scts(data, _BARE.certificate.serial_number)


def _checkpoint(data: bytes) -> None:
    """A head as static-ct logs write it."""
    parse_checkpoint(data, LOG.log_id)


def _hostile_log(data: bytes) -> None:
    """Both kinds of log answer with the parts of the input, in turn, and nothing becomes a proof."""
    for sct, log in zip(embedded_scts(LOGGED), (LOG, TILED), strict=True):
        log.url = "https://log.test/"
        dialogue = prove(sct, log.known(), bytes(32))
        parts = data.split(b"\0", 1) * 5
        try:
            next(dialogue)
            for part in parts:
                dialogue.send(part)
        except StopIteration as end:
            raise AssertionError("garbage became a proof") from end
        except TlsightError:
            pass


def _tiles(data: bytes) -> None:
    """A leaf's number, a tree's size, and the tiles' bytes: a path of at most 64 hashes."""
    index, size, rest = int.from_bytes(data[:2]), int.from_bytes(data[2:4]), data[4:]
    parse_tile(rest, tile_at(0, 0, max(1, min(256, len(rest) // 32))))
    if index >= size:
        return
    found = {}
    for tile in tiles_for(index, size):
        found[tile] = parse_tile(rest[: 32 * tile.width], tile)
    assert len(path_from_tiles(index, size, found)) <= 64


def _exported(data: bytes) -> None:
    """What another machine knows of CT."""
    in_a_file(data, "known.ndjson", lambda path: list(read_export(path)))
