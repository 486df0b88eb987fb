"""Files of certificates: many, nearly some, one that is costly."""

from __future__ import annotations

import base64
from functools import lru_cache

from detector.lab.pki import LabPki
from tests.hostile.files.written import holding
from tests.hostile.peers import chains, names
from tests.hostile.peers.peer import World


@lru_cache(maxsize=1)
def _world() -> World:
    return World(LabPki())


def pem(chain: tuple[bytes, ...]) -> bytes:
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n" % base64.encodebytes(der)
        for der in chain
    )


def _many() -> bytes:
    return pem((_world().credential.der,)) * 10_000


KINDS = {
    "markers.pem": holding("markers.pem", lambda: b"-----BEGIN CERTIFICATE-----\n" * 300_000),
    "many.pem": holding("many.pem", _many),
    "cut.pem": holding("cut.pem", lambda: pem((_world().credential.der,))[:300]),
    "deep.der": holding("deep.der", lambda: b"\x30\x80" * 100_000),
    "lie.der": holding("lie.der", lambda: b"\x30\x84\xff\xff\xff\xff" + bytes(1000)),
    **{
        f"{name}.pem": holding(f"{name}.pem", lambda chain=chain: pem(chain))
        for name, chain in (chains.chains(_world()) | names.chains(_world())).items()
    },
}
