"""Streams and buckets of a fleet: what they are to hold, and how they come to be.

Rules
-----
1. Nobody's message takes another one's away: where a stream is full, what comes is refused, and stays in the agent's
   spool. One agent may fill its own part and no more.
2. No message may bring order into a stream by itself: rollup, with which one message would purge a bucket, is off.
3. What the collector has is kept for a day, then let go of (addons.fleet.keeping).
"""

from __future__ import annotations

import json
from typing import Any

from addons.fleet.accounts import FleetKeys, user_token
from detector.agent import subjects
from detector.errors import FetchError
from detector.net.nats_link import Login, NatsLink
from detector.wire.nkey import NKey

_DAY = 86_400 * 1_000_000_000
MAX_EVENT = subjects.MAX_EVENT
MOST_OF_ONE = 20_000
KEEPER = "keeper"


def keeper_login(
    keys: FleetKeys, servers: tuple[str, ...], ca: str | None, now: int, raw: bytes
) -> Login:
    """Who may do everything, on the fleet's own machine; `raw` is 32 bytes of chance for a key of the moment."""
    key = NKey("user", raw)
    jwt = user_token(keys, "keeper", key.public, KEEPER, now, now + 30 * 86_400)
    return Login(servers, ca, jwt, key.sign, subjects.inbox(KEEPER), "tlsight fleet")


async def prepare(link: NatsLink, disk: int) -> None:
    """Make streams and buckets, or change them to what they are to be. Raises FetchError."""
    for config in _configs(disk):
        await _made(link, config)


def _configs(disk: int) -> list[dict[str, Any]]:
    return [
        {
            "name": subjects.EVENTS,
            "subjects": [subjects.ALL_EVENTS],
            "retention": "limits",
            "discard": "new",
            "discard_new_per_subject": True,
            "max_msgs_per_subject": MOST_OF_ONE,
            "max_bytes": disk // 2,
            "max_msg_size": MAX_EVENT,
            "duplicate_window": 120 * 1_000_000_000,
            "deny_delete": True,
            **_COMMON,
        },
        _bucket(subjects.STATE, disk // 16, 64 << 10),
        _bucket(subjects.LISTS, disk // 16, 1 << 20),
        _bucket(subjects.QUESTIONS, disk // 16, 64 << 10, max_age=7 * _DAY),
        _bucket(
            subjects.SYNC,
            disk // 8,
            1 << 20,
            republish={
                "src": subjects.key_subject(subjects.SYNC, ">"),
                "dest": subjects.told_subject(">"),
                "headers_only": True,
            },
        ),
    ]


_COMMON: dict[str, Any] = {
    "storage": "file", "num_replicas": 1, "max_consumers": -1, "max_msgs": -1, "max_age": 0,
    "allow_direct": True, "allow_rollup_hdrs": False,
}  # fmt: skip


def _bucket(name: str, size: int, largest: int, **more: Any) -> dict[str, Any]:
    """One value a key. What is full refuses a further key, and takes a further value of one that is there."""
    return {
        "name": f"KV_{name}",
        "subjects": [f"$KV.{name}.>"],
        "retention": "limits",
        "discard": "new",
        "max_msgs_per_subject": 1,
        "max_bytes": size,
        "max_msg_size": largest,
        "duplicate_window": 120 * 1_000_000_000,
        "deny_delete": True,
        **_COMMON,
        **more,
    }


async def _made(link: NatsLink, config: dict[str, Any]) -> None:
    # Not CREATE for what is there, though it may be the same: its room would be reserved once more.
    there = "error" not in await api(link, f"STREAM.INFO.{config['name']}")
    verb = "UPDATE" if there else "CREATE"
    said = await api(link, f"STREAM.{verb}.{config['name']}", config)
    if "error" in said:
        raise FetchError(link.url, f"{config['name']}: {said['error'].get('description', '')}")


async def api(link: NatsLink, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One question to JetStream's own interface. Raises FetchError."""
    answer = await link.ask(f"$JS.API.{verb}", json.dumps(body).encode() if body else b"")
    try:
        found: dict[str, Any] = json.loads(answer)
    except (ValueError, RecursionError):
        raise FetchError(link.url, "answers with nothing of JetStream's") from None
    return found
