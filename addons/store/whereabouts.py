"""Where the bypass store is, when nobody names it: a service and a shell must find the same.

The order
---------
1. `--store FILE`, or `--set bypass_store=FILE` and mitmproxy's config.yaml for the proxy.
2. TLSIGHT_BYPASS_STORE.
3. systemd's STATE_DIRECTORY: what a service is given.
4. A store that is there, in the user's XDG state folder.
5. A store that is there, in /var/lib/tlsight: what a service with `StateDirectory=tlsight` uses, seen by a shell.
6. That folder, where it is this user's own, or the user is root: then the service has not begun yet. What root makes
   there belongs to the folder's owner.
7. The XDG state folder.

Where 4 and 5 both are, the first is used, and the other is told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from detector.knowledge.folders import service_state, state_folder

# Where the command and the addon both look before they fall back to the usual places.
STORE_VARIABLE = "TLSIGHT_BYPASS_STORE"
RULES_VARIABLE = "TLSIGHT_BYPASS_RULES"
# What `tlsight bypass run` was given, as JSON: mitmproxy lets its config.yaml win over --set.
GIVEN_VARIABLE = "TLSIGHT_BYPASS_GIVEN"
_NAME = "bypass.sqlite3"


class Whereabouts(NamedTuple):
    """The store to use.

    Attributes:
        other: another that is there, and is not used.

    """

    path: Path
    other: Path | None = None

    def warning(self) -> str | None:
        """What a person should know of the other."""
        if self.other is None:
            return None
        return f"two stores: {self.path} is used, {self.other} is not; name one with --store or {STORE_VARIABLE}"


def whereabouts(environment: Mapping[str, str], service: Path | None = None) -> Whereabouts:
    """Where nobody named a store. Raises RuntimeError where there is no home either."""
    service = service or service_state()
    own, shared = state_folder(environment) / _NAME, service / _NAME
    if environment.get("STATE_DIRECTORY") or own == shared:
        return Whereabouts(own)
    there = _readable(shared)
    if own.exists():
        return Whereabouts(own, shared if there else None)
    return Whereabouts(shared if there or _may_begin(service) else own)


def default_path(environment: Mapping[str, str]) -> Path:
    """As `whereabouts`, the path alone."""
    return whereabouts(environment).path


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.R_OK)
    except OSError:
        return False


def _may_begin(folder: Path) -> bool:
    """Whether a file that this user makes there is open to the service: not one of a third user."""
    try:
        return folder.is_dir() and os.geteuid() in (0, folder.stat().st_uid)
    except OSError:
        return False
