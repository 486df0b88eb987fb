"""leaf-key-shared: the same leaf key serves unrelated hosts.

Most forgers generate one key and use it for all they mint; honest unrelated sites never share one
outside a public CA's multi-name certificate, and those are on public paths, but where the intermediate
was forgotten: a leaf that may be a public one may serve all whom it names.
"""

from __future__ import annotations

from detector.chain.names import holds_name
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing, keys_of, use_of
from detector.model.observation import Evidence


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    for key in keys_of(seen):
        if key.role != "leaf":
            continue
        others = sharing.others(key, use_of(seen))
        if not seen.issuer_may_be_shared:
            others = tuple(host for host in others if not holds_name(seen.leaf, host))
        if others:
            text = f"The same leaf key also serves {', '.join(others)}."
            details = {"spki_sha256": key.identity, "hosts": list(others)}
            return Evidence("leaf-key-shared", "intercepted", "strong", text, details)
    return None
