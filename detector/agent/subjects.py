"""What is where on a fleet's bus: the names of streams, buckets and subjects, and what an agent may do there.

An agent writes under its own device id and reads what is signed; the server holds it to that (addons.fleet).

    tlsight.event.DEVICE      its events, in the stream EVENTS, kept until the collector has them and for a while after
    STATE, key DEVICE         its last heartbeat: the last value per agent
    LISTS, key NAME           signed lists: settings, canaries, bypass
    QUESTIONS, key DEVICE     the questions that are open for it, signed, in one value
    tlsight.enrol.TOKEN       where a one-time token is turned into credentials
    SYNC                      blobs of `tlsight bypass sync`
    tlsight.shelf             where the centre asks which names SYNC has, and has one taken away
    tlsight.sync.KEY          tells that a key of SYNC was written, without its value
"""

from __future__ import annotations

EVENTS = "TLSIGHT_EVENTS"
STATE = "tlsight-state"
LISTS = "tlsight-lists"
QUESTIONS = "tlsight-questions"
SYNC = "tlsight-sync"
ENROL = "tlsight.enrol"
SHELF = "tlsight.shelf"
ALL_EVENTS = "tlsight.event.*"
# Bytes of one, at most.
MAX_EVENT = 512 << 10


def event_subject(device: str) -> str:
    """Of an agent's events; `device` is 32 hex digits."""
    return f"tlsight.event.{device}"


def key_subject(bucket: str, key: str) -> str:
    """Where a bucket's key is written and heard of (ADR-8 of NATS)."""
    return f"$KV.{bucket}.{key}"


def told_subject(key: str) -> str:
    """Where one hears that a key of SYNC was written: the bucket says so, since the server lets nobody hear what comes
    through a service from another account.
    """
    return f"tlsight.sync.{key}"


def inbox(name: str) -> str:
    """Under which a user hears answers; nobody else may."""
    return f"_INBOX.{name}"
