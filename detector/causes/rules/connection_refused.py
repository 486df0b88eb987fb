"""connection-refused: a reset answers the first packet (RFC 9293 section 3.10.7.1).

Behind a proxy it is the proxy that was dialled, and the server is not to blame.
"""

from __future__ import annotations

from detector.causes.clues import Clues, Found

_FIX = "Start the proxy, or name the right one in HTTPS_PROXY or --proxy."


def find(clues: Clues) -> Found | None:
    text, failure = clues.failed_with("connection-refused"), clues.failure
    if text is None or failure is None:
        return None
    if failure.dialled == "proxy":
        text = f"The proxy at {failure.text}."
        sure = f"curl -v telnet://{clues.observation.route.proxy}"
        return Found("error", text, clues.past_the_proxy, "network", _FIX, sure)
    return Found("error", text)
