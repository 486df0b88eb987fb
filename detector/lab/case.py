"""One server of the lab: what is wrong with it, and how to ask it."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from detector.lab.origin import Origin, Prepare
from detector.lab.peers import Decide, Gate
from detector.lab.pki import Credential, LabPki

HOST = "localhost"


class RunningServer(Protocol):
    """Anything that has a port once it is started."""

    port: int


Started = AbstractAsyncContextManager[RunningServer]


@dataclass(frozen=True)
class Case:
    """One server.

    Attributes:
        id: its name on the command line.
        cause: the cause id that should be named first, "healthy" for none.
        make: builds it in a lab's world.
        host: the name to ask for.
        options: further words for `tlsight diagnose`; {port} and {folder} stand for the server's port and
            the lab's folder.
        target: what to ask, where it is not the server itself.

    """

    id: str
    cause: str
    text: str
    make: Callable[[LabPki], Started]
    host: str = HOST
    options: tuple[str, ...] = ()
    target: str = "{host}:{port}"

    def words(self, port: int, folder: Path) -> list[str]:
        """Target and options, as the command takes them."""
        texts = (*self.options, self.target)
        return [text.format(host=self.host, port=port, folder=folder) for text in texts]


def shows(make: Callable[[LabPki], Credential]) -> Callable[[LabPki], Started]:
    """A server of the lab's usual kind with this credential."""
    return lambda pki: Origin({HOST: make(pki)})


def prepared(prepare: Prepare) -> Callable[[LabPki], Started]:
    """A server with a good credential and an odd context."""
    return lambda pki: Origin({HOST: pki.issue(HOST)}, prepare=prepare)


def gated(decide: Decide) -> Callable[[LabPki], Started]:
    """A good server behind something that looks at ClientHellos."""
    return lambda pki: Gate(Origin({HOST: pki.issue(HOST)}), decide)


def only(version: ssl.TLSVersion) -> Prepare:
    """One version of TLS, whatever OpenSSL thinks of its safety."""

    def prepare(context: ssl.SSLContext) -> None:
        anything(context)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
            context.minimum_version = context.maximum_version = version

    return prepare


def anything(context: ssl.SSLContext) -> None:
    """Security level 0: what OpenSSL would refuse to serve, it serves."""
    context.set_ciphers("DEFAULT:@SECLEVEL=0")


def now() -> datetime:
    return datetime.now(UTC)
