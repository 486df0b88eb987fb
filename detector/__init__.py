"""tlsight: who really answers on a TLS connection, with proof.

    from detector import check, diagnose, explain, judge, read_captures, read_logs, trust

    for judgement in check("example.com", "example.org"):
        print(judgement.observation.target.host, judgement.verdict, judgement.summary)

`check` probes and judges; `judge` judges what was saved without touching the network; `diagnose` says why a
handshake fails; `explain` explains an error message; `read_logs` and `read_captures` find failed handshakes in what
was written down; `trust` audits this machine. Each has a twin `..._async`. `default_knowledge` builds what
judges compare with.
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
        explain_async,
        judge,
        judge_async,
        read_captures,
        read_captures_async,
        read_logs,
        read_logs_async,
        trust,
        trust_async,
    )
    from detector.errors import ConfigError, TargetError, TlsightError
    from detector.known.knowledge import Knowledge
    from detector.model.inquiry import Diagnosis
    from detector.model.observation import Evidence, Judgement, Observation, Target
    from detector.net.probe import ProbeOptions
    from detector.runs.diagnose import Investigation
    from detector.runs.saved import load_observations

__all__ = [
    "ConfigError",
    "Diagnosis",
    "Evidence",
    "Investigation",
    "Judgement",
    "Knowledge",
    "Observation",
    "ProbeOptions",
    "Target",
    "TargetError",
    "TlsightError",
    "__version__",
    "check",
    "check_async",
    "default_knowledge",
    "diagnose",
    "diagnose_async",
    "explain",
    "explain_async",
    "judge",
    "judge_async",
    "load_observations",
    "read_captures",
    "read_captures_async",
    "read_logs",
    "read_logs_async",
    "trust",
    "trust_async",
]

_ELSEWHERE = {
    "ConfigError": "detector.errors",
    "TargetError": "detector.errors",
    "TlsightError": "detector.errors",
    "Knowledge": "detector.known.knowledge",
    "Diagnosis": "detector.model.inquiry",
    "Evidence": "detector.model.observation",
    "Judgement": "detector.model.observation",
    "Observation": "detector.model.observation",
    "Target": "detector.model.observation",
    "ProbeOptions": "detector.net.probe",
    "Investigation": "detector.runs.diagnose",
    "load_observations": "detector.runs.saved",
}


def __getattr__(name: str) -> object:
    # PEP 562: `import detector` stays cheap; each name brings its module when it is used.
    import importlib

    if name not in __all__:
        raise AttributeError(f"module 'detector' has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE.get(name, "detector.api")), name)
