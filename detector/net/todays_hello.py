"""How a server takes the ClientHello of today's browsers, by one way and by another.

The handshake itself is OpenSSL's, and what it can offer depends on this machine. So that two ways to one server
can be compared, each is asked with the very offer that browsers make: hybrid key exchange, TLS 1.3, HTTP/2.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from detector.causes.plan import plan
from detector.model.inquiry import Trial
from detector.model.observation import BrowserAnswer, Observation
from detector.net.probe import ProbeOptions, speaks_http
from detector.net.trial import Keys, Patience, attempt
from detector.net.unasked import same_place
from detector.wire.registry import group_name, version_name


async def with_browser_answer(observation: Observation, options: ProbeOptions) -> Observation:
    """`observation` with the answer to a browser's hello; unchanged where none came within the time."""
    if not observation.chain:
        return observation
    target = observation.target
    alpn = ("h2", "http/1.1") if speaks_http(target) else ()
    there = same_place(observation, options)
    at = options.now()
    try:
        async with asyncio.timeout(options.timeout):
            patience = Patience(options.timeout)
            offer = plan(target.sni, alpn)["browser"]
            made = await attempt("browser", offer, target, there, patience, Keys())
    except TimeoutError:
        return observation
    if not made.answered or made.version is None:
        return observation
    return replace(observation, browser=BrowserAnswer(at, *_chosen(made)))


def _chosen(made: Trial) -> tuple[str, str | None, str | None]:
    version = version_name(made.version or 0)
    group = group_name(made.group) if made.group is not None else None
    return version, group, made.alpn
