"""All that is known of a store's trail, held against each other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from addons.bypass.audit import GENESIS, Head
from addons.bypass.head_line import heads_in
from addons.bypass.verification import Evidence, Verified, verified
from addons.store.bypass_store import BypassStore
from addons.store.seal import Seal
from addons.store.syslog import store_name


def audited(
    store: BypassStore,
    now: datetime,
    *,
    keys: tuple[str, ...] = (),
    heads: tuple[str, ...] = (),
    log: Iterable[str] = (),
) -> Verified:
    """Whether the trail holds. Raises StoreError for a file that cannot be read.

    Args:
        store: opened in any way.
        now: trials that are over by then count no more.
        keys: further public keys that may have signed.
        heads: digests that were noted elsewhere.
        log: lines of a syslog.

    """
    strangers = tuple(
        f"the file has a {one}, which tlsight never makes" for one in store.trail.strangers()
    )
    if not store.trail.is_there():
        missing = "the trail is missing: there is no such table"
        return Verified(0, GENESIS, (missing, *strangers), ())
    seal = store.trail.seal
    own = seal.public_key()
    known = (own, *keys) if own is not None else keys
    rules, candidates = store.tables()
    logged = tuple(heads_in(log, store_name(store.path), known))
    feeds = store.feeds.states()
    evidence = Evidence(rules, candidates, known, seal.heads(), heads, logged, feeds)
    found = verified(list(store.audit()), evidence, now)
    return msgspec.structs.replace(found, faults=(*strangers, *found.faults))


def left_behind(seal: Seal, path: Path, log: Iterable[str] = ()) -> list[str]:
    """What still tells of a store whose file is gone."""
    heads: list[Head] = [*(seal.heads() or ()), *heads_in(log, store_name(path), ())]
    return [
        f"the store is gone, and entry {one.number} was signed here"
        for one in sorted(heads, key=lambda one: one.number)[-1:]
    ]
