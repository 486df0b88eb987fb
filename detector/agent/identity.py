"""Which agent this is: an id that is drawn once, kept, and says nothing of the machine."""

from __future__ import annotations

import secrets
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.knowledge.database import Database


def device_of(store: Database) -> str:
    """32 hex digits. Raises StoreError."""
    try:
        with store.db:
            fresh = secrets.token_hex(16)
            store.db.execute("INSERT OR IGNORE INTO fact (name, value) VALUES ('device', ?)", (fresh,))
        ((device,),) = store.db.execute("SELECT value FROM fact WHERE name = 'device'").fetchall()
    except sqlite3.Error as error:
        raise store.failure(error) from None
    return str(device)
