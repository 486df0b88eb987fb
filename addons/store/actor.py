"""Who runs this process, for the audit trail: what the kernel says beside what the environment claims."""

from __future__ import annotations

import os
from collections.abc import Mapping

from addons.bypass.audit import Actor

_MOST = 32


def actor(environment: Mapping[str, str]) -> Actor:
    """The real user id, its account, and SUDO_UID as it is claimed."""
    claimed = environment.get("SUDO_UID", "")[:_MOST] or None
    if not hasattr(os, "getuid"):  # Windows
        return Actor(sudo_uid=claimed)
    import pwd

    uid = os.getuid()
    try:
        user: str | None = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = None
    return Actor(uid, user, claimed)
