"""What a client is answered whose request does not go to the server: 403 for policy, 421 for the wrong connection."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mitmproxy import ctx, http
from mitmproxy.proxy import commands, events, layer

from addons.bypass.shown import shown

Status = Literal[403, 421]
_SAID: dict[Status, tuple[str, str]] = {
    403: ("blocked", "The rules of this proxy block it."),
    # RFC 9110 section 15.5.20: the client may ask again over another connection, and browsers do.
    421: ("asked on another name's connection", "Ask for it on a connection of its own."),
}
_NO_BODY = ("GET", "HEAD", "OPTIONS")


def refuse(flow: http.HTTPFlow, host: str, status: Status) -> None:
    """Answer in the server's place; a body that mitmproxy would stream ends with its request, unanswered."""
    if _may_be_streamed(flow.request):
        # mitmproxy cannot answer while it streams.
        flow.kill()  # type: ignore[no-untyped-call]
    else:
        flow.response = response(host, status, flow.request.headers.get("accept", ""))


def response(host: str, status: Status, accept: str = "") -> http.Response:
    """JSON for programs that ask for it, a page for everybody else."""
    title, text = _SAID[status]
    known = {"host": host, "status": status, "title": title, "text": text}
    if "json" in accept:
        return http.Response.make(status, json.dumps(known), {"content-type": "application/json"})
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "cache-control": "no-store",
    }
    harmless = {key: shown(str(value)) for key, value in known.items()}
    return http.Response.make(status, _template().render(harmless), headers)


class Ended(layer.Layer):
    """A client that speaks neither TLS nor HTTP, and so cannot be told why."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            yield commands.CloseConnection(self.context.client)


def _may_be_streamed(request: http.Request) -> bool:
    """Whether it is streamed, or would be once more of a body of unknown length is there."""
    unknown = "content-length" not in request.headers and request.method not in _NO_BODY
    return bool(request.stream) or (unknown and bool(ctx.options.stream_large_bodies))


@cache
def _template() -> Any:
    import jinja2

    text = Path(__file__).with_name("refused.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True).from_string(text)
