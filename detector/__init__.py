"""tlsight: who really answers on a TLS connection, with proof.

    from detector import check, judge, default_knowledge

    for judgement in check("example.com", "example.org"):
        print(judgement.observation.target.host, judgement.verdict, judgement.summary)

`check` probes and judges, `check_async` does so inside a running event loop, `judge` judges saved
observations without touching the network. All take a `Knowledge`; `default_knowledge` builds one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.version import __version__

if TYPE_CHECKING:
    from detector.api import check, check_async, default_knowledge, judge, load_observations
    from detector.errors import TlsightError
    from detector.evidence.known import Knowledge
    from detector.model import Evidence, Judgement, Observation, Target

__all__ = [
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
    "judge",
    "load_observations",
]

_HOME = {
    "check": "detector.api",
    "check_async": "detector.api",
    "default_knowledge": "detector.api",
    "judge": "detector.api",
    "load_observations": "detector.api",
    "TlsightError": "detector.errors",
    "Knowledge": "detector.evidence.known",
    "Evidence": "detector.model",
    "Judgement": "detector.model",
    "Observation": "detector.model",
    "Target": "detector.model",
}


def __getattr__(name: str) -> object:
    # PEP 562: `import detector` stays cheap; each name brings its module when it is used.
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module 'detector' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
