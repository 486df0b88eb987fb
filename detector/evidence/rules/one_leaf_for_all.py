"""one-leaf-for-all: one certificate answers for several unrelated hosts, and names none of them.

A portal, a block page, a sinkhole, a provider's default site: not yet an interceptor.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    hosts = sharing.one_for_all(seen)
    if not hosts:
        return None
    text = f"The same certificate, which does not name them, also answers for {', '.join(hosts)}."
    return Evidence("one-leaf-for-all", "intercepted", "weak", text, {"hosts": list(hosts)})
