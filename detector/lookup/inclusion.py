"""Ask the logs that signed a leaf's SCTs to prove that they hold it.

What comes back is checked on the way and again by the judge, so it may come over any connection.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from detector.chain.sct import SctResult
from detector.ct.inclusion import entry_hash, read_head
from detector.ct.proving import Ask, prove
from detector.ct.tree_head import contradiction
from detector.errors import FetchError, ProofError
from detector.evidence.examination import Examination
from detector.judging.judge import examine
from detector.knowledge.ct_store import CtStore
from detector.known.knowledge import Knowledge
from detector.model.observation import InclusionProof, Observation
from detector.net.fetch import Fetcher

_GONE = (403, 404, 410)


async def with_inclusion(
    observation: Observation, known: Knowledge, fetch: Fetcher, store: CtStore | None = None
) -> tuple[Observation, list[str]]:
    """The observation with one proof, if any log gives one; and why others gave none.

    With a store, a log is held to the tree that it showed before.
    """
    seen = examine(observation, known)
    problems: list[str] = []
    for result in _askable(seen):
        try:
            proof = await _prove(seen, result, fetch)  # type: ignore[arg-type]
            _hold_to_its_word(proof, result, store)
        except (FetchError, ProofError) as error:
            problems.append(str(error))
            continue
        return replace(observation, inclusion=(*observation.inclusion, proof)), problems
    if seen is not None and not problems:
        problems.append(f"{observation.target.host}: no log to ask for this leaf")
    return observation, problems


def with_stored_inclusion(observation: Observation, store: CtStore) -> Observation:
    """The observation with the proof that was fetched for the same leaf before."""
    if not observation.chain or observation.inclusion:
        return observation
    from hashlib import sha256

    proof = store.proof(sha256(observation.chain[0]).hexdigest())
    return observation if proof is None else replace(observation, inclusion=(proof,))


def keep_inclusion(observation: Observation, store: CtStore, at: datetime) -> None:
    """Store the proof that came with an observation, and its log's head. Raises StoreError."""
    from hashlib import sha256

    for proof in observation.inclusion[-1:]:
        store.save_proof(sha256(observation.chain[0]).hexdigest(), proof, at)
        store.save_tree_head(proof.log_id, read_head(proof))


def _hold_to_its_word(proof: InclusionProof, result: SctResult, store: CtStore | None) -> None:
    """Raises ProofError for a head that contradicts the one seen before."""
    before = store.tree_head(proof.log_id) if store is not None else None
    why = contradiction(before, read_head(proof)) if before is not None else None
    if why is not None:
        raise ProofError(result.log.name if result.log else "a log", why)


def _askable(seen: Examination | None) -> list[SctResult]:
    """SCTs that verify, of logs with an address."""
    if seen is None or seen.issuer is None:
        return []
    return [r for r in seen.scts if r.status == "valid" and r.log is not None and r.log.url]


async def _prove(seen: Examination, result: SctResult, fetch: Fetcher) -> InclusionProof:
    assert seen.issuer is not None
    assert result.log is not None
    entry = entry_hash(result, seen.leaf, seen.issuer)
    dialogue = prove(result.sct, result.log, entry)
    try:
        ask = next(dialogue)
        while True:
            ask = dialogue.send(await _body(ask, fetch))
    except StopIteration as end:
        proof: InclusionProof = end.value
        return proof


async def _body(ask: Ask, fetch: Fetcher) -> bytes:
    try:
        return (await fetch.get(ask.url, limit=ask.limit)).body
    except FetchError as error:
        if ask.instead is None or error.status not in _GONE:
            raise
    return (await fetch.get(ask.instead, limit=ask.limit)).body
