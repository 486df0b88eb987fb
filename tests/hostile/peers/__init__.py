"""Hostile peers, one kind a file. Each file has `peers(world)`; `all_peers` is their sum."""

from __future__ import annotations

from tests.hostile.peers import (
    bomb,
    chains,
    drip,
    flood,
    http,
    http2,
    lies,
    loops,
    mail,
    names,
    proxies,
    resets,
    silence,
)  # fmt: skip
from tests.hostile.peers.peer import Peer, World

KINDS = (
    silence, drip, flood, lies, resets, bomb, chains, names, loops, http, http2, proxies, mail,
)  # fmt: skip


def all_peers(world: World) -> list[Peer]:
    """Every peer, made for this world."""
    return [peer for kind in KINDS for peer in kind.peers(world)]
