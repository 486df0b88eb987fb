"""Files that make tlsight a service, as `tlsight bypass service` prints them."""

from __future__ import annotations

from pathlib import Path

from detector.agent.service.shipped import Shipped, read_shipped

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


def shipped(kind: str, command: str, version: str) -> list[Shipped]:
    """The files of a kind.

    Args:
        kind: one of KINDS.
        command: the path of tlsight, for units.
        version: of tlsight, for images.

    """
    return read_shipped(_HERE / kind, _PLACES[kind], command, version)
