"""Files that make tlsight a service, as `tlsight bypass service` prints them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
# Where each belongs, below / or below the folder that it is written to.
_PLACES = {
    "systemd": {
        "tlsight-proxy.service": "etc/systemd/system/tlsight-proxy.service",
        "tlsight-review.service": "etc/systemd/system/tlsight-review.service",
        "tlsight-backup.service": "etc/systemd/system/tlsight-backup.service",
        "tlsight-backup.timer": "etc/systemd/system/tlsight-backup.timer",
        "sysusers.conf": "etc/sysusers.d/tlsight.conf",
        "tmpfiles.conf": "etc/tmpfiles.d/tlsight.conf",
    },
    "docker": {"Dockerfile": "Dockerfile", "compose.yaml": "compose.yaml"},
    "logrotate": {
        "tlsight": "etc/logrotate.d/tlsight",
        "to-file.conf": "etc/systemd/system/tlsight-proxy.service.d/to-file.conf",
    },
}
KINDS = tuple(_PLACES)


class Shipped(NamedTuple):
    """One file.

    Attributes:
        place: relative to where all are written.

    """

    place: str
    text: str


def shipped(kind: str, command: str, version: str) -> list[Shipped]:
    """The files of a kind.

    Args:
        kind: one of KINDS.
        command: the path of tlsight, for units.
        version: of tlsight, for images.

    """
    return [
        Shipped(place, _filled((_HERE / kind / name).read_text("utf-8"), command, version))
        for name, place in _PLACES[kind].items()
    ]


def _filled(text: str, command: str, version: str) -> str:
    return text.replace("@TLSIGHT@", command).replace("@VERSION@", version)
