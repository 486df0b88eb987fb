"""minted-now: the leaf was made as it was asked for, and so were those of unrelated hosts.

What programs that mint for each connection do, see `detector.evidence.minting`. It decides nothing: it is shown
beside what does.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing, use_of
from detector.model.observation import Evidence


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    moment = seen.minted
    if moment is None:
        return None
    others = sharing.minting.others(seen, use_of(seen))
    if not others:
        return None
    text = (
        f"Its validity {moment.text}, and so does that of the other leaves of {', '.join(others)}."
    )
    seconds = None if moment.before is None else int(moment.before.total_seconds())
    details = {"seconds_before": seconds, "hosts": list(others)}
    return Evidence("minted-now", "intercepted", "weak", text, details)
