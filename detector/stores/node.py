"""Node's built-in roots, as node itself lists them."""

from __future__ import annotations

import shutil

from detector.auditing.model import Place
from detector.stores.programs import output
from detector.stores.reading import roots_of

_SCRIPT = "process.stdout.write(require('tls').rootCertificates.join('\\n'))"


def node_places() -> list[Place]:
    """One place when node is installed. NODE_EXTRA_CA_CERTS is read with the settings."""
    node = shutil.which("node")
    if node is None:
        return []
    listed = output([node, "-e", _SCRIPT], {"NODE_OPTIONS": "", "NODE_EXTRA_CA_CERTS": ""})
    if listed is None:
        return [Place("node", node, used_by="Node.js", trouble="node does not list its roots")]
    roots, trouble = roots_of(listed)
    return [Place("node", node, roots, "Node.js, npm", trouble)]
