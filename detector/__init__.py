"""tlsight: who really answers on a TLS connection, with proof.

    from detector import check, diagnose, explain, judge, default_knowledge

    for judgement in check("example.com", "example.org"):
        print(judgement.observation.target.host, judgement.verdict, judgement.summary)

`check` probes and judges, `check_async` does so inside a running event loop, `judge` judges saved
observations without touching the network; `diagnose` and `diagnose_async` say why a handshake fails. All
take a `Knowledge`; `default_knowledge` builds one. `explain` explains an error message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.version import __version__

if TYPE_CHECKING:
    from detector.api import (
        check,
        check_async,
        default_knowledge,
        diagnose,
        diagnose_async,
        explain,
        judge,
        load_observations,
    )
    from detector.errors import TlsightError
    from detector.known.knowledge import Knowledge
    from detector.model.inquiry import Diagnosis
    from detector.model.observation import Evidence, Judgement, Observation, Target

__all__ = [
    "Diagnosis",
    "Evidence",
    "Judgement",
    "Knowledge",
    "Observation",
    "Target",
    "TlsightError",
    "__version__",
    "check",
    "check_async",
    "default_knowledge",
    "diagnose",
    "diagnose_async",
    "explain",
    "judge",
    "load_observations",
]

_HOME = {
    "check": "detector.api",
    "check_async": "detector.api",
    "default_knowledge": "detector.api",
    "diagnose": "detector.api",
    "diagnose_async": "detector.api",
    "explain": "detector.api",
    "judge": "detector.api",
    "load_observations": "detector.api",
    "TlsightError": "detector.errors",
    "Knowledge": "detector.known.knowledge",
    "Diagnosis": "detector.model.inquiry",
    "Evidence": "detector.model.observation",
    "Judgement": "detector.model.observation",
    "Observation": "detector.model.observation",
    "Target": "detector.model.observation",
}


def __getattr__(name: str) -> object:
    # PEP 562: `import detector` stays cheap; each name brings its module when it is used.
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module 'detector' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
