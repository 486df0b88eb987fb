"""What became of a hello on its way to an echo server, and whose hello it is that arrived. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from detector.capture.hellos import Hellos
from detector.echo.differences import Difference, Flight, delays, differences, is_rewritten
from detector.errors import WireError
from detector.forensics.browser_rules import Kind
from detector.forensics.browsers import Browsers
from detector.model.echoes import Piece
from detector.wire.hello import ClientHello, build_client_hello

# unchanged: byte for byte, though parts may have come late; repacked: the same message in other records; edited: changed on its way;
# rewritten: another program's; nothing: none arrived that can be told to be this one.
Fate = Literal["unchanged", "repacked", "edited", "rewritten", "nothing"]
# From the best to the worst.
FATES: tuple[Fate, ...] = ("unchanged", "nothing", "repacked", "edited", "rewritten")


class EchoedHello(msgspec.Struct, frozen=True, kw_only=True):
    """One hello.

    Attributes:
        client: who sent it: "tlsight", a program of this machine, or one of our hellos by its id.
        fate: what became of it.
        differences: in the order of telling.
        written_by: whose hello it is that arrived, where it is another's and known; a program, a library or a browser.
        written_by_kind: which of these it is.
        sent_ja4, arrived_ja4: fingerprints.
        sent, arrived: bytes of TLS up to the hello's end.
        why: why nothing is known, where nothing arrived.

    """

    client: str
    fate: Fate
    differences: tuple[Difference, ...] = ()
    written_by: str | None = None
    written_by_kind: Kind | None = None
    sent_ja4: str | None = None
    arrived_ja4: str | None = None
    sent: bytes = b""
    arrived: bytes = b""
    why: str = ""


def echoed(
    client: str,
    sent: Flight,
    arrived: Flight | None,
    browsers: Browsers,
    pieces: tuple[Piece, ...] = (),
    why: str = "",
) -> EchoedHello:
    """One comparison; `why` says why there is nothing to compare with."""
    ours = _ja4(sent.hello)
    if arrived is None:
        return EchoedHello(client=client, fate="nothing", sent_ja4=ours, sent=sent.data, why=why)
    found = (*differences(sent, arrived), *delays(pieces))
    fate: Fate = "unchanged"
    name: str | None = None
    kind: Kind | None = None
    if is_rewritten(sent, arrived):
        fate = "rewritten"
        name, kind = whose(arrived.hello, browsers)
    elif any(one.kind in ("hello", "lost") for one in found):
        fate = "edited"
    elif any(one.kind == "records" for one in found):
        fate = "repacked"
    return EchoedHello(
        client=client, fate=fate, differences=found, written_by=name, written_by_kind=kind,
        sent_ja4=ours, arrived_ja4=_ja4(arrived.hello), sent=sent.data, arrived=arrived.data,
    )  # fmt: skip


def whose(hello: ClientHello, browsers: Browsers) -> tuple[str | None, Kind | None]:
    """Who sends this very hello; None, None where that is not known."""
    try:
        return browsers.whose(Hellos().client(build_client_hello(hello))[0])
    except WireError:
        return None, None


def worst(fates: Iterable[Fate]) -> Fate:
    """Of several hellos of one way; "nothing" where there is none."""
    return max(fates, key=FATES.index, default="nothing")


def _ja4(hello: ClientHello) -> str | None:
    try:
        return Hellos().client(build_client_hello(hello))[0].ja4
    except WireError:
        return None
