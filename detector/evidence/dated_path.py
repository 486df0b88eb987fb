"""The path that counts for the time at which the leaf was issued.

Rules
-----
1. A path to a root that was public when the leaf was issued is public. Where the first one found is not
   such a one, others are tried: a cross-signed chain is public if any of its ways is.
2. A path to a root that had ended by then is a private one, but its keys are those of a public CA, which
   serves many: sharing them tells nothing, and a pin that it breaks is no proof.
3. A root that somebody added to the public list found here makes a path of this machine alone. Only where
   an unchanged package that is newer than our table brought it, nobody can tell whether it is public.
4. Where nobody can tell, nothing follows: not "public", and nothing against the host.

Where the user says what is public (a lab) none of this counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import structs

from detector.chain.anchors import TrustAnchors, without
from detector.chain.certificate import Certificate
from detector.chain.path import Path, build_path
from detector.chain.root_table import RootEnd, RootTable, Standing
from detector.chain.sct import check_scts
from detector.errors import CertificateError
from detector.known.knowledge import Knowledge

_MAX_WAYS = 4  # tried; honest chains have two at most

RootStanding = Literal[Standing, "added"]


class DatedPath(msgspec.Struct, frozen=True):
    """A path with what its root was worth.

    Attributes:
        standing: None where nothing is known of the root, and in a lab.
        end: how the root ended, where it did.

    """

    path: Path
    standing: RootStanding | None = None
    end: RootEnd | None = None


def dated_path(sent: Sequence[Certificate], host: str, known: Knowledge, at: datetime) -> DatedPath:
    """The best path for a leaf that was shown at `at`; `sent` as for build_path."""
    found = build_path(sent, host, known.public, known.local, known.programs)
    if known.listed is None:
        return DatedPath(found)
    if found.kind != "public":
        return _not_public(sent, host, known, found)
    table = known.listed()
    dated = _dated(found, known, table, at)
    ways = [dated]
    left_out: frozenset[str] = frozenset()
    while dated.standing not in ("public", "once-public") and len(ways) < _MAX_WAYS:
        root = dated.path.certificates[-1]
        left_out |= {root.sha256, _listed_root(root, known, table).sha256}
        programs = known.programs
        found = build_path(
            sent, host,
            without(known.public, left_out), None, programs and programs.but(left_out),
        )  # fmt: skip
        if found.kind != "public":
            break
        dated = _dated(found, known, table, at)
        ways.append(dated)
    return min(ways, key=_worth)


def _worth(way: DatedPath) -> int:
    """Places among the ways: "cannot tell" before "refuted"."""
    return {"public": 0, "once-public": 0, "unknown": 1}.get(way.standing or "", 2)


def _dated(path: Path, known: Knowledge, table: RootTable, at: datetime) -> DatedPath:
    root = _listed_root(path.certificates[-1], known, table)
    end = table.end(root.sha256)
    logged = _earliest_sct(path, known) if end is not None and end.by == "sct" else None
    standing = table.standing(path.certificates[:-1] or (root,), root, at, logged)
    if standing in ("ended", "unknown"):
        path = structs.replace(path, kind="private")
    return DatedPath(path, standing, end)


def _listed_root(root: Certificate, known: Knowledge, table: RootTable) -> Certificate:
    """The listed certificate of a root: a peer may send another one of its name and key."""
    if root.sha256 in table:
        return root
    return next((one for one in known.public.named(root.subject) if one.spki == root.spki), root)


def _earliest_sct(path: Path, known: Knowledge) -> datetime | None:
    try:
        results = check_scts(path.leaf, path.issuer, known.logs)
    except CertificateError:
        return None
    valid = [result.sct.timestamp for result in results if result.status == "valid"]
    return min(valid, default=None)


def _not_public(sent: Sequence[Certificate], host: str, known: Knowledge, found: Path) -> DatedPath:
    if found.kind != "local" and known.added is not None and len(known.added):
        nobody = TrustAnchors((), "nobody")
        again = build_path(sent, host, nobody, known.added)
        found = again if again.kind == "local" else found
    if found.kind != "local":
        return DatedPath(found)
    root = found.certificates[-1]
    vouched = known.vouched is not None and root.sha256 in known.vouched()
    return DatedPath(found, "unknown" if vouched else "added")
