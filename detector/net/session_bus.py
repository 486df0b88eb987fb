"""A question to another program of the user's session, by D-Bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detector.errors import FetchError

_PATIENCE = 5.0


def bus_address(environment: Mapping[str, str]) -> str | None:
    """Where the session's bus listens, as D-Bus writes it; None where there is no session."""
    if named := environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return named
    folder = environment.get("XDG_RUNTIME_DIR", "")
    found = Path(folder, "bus")
    return f"unix:path={found}" if folder.startswith("/") and found.exists() else None


async def call_all(
    bus: str, to: str, path: str, calls: Sequence[tuple[str, str, tuple[Any, ...]]]
) -> list[tuple[Any, ...]]:
    """What each call (method, signature, arguments) of the interface `to` at the program `to` answers, in order.

    Raises FetchError where the bus, or who shall answer, is not there, refuses, or takes more than 5 seconds.
    """
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.asyncio import open_dbus_router
    from jeepney.wrappers import DBusErrorResponse, unwrap_msg

    there = DBusAddress(path, bus_name=to, interface=to)
    try:
        async with asyncio.timeout(_PATIENCE), open_dbus_router(bus) as router:
            return [
                unwrap_msg(await router.send_and_get_reply(new_method_call(there, *call)))
                for call in calls
            ]
    except DBusErrorResponse as error:
        raise FetchError(to, f"refuses: {error.name}") from None
    except TimeoutError:
        raise FetchError(to, f"no answer within {_PATIENCE:g} s") from None
    except Exception as error:  # the library's own are many, and none says more than its text
        raise FetchError(to, f"no session bus: {error or type(error).__name__}") from None
