"""Who answers for our own hosts, asked over HTTP (Flask): `flask --app flask_check run`

CHECK_HOSTS names the hosts that may be asked for. An endpoint that takes any host lets anybody look around in the
network behind it (CWE-918), so everything else is a 404 before a socket is opened.
"""

from __future__ import annotations

import os
from threading import BoundedSemaphore

from flask import Flask, Response, abort, request

from detector import ProbeOptions, check, default_knowledge
from detector.model.targets import parse_target

ALLOWED = {name: parse_target(name) for name in os.environ["CHECK_HOSTS"].split()}
KNOWN = default_knowledge(
    roots=os.environ.get("TLSIGHT_ROOTS"), ct_logs=os.environ.get("TLSIGHT_CT_LOGS")
)
OPTIONS = ProbeOptions(timeout=3.0)  # seconds for each step
AT_ONCE = BoundedSemaphore(8)  # threads that may wait for somebody else's server

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    """Asks nobody: this service is alive, whatever is the matter with others."""
    return {"status": "ok"}


@app.get("/check")
def who_answers() -> Response:
    """The verdict as `tlsight check --json` prints it; a bad one is an answer too, so the status is 200."""
    target = ALLOWED.get(request.args.get("host", ""))
    if target is None:
        abort(404, "not one of our hosts")
    if not AT_ONCE.acquire(timeout=5):
        abort(503, "too many questions at once")
    try:
        (judgement,) = check(target, knowledge=KNOWN, options=OPTIONS)
    finally:
        AT_ONCE.release()
    return Response(judgement.to_json(), mimetype="application/json")
