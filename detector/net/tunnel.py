"""The way through a proxy: reach it, speak TLS to it where it wants that, log in, and have a tunnel opened.

Theory of operation
-------------------
Every failure in here is a ProxyError, which says whether the proxy itself failed (its name, its port, its time, its
certificate) or what it told of the server. Digest needs the proxy's challenge first: there the proxy is dialled once
more, because many close after a 407.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from detector.causes.through_proxy import ACTS
from detector.errors import DialError, ProxyError, ProxyFault
from detector.net import http_connect, socks5
from detector.net.dialogue import Dialogue
from detector.net.http_connect import DigestWanted
from detector.net.routes import Proxy
from detector.net.stream import Stream, connect, given, resolve

# Faults for which another proxy may do better.
PROXY_ITSELF: frozenset[ProxyFault] = frozenset(
    ("down", "lost", "away", "cut", "certificate", "tls")
)
_BY_CAUSE: dict[str, ProxyFault] = {
    "connection-refused": "down",
    "connection-reset": "cut",
    "connection-timeout": "away",
    "dns-failure": "lost",
}


class Step(Protocol):
    """Work on one step, with its time-out; raises DialError of the step where that is over."""

    async def __call__[T](self, name: str, cause: str, work: Coroutine[Any, Any, T]) -> T: ...


async def through(
    proxy: Proxy,
    destination: Callable[[], tuple[str, int]],
    step: Step,
    resolved: Callable[[str], None],
) -> Stream:
    """A connection to the destination through a proxy.

    Args:
        proxy: whom to dial.
        destination: host or address, and port.
        step: how to work.
        resolved: told the address, where names are resolved here.

    Raises ProxyError; DialError where it is the server's name that does not resolve here.

    """
    host, port = destination()
    if not proxy.remote_dns:
        addresses = given(host, port) or await step("dns", "dns-failure", resolve(host, port))
        host = addresses[0][1]
        resolved(host)
    if proxy.kind == "socks5":
        return await _asked(proxy, step, socks5.connect(host, port, proxy.user, proxy.password))
    try:
        dialogue = http_connect.connect(host, port, proxy.user, proxy.password)
        return await _asked(proxy, step, dialogue)
    except DigestWanted as wanted:
        user, password = proxy.user or "", proxy.password
        answer = http_connect.digest(wanted.challenge, host, port, user, password)
    return await _asked(proxy, step, http_connect.connect(host, port, user, password, answer))


async def _asked(proxy: Proxy, step: Step, dialogue: Dialogue) -> Stream:
    """Dial the proxy, and carry the dialogue to its end. Raises ProxyError, DigestWanted."""
    try:
        addresses = given(proxy.host, proxy.port) or await step(
            "dns", "dns-failure", resolve(proxy.host, proxy.port)
        )
        stream = await step("connect", "connection-timeout", connect(addresses))
    except DialError as error:
        raise _of_the_proxy(error, proxy) from None
    try:
        if proxy.tls:
            stream = await _in_tls(stream, proxy, step)
        await step(
            "proxy", ACTS["hangs"].cause, stream.converse(dialogue, "proxy", "connection-reset")
        )
    except ProxyError:
        stream.close()
        raise
    except DialError as error:
        stream.close()
        raise _of_the_proxy(error, proxy) from None
    except BaseException:
        stream.close()
        raise
    return stream


async def _in_tls(stream: Stream, proxy: Proxy, step: Step) -> Stream:
    from detector.net.tls_stream import TlsStream

    inner = TlsStream(stream, proxy.host, proxy.trust)
    try:
        await step("proxy", ACTS["hangs"].cause, inner.shake_hands())
    except OSError:
        raise ProxyError(
            "cut", ACTS["cut"].cause, "the proxy resets its own TLS handshake", how="rst"
        ) from None
    return inner


def _of_the_proxy(error: DialError, proxy: Proxy) -> DialError:
    """The same failure as one of the proxy's; what this machine has no more of stays its own."""
    if error.remedy:
        return error
    where = proxy.route.proxy
    fault = _BY_CAUSE.get(error.cause, "cut")
    if error.step == "proxy" and error.how == "silence":
        kind = "SOCKS" if proxy.kind == "socks5" else "CONNECT"
        text = f"the proxy {where} takes the connection and does not answer {kind}: {error.message}"
        fault = "hangs"
    elif error.step == "proxy":
        text = f"the proxy {where} cuts the connection: {error.message}"
    elif error.step == "dns":
        text = f"the proxy is not found: {error.message}"
    elif error.how == "silence":
        text = f"the proxy {where} does not answer: {error.message}"
    else:
        text = f"the proxy at {error.message}"
    return ProxyError(fault, error.cause, text, step=error.step, how=error.how, why=error.why)
