"""published-key: a key on the path is one that everybody has (Superfish, eDellRoot, eMudhra, ...).

Whoever wants can sign with it, so nothing above it on the path means anything. A signer that was not
sent is told by its signature, where the key itself is known, and by ECDSA's at all times. A leaf that a log
had seen before the key became public is an honest one: its own key is not the published one. The same
where it was observed before that day; and where its SCTs cannot be checked here, that is left open.
On the leaf itself the key accuses nobody of standing in between: the server is insecure.
"""

from __future__ import annotations

from datetime import date

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    published = seen.known.published
    shown: list[tuple[str, ...]] = [
        (one.spki_sha256, one.sha256, one.sha1) for one in seen.path.certificates
    ]
    if seen.unsent is not None:
        shown.append(tuple(seen.unsent.candidates))  # who signed the last one, though not sent
    for position, digests in enumerate(shown):
        key = published.find(*digests)
        if key is None:
            continue
        details = {"key": key.name, "source": key.source, "position": position}
        text = f"The private key of {key.name} is public; anybody can sign with it."
        if key.use == "server" and seen.is_internal:
            # A development server on one's own machine, doing what it is meant to do.
            return Evidence("published-key", "neutral", "weak", text, details)
        if key.published and _logged_before(seen, key.published):
            text = f"The private key of {key.name} is public, but the leaf was logged before."
            return Evidence("published-key", "neutral", "strong", text, details)
        if key.published and seen.observation.at.date() < key.published:
            text = f"The private key of {key.name} became public later."
            return Evidence("published-key", "neutral", "strong", text, details)
        if position == 0:
            text = f"The server holds a private key that is public ({key.name}); anybody can pose as it."
            return Evidence("published-key", "intercepted", "strong", text, details)
        if key.published and _may_be_logged_before(seen, key.published):
            text = f"The private key of {key.name} is public; the leaf claims to be older."
            return Evidence("published-key", "intercepted", "strong", text, details)
        return Evidence("published-key", "intercepted", "proof", text, details)
    return None


def _may_be_logged_before(seen: Examination, day: date) -> bool:
    """The leaf says that it is older, and carries SCTs of logs unknown here that say so too."""
    if seen.leaf.not_before.date() >= day:
        return False
    unknown = [one for one in seen.scts if one.status in ("unknown-log", "unverifiable")]
    return any(one.sct.timestamp.date() < day for one in unknown)


def _logged_before(seen: Examination, day: date) -> bool:
    return any(
        result.status == "valid" and result.sct.timestamp.date() < day for result in seen.scts
    )
