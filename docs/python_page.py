"""The reference of the Python interface, made from the code: signatures, docstrings, fields."""

from __future__ import annotations

import dataclasses
import inspect
import re

import msgspec

import detector
from detector import errors
from detector.auditing.model import TrustAudit
from detector.forensics.judged import JudgedConnection
from detector.forensics.story import CaptureStory, ServerDiagnosis
from detector.logs.story import LogStory
from detector.messages.explaining import Explained, Explanation
from detector.model.inquiry import Diagnosis, Fix, FoundCause, Step
from detector.model.observation import (
    Cause,
    Evidence,
    Failure,
    Handshake,
    Interceptor,
    Judgement,
    Observation,
    Route,
    Target,
)
from detector.net.probe import ProbeOptions
from detector.runs.captures import CaptureReading
from detector.runs.diagnose import Investigation

RESULTS: tuple[type, ...] = (
    Judgement, Evidence, Cause, Interceptor, Diagnosis, FoundCause, Fix, Step, Explained, Explanation,
    LogStory, CaptureReading, JudgedConnection, CaptureStory, ServerDiagnosis, TrustAudit,
)  # fmt: skip
INPUTS: tuple[type, ...] = (
    Target, Observation, Route, Handshake, Failure, ProbeOptions, Investigation,
)  # fmt: skip

_INTRO = """# Python interface

`import tlsight` and `import detector` are the same door; nothing heavy is imported before it is used.

```python
from tlsight import check

for judgement in check("example.com", "github.com:443"):
    print(judgement.observation.target.host, judgement.verdict, judgement.summary)
    for evidence in judgement.evidence:
        print("  ", evidence.id, evidence.points, evidence.strength, evidence.text)
```

```python
from tlsight import default_knowledge, judge

knowledge = default_knowledge(local=False)
for judgement in judge("chain.pem", knowledge, host="example.com"):
    print(judgement.to_json())
```

```python
from tlsight import explain, read_captures, read_logs

for cause in explain("curl: (60) SSL certificate problem: certificate has expired"):
    print(cause.likelihood, cause.cause.id, cause.cause.party, cause.tell_apart)

for group in read_logs("error.log").groups:
    print(group.cause, len(group.clients), group.first)

reading = read_captures("trace.pcap")
for connection in reading:
    print(connection.verdict, [cause.id for cause in connection.causes])
for server in reading.story.servers:
    print(server.server.name, server.verdict)
```

```python
import asyncio
from tlsight import check_async, diagnose_async


async def main():
    async for judgement in check_async(["example.com"]):
        print(judgement.verdict)
    (diagnosis,) = await diagnose_async("example.com")
    print(diagnosis.healthy, [(cause.id, cause.party) for cause in diagnosis.causes])


asyncio.run(main())
```

Results are plain values. `to_dict()` and `to_json()` of `Judgement`, `Diagnosis`, `Explained`, `LogStory`,
`JudgedConnection`, `CaptureStory` and `TrustAudit` give the objects that the command prints with `--json`; where it
prints several, a list, or lines. Times are aware UTC, or seconds since 1970 where they come from packets and log
lines; durations are milliseconds where they are called `ms`, else seconds. Digests are lower-case hex SHA-256.
"""


def python_page() -> str:
    """The page."""
    offered = (name for name in detector.__all__ if inspect.isfunction(getattr(detector, name)))
    functions = list(map(_function, offered))
    return _INTRO + "\n".join(
        (
            "\n## Functions\n",
            *functions,
            "## Results\n",
            *map(_type, RESULTS),
            "## What goes in\n",
            *map(_type, INPUTS),
            "## Errors\n",
            "All descend from `TlsightError` and carry `code`, `message` and `remedy`.\n",
            *(_error(name) for name in dir(errors)),
        )
    ).replace("\n\n\n", "\n\n")


def _function(name: str) -> str:
    made = getattr(detector, name)
    signature = str(inspect.signature(made)).replace("detector.api.", "")
    signature = re.sub(r"<function <lambda> at 0x\w+>", "...", signature).replace("'", "")
    return f"### {name}\n\n```\n{name}{signature}\n```\n\n{_doc(made)}\n"


def _type(made: type) -> str:
    fields = ", ".join(f"`{name}`" for name in _fields(made))
    return f"### {made.__name__}\n\n{_doc(made)}\n" + (f"\nFields: {fields}.\n" if fields else "")


def _fields(made: type) -> tuple[str, ...]:
    if dataclasses.is_dataclass(made):
        names = tuple(field.name for field in dataclasses.fields(made))
    elif issubclass(made, msgspec.Struct):
        names = made.__struct_fields__
    else:
        names = ()
    properties = tuple(
        name
        for name, value in vars(made).items()
        if isinstance(value, property) and not name.startswith("_")
    )
    return (*names, *properties)


def _error(name: str) -> str:
    made = getattr(errors, name)
    if not (inspect.isclass(made) and issubclass(made, errors.TlsightError)):
        return ""
    first = (inspect.getdoc(made) or "").splitlines()[0]
    return f"- `{name}` ({made.code}): {first}"


def _doc(made: object) -> str:
    """The docstring; its lists of arguments and fields as they are written."""
    text = inspect.getdoc(made) or ""
    parts = re.split(r"\n(?=(?:Args|Attributes|Raises):\n)", text)
    out = [parts[0].strip()]
    for part in parts[1:]:
        head, _, body = part.partition("\n")
        after = re.split(r"\n(?=\S)", body, maxsplit=1)
        out.append(f"{head}\n\n```\n{inspect.cleandoc(after[0])}\n```")
        if len(after) > 1:
            out.append(after[1].strip())
    return "\n\n".join(filter(None, out))
