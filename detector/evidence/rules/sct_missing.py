"""sct-missing: a leaf under a public root with no SCT anywhere.

Chrome demands SCTs of certificates issued after April 2018, Safari after October 2018. They are embedded, or
come in the TLS extension or the OCSP staple (RFC 6962 section 3.3). How much it weighs:

- Whoever asked for both and got no valid one has looked everywhere: weak, for CAs let owners keep their names
  out of the logs. A list that came but is another certificate's is as good as none.
- Where nobody asked (a file, a capture of a client that does not, a server that did not answer twice) it is
  not known whether there are any: a remark, which speaks against nobody.
- SCTs that came but cannot be judged here are `sct-invalid`'s.
- Of a CA of the user's own none are expected.
"""

from __future__ import annotations

from datetime import UTC, datetime

from detector.evidence.examination import Examination
from detector.evidence.scts import looked_everywhere
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence

REQUIRED_SINCE = datetime(2018, 5, 1, tzinfo=UTC)


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if not seen.is_public_path or seen.leaf.extension("SCT") is not None:
        return None
    if seen.leaf.not_before < REQUIRED_SINCE:
        return None
    if any(result.status != "invalid" for result in seen.scts) or seen.below_own_root:
        return None
    if not looked_everywhere(seen.observation):
        text = "The leaf carries no SCT; whether any come with the handshake was not looked at."
        return Evidence("sct-missing", "neutral", "weak", text, {"looked": False})
    text = "The path is public, but no SCT came: not in the leaf, the handshake or the OCSP staple."
    return Evidence("sct-missing", "intercepted", "weak", text, {"looked": True})
