"""Answers from visits to servers that are bad on purpose.

Rules
-----
1. A bad server was accepted where its signed word came back, or where it says that it was asked. Where the leaf that the
   client was shown bears the fault too (its dates, its names, or another issuer than good servers get), the client can
   refuse: the fault is passed on.
2. A refusal of a server whose certificate is bad counts only where the good server was accepted, but for the tests that
   need no trust.
3. It counts, too, only where the server met somebody: a proxy to which a name means nothing, or that blocks by name, says
   no without having looked.
4. What a server agreed on is told by the server: it is asked how the interceptor's connections to it ended. Agreement
   on a bad version or suite is what failed, also where the certificate was refused after it. A connection that was never
   made proves nothing.
5. Where the server's own leaf came nobody decrypted, and nothing was asked.
6. Where another grading asked the same servers meanwhile, only a visit that was answered says anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from detector.judging.graded_shown import is_genuine, issuers, objections
from detector.model.echoes import Meeting
from detector.model.grades import GOOD, ROOTED, Answer, GradeTest, GradeTests, Seen, Visit

_WORDS = {
    "page": "it blocks, with a page of its own (HTTP {status})",
    "refused": "it refuses ({why})",
    "cut": "it cuts the connection",
    "silence": "it lets the client wait",
}
_NOT_ALONE = "another grading asked the same servers at once: whom they met is not known"
_AGREED = frozenset(("answered", "shaken", "went-on"))
# What a server's library says of a client that has read its certificate: so version and suite were agreed on.
_OF_CERTIFICATES = (
    "unknown_ca", "bad_certificate", "certificate_unknown", "certificate_expired", "certificate_revoked",
    "unsupported_certificate", "access_denied",
)  # fmt: skip


def answers_to_visits(seen: Seen, tests: GradeTests) -> Iterator[Answer]:
    """One for each test that has a server."""
    trusted = issuers(seen)
    trusting = ROOTED if ROOTED in seen.leaves else GOOD
    reached = any(one.server == trusting and one.ended == "answered" for one in seen.visits)
    for test in tests.visits:
        visits = [one for one in seen.visits if one.server == test.id]
        met = [one for one in seen.met if one.server == test.id]
        if test.id not in seen.leaves:
            yield _not_asked(test, "there is no such server")
        elif not visits:
            yield _not_asked(test, "the time was up before")
        elif all(is_genuine(one, seen) for one in visits):
            yield _not_asked(test, "it was let through undecrypted")
        elif seen.others and visits[-1].ended != "answered":
            yield Answer(test=test.id, outcome="unclear", seen=_NOT_ALONE)
        elif test.group == "upstream-tls":
            yield _of_agreement(test, visits[-1], met, reached=reached)
        else:
            about = _About(seen.at.astimezone(UTC), trusted, reached=reached, told=bool(seen.met))
            yield _of_certificate(test, visits[-1], met, about)


class _About(NamedTuple):
    """Of the whole run: when it was, who signs for good servers, whether they were reached, whether they told what they met."""

    at: datetime
    trusted: frozenset[tuple[bytes, bytes | None]]
    reached: bool
    told: bool


def _of_certificate(test: GradeTest, visit: Visit, met: list[Meeting], about: _About) -> Answer:
    if visit.ended == "answered" or any(one.ended == "answered" for one in met):
        why = objections(visit, about.at, about.trusted) if visit.chain else ()
        if why:
            told = f"accepted, and the client sees it: {', '.join(why)}"
            return Answer(test=test.id, outcome="passed-on", seen=told)
        told = "accepted, behind a leaf with which nothing is wrong"
        if visit.ended != "answered":
            told = "accepted: the request came to the server"
        return Answer(test=test.id, outcome="failed", seen=told)
    if visit.ended == "unreachable":
        return _not_asked(test, f"the way there failed: {visit.why}")
    if not about.reached and test.needs == "root":
        return _not_asked(test, "the good server was refused too: our root is not trusted there")
    if not met and (about.told or not about.reached):
        # Refused for its name, or not found: who blocks everything unseen has verified nothing.
        return Answer(
            test=test.id,
            outcome="unclear",
            seen=f"no connection reached the server; {_ended(visit)}",
        )
    if visit.ended == "silence" and not any(_left(one.ended) for one in met):
        # It may have been asking its CA still.
        return Answer(test=test.id, outcome="unclear", seen=_ended(visit))
    return Answer(test=test.id, outcome="passed", seen=_ended(visit))


def _of_agreement(test: GradeTest, visit: Visit, met: list[Meeting], *, reached: bool) -> Answer:
    if visit.ended == "answered" or any(_agreed(one.ended) for one in met):
        how = "accepted" if visit.ended == "answered" else "agreed on, whatever came after it"
        return Answer(test=test.id, outcome="failed", seen=how)
    if not met:
        told = f"no connection reached the server; {_ended(visit)}"
        return Answer(test=test.id, outcome="unclear", seen=told)
    if all(one.ended == "cut" for one in met):
        # It left without a word, which a client does that finds no suite, and one that trusts nobody.
        if not reached:
            told = "it leaves without a word, as it leaves the good server"
            return Answer(test=test.id, outcome="unclear", seen=told)
        return Answer(test=test.id, outcome="passed", seen="it leaves the handshake")
    told = f"the handshake fails ({met[-1].ended})"
    return Answer(test=test.id, outcome="passed", seen=told)


def _left(ended: str) -> bool:
    """It turned away from the server in the handshake."""
    return ended not in ("answered", "shaken", "silence")


def _agreed(ended: str) -> bool:
    if ended in _AGREED:
        return True
    words = ended.lower()
    return "alert" in words and any(one in words for one in _OF_CERTIFICATES)


def _ended(visit: Visit) -> str:
    text = _WORDS.get(visit.ended, "it could not be reached")
    return text.format(status=visit.status, why=visit.why)


def _not_asked(test: GradeTest, why: str) -> Answer:
    return Answer(test=test.id, outcome="not-asked", seen=why)
