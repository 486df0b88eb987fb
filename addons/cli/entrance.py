"""Where a page listens and who gets in, as options of every verb that serves one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from detector.cli.options import Option

if TYPE_CHECKING:
    from addons.review.serving import Entrance


class EntranceOptions(msgspec.Struct, frozen=True):
    """How one gets in."""

    certificate: Annotated[
        Path | None, Option(help="PEM with certificate and key; needed beyond loopback.")
    ] = None
    password_file: Annotated[Path | None, Option(help="File with one password for all.")] = None
    users: Annotated[
        Path | None,
        Option(
            help="File of named users; when left out review-users beside the bypasses, fleet-users beside the fleet's"
            " database, where it is there."
        ),
    ] = None
    url: Annotated[
        str | None, Option(help="The page's URL in browsers, behind a reverse proxy.")
    ] = None
    user_header: Annotated[
        str | None, Option(help="Header in which a reverse proxy names who has logged in.")
    ] = None
    role_header: Annotated[
        str | None, Option(help="Header in which it lists his groups, or his role.")
    ] = None
    group: Annotated[
        list[str] | None, Option(help="GROUP=ROLE of that header; may be repeated.")
    ] = None
    from_proxy: Annotated[
        list[str] | None, Option(help="Address of the reverse proxy; may be repeated.")
    ] = None
    proxy_secret: Annotated[
        Path | None, Option(help="File with what it sends as X-Tlsight-Proxy-Secret.")
    ] = None

    def entrance(self, *, two_person: bool = False) -> Entrance:
        """What a page is started with. Raises ConfigError, StoreError."""
        from addons.review.forwarded import forwarded
        from addons.review.serving import Entrance

        named = forwarded(
            self.user_header,
            self.role_header,
            self.from_proxy or [],
            self.proxy_secret,
            self.group or [],
        )
        return Entrance(
            self.certificate, self.password_file, self.users, named, self.url, two_person
        )
