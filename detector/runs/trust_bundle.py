"""The files that a fix names: the one CA, and the public roots with it, in the user's data folder."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Mapping
from pathlib import Path

import msgspec

from detector.chain.certificate import Certificate
from detector.errors import ConfigError
from detector.knowledge.folders import data_folder
from detector.stores.bundles import os_places


class BundleFiles(msgspec.Struct, frozen=True):
    """Two files and what is to be in them.

    Attributes:
        source: where the roots of the bundle are from.

    """

    ca: Path
    bundle: Path
    ca_pem: bytes
    bundle_pem: bytes
    source: str


def bundle_files(ca: Certificate, environment: Mapping[str, str]) -> BundleFiles:
    """For one CA; two CAs have files of their own. Raises ConfigError where no home is."""
    try:
        folder = data_folder(environment) / "trust"
    except RuntimeError:
        raise ConfigError("HOME", "is not set", remedy="set it to the user's home folder") from None
    short = ca.sha256[:16]
    roots, source = _roots()
    ders = dict.fromkeys((*(root.der for root in roots), ca.der))
    return BundleFiles(
        folder / f"ca-{short}.pem",
        folder / f"bundle-{short}.pem",
        _pem(ca.der),
        b"".join(map(_pem, ders)),
        source,
    )


def _roots() -> tuple[list[Certificate], str]:
    """The system's own, else certifi's."""
    for place in os_places(Path("/")):
        if len(place.roots) > 1:
            return [root.certificate for root in place.roots], place.path
    from detector.knowledge.roots import public_roots

    return list(public_roots().certificates), "certifi"


def _pem(der: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n".encode()
