"""RSA signers that were not sent, computed from two of their signatures: which, and in what order.

Theory of operation
-------------------
Of one leaf nothing can be computed; of two that one key signed, the key (`detector.chain.recover`). Which
two belong together nobody says, so they are tried in the order of likelihood: leaves under one issuer's
name and key identifier first, then across names, for a forger may keep the genuine issuers'. A key that
was found is tried on all leaves that wait, so a forger costs one computation however many it signed. At
most `Limits.pairs` are made.

GMP computes without ever looking up, so each computation is a process of its own (`detector.runs.gcd`):
it ends at once with the run, and its memory is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import msgspec

from detector import clock
from detector.chain.certificate import Certificate
from detector.chain.recover import RsaSignature, rsa_signature
from detector.chain.signature import is_signed_by
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.extras import demand
from detector.judging.judge import examine
from detector.known.knowledge import Knowledge
from detector.model.observation import Observation
from detector.runs.gcd import LIMITS, Computation, Limits, seconds_needed
from detector.runs.memory import Memory

MAX_LEAVES = 2000
_ACROSS = 8
_PAUSE = 0.1


class Progress:
    """Who is told of the work; this one keeps it to itself."""

    def begin(self, hosts: tuple[str, str], bits: int, estimate: float) -> None:
        """A computation begins, for a modulus of so many bits; `estimate` is in seconds."""

    def going(self, elapsed: float) -> None:
        """It goes on, after so many seconds."""

    def end(self, elapsed: float, outcome: str) -> None:
        """It found a key, or none, as `outcome` says."""


class Waiting(msgspec.Struct, frozen=True):
    """A leaf whose signer is wanted."""

    host: str
    leaf: Certificate
    signature: RsaSignature
    looks_public: bool

    @property
    def signer(self) -> tuple[int, bytes, bytes]:
        """What leaves of one signer have in common as a rule."""
        return self.signature.size, self.leaf.issuer, self.leaf.authority_key_id or b""


class Signers:
    """The work of one run.

    Attributes:
        found: the keys (SPKI) that were computed.

    Args:
        known: a signer that it knows is not computed.
        progress: told of the work.
        keep: given each key (SPKI) as soon as it is there.
        limits: what the work may cost.

    Raises ConfigError where gmpy2 is not installed.

    """

    def __init__(
        self,
        known: Knowledge,
        progress: Progress | None = None,
        keep: Callable[[Sequence[bytes]], None] = lambda _: None,
        limits: Limits = LIMITS,
    ) -> None:
        demand("--recover", "gmpy2", "recover")
        self.known = known
        self.found: tuple[bytes, ...] = ()
        self._progress = progress or Progress()
        self._keep = keep
        self._limits = limits
        self._waiting: list[Waiting] = []
        self._tried: set[frozenset[str]] = set()

    def add(self, observation: Observation) -> bool:
        """Whether the observation waits for a signer that may be computed. Beyond MAX_LEAVES none does."""
        if len(self._waiting) >= MAX_LEAVES:
            return False
        seen = examine(observation, self.known)
        one = _waiting(seen) if seen is not None else None
        if one is not None:
            self._waiting.append(one)
        return one is not None

    def steps(self) -> Generator[float]:
        """The work, as pauses in seconds that the caller is to make in between."""
        left = list(self._waiting)
        for _ in range(self._limits.pairs):
            pair = next(self._pairs(left), None)
            if pair is None:
                return
            spki = yield from self._compute(*pair)
            if spki is not None:
                self.found += (spki,)
                self._keep((spki,))
                left = [one for one in left if not is_signed_by(one.leaf, spki)]

    def _pairs(self, left: list[Waiting]) -> Generator[tuple[Waiting, Waiting]]:
        """What is still worth trying, the likeliest first."""
        groups: dict[tuple[int, bytes, bytes], list[Waiting]] = {}
        for one in sorted(left, key=lambda one: one.looks_public):
            groups.setdefault(one.signer, []).append(one)
        ways: tuple[Iterable[tuple[Waiting, Waiting]], ...] = (
            *(pairwise(group) for group in groups.values()),
            combinations((group[0] for group in list(groups.values())[:_ACROSS]), 2),
        )
        for way in ways:
            for one, two in way:
                fits = one.signature.size == two.signature.size and one.leaf != two.leaf
                if fits and _pair_id(one, two) not in self._tried:
                    yield one, two

    def _compute(self, one: Waiting, two: Waiting) -> Generator[float, None, bytes | None]:
        self._tried.add(_pair_id(one, two))
        bits = one.signature.bits
        self._progress.begin((one.host, two.host), bits, seconds_needed(bits))
        begin, computation = (
            clock.stopwatch(),
            Computation(one.signature, two.signature, self._limits),
        )
        try:
            while not computation.done():
                yield _PAUSE
                self._progress.going(clock.stopwatch() - begin)
            spki = computation.result()
        finally:
            computation.end()
        took = clock.stopwatch() - begin
        if spki is None:
            self._progress.end(took, computation.trouble or "no key signed both")
        else:
            self._progress.end(took, "found the key that signed both")
        return spki


def with_signers(
    known: Knowledge,
    observations: Iterable[Observation],
    memory: Memory,
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> Knowledge:
    """`known` with the signers that earlier runs computed, and those of the observations; waits for them."""
    known = replace(known, signers=(*known.signers, *memory.signers()))
    signers = Signers(known, progress, memory.keep_signers, limits)
    for observation in observations:
        signers.add(observation)
    for pause in signers.steps():
        clock.sleep(pause)
    return replace(known, signers=(*known.signers, *signers.found))


def _waiting(seen: Examination) -> Waiting | None:
    try:
        if seen.issuer is not None or seen.unsent is None or seen.unsent.candidates:
            return None
        signature = rsa_signature(seen.leaf)
        if signature is None or seen.issuer_spki_sha256 is not None:
            return None
        return Waiting(seen.host, seen.leaf, signature, seen.looks_public)
    except CertificateError:
        return None


def _pair_id(one: Waiting, two: Waiting) -> frozenset[str]:
    return frozenset((one.leaf.sha256, two.leaf.sha256))
