"""Who answers for our own hosts, asked over HTTP (FastAPI): `uvicorn fastapi_check:app`

CHECK_HOSTS names the hosts that may be asked for. An endpoint that takes any host lets anybody look around in the
network behind it (CWE-918), so everything else is a 404 before a socket is opened.
"""

from __future__ import annotations

import asyncio
import os

from fastapi import FastAPI, HTTPException, Response

from detector import ProbeOptions, Target, check_async, default_knowledge
from detector.model.targets import parse_target

ALLOWED = {name: parse_target(name) for name in os.environ["CHECK_HOSTS"].split()}
KNOWN = default_knowledge(
    roots=os.environ.get("TLSIGHT_ROOTS"), ct_logs=os.environ.get("TLSIGHT_CT_LOGS")
)
OPTIONS = ProbeOptions(timeout=3.0)  # seconds for each step
WHOLE = 10.0  # seconds for all steps
AT_ONCE = asyncio.Semaphore(8)

app = FastAPI(title="Who answers?")


@app.get("/health")
async def health() -> dict[str, str]:
    """Asks nobody: this service is alive, whatever is the matter with others."""
    return {"status": "ok"}


@app.get("/check")
async def who_answers(host: str) -> Response:
    """The verdict as `tlsight check --json` prints it; a bad one is an answer too, so the status is 200."""
    target = ALLOWED.get(host)
    if target is None:
        raise HTTPException(404, "not one of our hosts")
    try:
        async with asyncio.timeout(WHOLE), AT_ONCE:
            return Response(await verdict(target), media_type="application/json")
    except TimeoutError:
        raise HTTPException(504, "no verdict in time") from None


async def verdict(target: Target) -> str:
    found = [one async for one in check_async(target, knowledge=KNOWN, options=OPTIONS)]
    return found[0].to_json()
