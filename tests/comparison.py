"""What other people's test suites say of a chain, beside what the product says.

A chain counts as accepted where its path is public and a client has nothing to complain about. Left
out are what these suites do not make: proofs of logging, and leaves that live as short as browsers
want them to. Every difference is a row of data/differences.toml: "laxer" where we accept and they do
not, "stricter" the other way round, with its reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from detector.chain.anchors import TrustAnchors
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.judging.judge import judge_all
from detector.knowledge.causes import cause_table
from detector.known.knowledge import Knowledge
from detector.model.observation import Observation

DATA = Path(__file__).parent / "data"
_NOT_MADE = frozenset(("ct-policy", "validity-too-long"))
CAUSES = cause_table()


def knowledge(roots: Iterable[bytes]) -> Knowledge:
    """These roots are public, and nothing else is known."""
    return Knowledge(public=TrustAnchors(roots, "the suite's"), causes=CAUSES, lab=True)


def accepted(observation: Observation, known: Knowledge, ignored: frozenset[str]) -> bool:
    """Whether a client of today would take the chain, the causes in `ignored` left aside."""
    (judgement,) = judge_all([observation], known)
    try:
        public = Examination(observation, known).is_public_path
    except CertificateError:
        return False
    malformed = any(one.id == "malformed-certificate" for one in judgement.evidence)
    faults = {cause.id for cause in judgement.causes if cause.severity == "error"}
    return public and not malformed and faults <= _NOT_MADE | ignored


def differences(suite: str) -> dict[str, str]:
    """The known differences of a suite: its test's name -> "laxer" or "stricter"."""
    rows = tomllib.loads((DATA / "differences.toml").read_text())[suite]
    assert all(row["reason"] and row["kind"] in ("laxer", "stricter") for row in rows)
    found = [(name, row["kind"]) for row in rows for name in row["names"]]
    assert len({name for name, _ in found}) == len(found), "a name has two reasons"
    return dict(found)


def compared(ours: Mapping[str, bool], theirs: Mapping[str, bool]) -> dict[str, str]:
    """Where the answers differ, and how."""
    return {
        name: "laxer" if ours[name] else "stricter"
        for name, expected in theirs.items()
        if ours[name] is not expected
    }


def totals(ours: Mapping[str, bool], found: Mapping[str, str]) -> str:
    """For a person: how many agree."""
    kinds = list(found.values())
    agree, laxer, stricter = len(ours) - len(kinds), kinds.count("laxer"), kinds.count("stricter")
    return f"{len(ours)} compared: {agree} agree, {laxer} laxer, {stricter} stricter"
