"""An organisation's own page that shows whether the way out is open: [agent.portal] in the settings."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec


class PortalTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """What is asked in the place of the well-known pages.

    Attributes:
        url: http://, since a portal can answer for no https:// one.
        status, body: what it answers; white space at both ends of a body does not count.

    """

    url: str
    status: int = 204
    body: str = ""


def is_plain(url: str) -> bool:
    """Whether it is an http:// URL that can be asked, without a login."""
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        return False
    return (
        bool(named)
        and parts.scheme == "http"
        and url.isascii()
        and url.isprintable()
        and " " not in url
    )
