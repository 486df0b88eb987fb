"""What of a finding is proved: its observation, judged once more by the tables of this program.

Rules
-----
1. An agent's word is a claim. It is proved when the event that it rests on is the agent's own, holds an observation of
   one of its hosts, and that judges to the finding's own kind, by the subject that it names: who sends somebody else's
   observation, or one of an honest private CA, accuses nobody.
2. Alone: what the agent saw on other hosts counted for it and is not here. So what is not borne out is not refuted, but
   shown as claimed; it is counted nowhere among what is proved, and correlated with nothing.
3. The proof is kept with the finding, with what it is of: another event, kind or subject is another claim.
4. What the machine itself says of its trust stores and sinks has no handshake to judge: it is told, and no more.
5. After an agent lost its state its findings are unknown until they are told again.
"""

from __future__ import annotations

from typing import Literal

Proof = Literal["proven", "told", "claimed", "not-borne-out", "unknown"]
JUDGED_KINDS = ("interception", "suspect")
# What counts as more than a claim, of finding f.
STANDS = f"(f.proven = 1 OR (f.kind NOT IN {JUDGED_KINDS} AND f.proved NOT LIKE '~%'))"


def proof_of(kind: str, subject: str, event: str, proved: str) -> Proof:
    """What a finding's row says of it."""
    key = f"{event} {kind} {subject}"
    if proved == f"~{key}":
        return "unknown"
    if kind not in JUDGED_KINDS:
        return "told"
    if proved == key:
        return "proven"
    return "not-borne-out" if proved == f"-{key}" else "claimed"
