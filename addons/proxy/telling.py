"""mitmproxy's HTTP layer that lets somebody else word why a server cannot be reached.

Theory of operation
-------------------
Where the server is connected to only after the request is there (`connection_strategy=lazy`, a second request,
an https:// URL asked of the proxy itself), no hook can set a response any more: mitmproxy sends its bare 502. The
stream below asks for a page first, and sends it as if an addon had set it before (mitmproxy 12, proxy/layers/http).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mitmproxy import http
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestProtocolError,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpResponseHeadersHook

# None where it knows no better than mitmproxy.
Pages = Callable[[http.HTTPFlow], http.Response | None]


def telling(asked: layer.NextLayer, pages: Pages) -> None:
    """Put the layer that asks in the place of mitmproxy's own, where that is what comes next."""
    plain, layers = asked.layer, asked.context.layers
    if type(plain) is HttpLayer and layers and layers[-1] is plain:
        layers.pop()  # a layer enters itself when it is made
        asked.layer = _Telling(asked.context, plain.mode, pages)


class _Telling(HttpLayer):
    def __init__(self, context: Context, mode: HTTPMode, pages: Pages) -> None:
        super().__init__(context, mode)
        self._pages = pages

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        stream = _TellingStream(self.context.fork(), stream_id, self._pages)
        self.streams[stream_id] = stream
        yield from self.event_to_child(stream, events.Start())


class _TellingStream(HttpStream):
    def __init__(self, context: Context, stream_id: int, pages: Pages) -> None:
        super().__init__(context, stream_id)
        self._pages = pages

    def handle_protocol_error(
        self, event: RequestProtocolError | ResponseProtocolError
    ) -> layer.CommandGenerator[None]:
        is_asked = (
            isinstance(event, ResponseProtocolError)
            and event.code is ErrorCode.CONNECT_FAILED
            and self.client_state == self.state_done  # the whole request is there
            and self.flow.response is None
        )
        page = self._pages(self.flow) if is_asked else None
        if page is None:
            yield from super().handle_protocol_error(event)
            return
        page.timestamp_start = time.time()
        self.flow.response = page
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self.send_response()
