"""Files that make the agent a service, as `tlsight agent service` prints them."""

from __future__ import annotations

from pathlib import Path

from detector.agent.service.others import OTHERS
from detector.agent.service.shipped import Shipped, read_shipped

_HERE = Path(__file__).parent
# Where each belongs, below / or below the folder that it is written to.
_PLACES = {
    "systemd": {
        "tlsight-agent.service": "etc/systemd/system/tlsight-agent.service",
        "tlsight-agent-user.service": "etc/systemd/user/tlsight-agent-user.service",
    },
    **OTHERS,
}
KINDS = tuple(_PLACES)


def shipped(kind: str, command: str, version: str) -> list[Shipped]:
    """The files of one of KINDS; `command` is the path of tlsight, `version` its version."""
    return read_shipped(_HERE / kind, _PLACES[kind], command, version)
