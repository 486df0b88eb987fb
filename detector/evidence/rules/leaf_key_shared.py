"""leaf-key-shared: the same leaf key serves unrelated hosts.

Most forgers generate one key and use it for all they mint; honest unrelated sites never share one
outside a public CA's multi-name certificate, and those are on public paths. Devices share the key of
their firmware, so it decides only in the company of a host that is known to be public. A leaf that may be a public
one, whose intermediate was forgotten, may serve all whom it names.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    found = sharing.company(seen, "leaf")
    if found is None:
        return None
    text = f"The same leaf key also serves {', '.join(found.hosts)}."
    details = {"spki_sha256": found.key.identity, "hosts": list(found.hosts)}
    return Evidence("leaf-key-shared", "intercepted", found.strength, text, details)
