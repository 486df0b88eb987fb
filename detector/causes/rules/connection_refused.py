"""connection-refused: a reset answers the first packet (RFC 9293 section 3.10.7.1).

Behind a proxy it is the proxy that was dialled, and the server is not to blame.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues

_FIX = "Start the proxy, or name the right one in HTTPS_PROXY or --proxy."


def find(clues: Clues) -> Claim | None:
    text, failure = clues.failed_with("connection-refused"), clues.failure
    if text is None or failure is None:
        return None
    if failure.dialled == "proxy":
        text = f"The proxy at {failure.text}."
        sure = f"curl -v telnet://{clues.observation.route.proxy}"
        return Claim("error", text, clues.past_the_proxy, "network", _FIX, sure)
    return Claim("error", text)
