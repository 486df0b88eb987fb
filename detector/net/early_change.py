"""Whether a server takes a ChangeCipherSpec before there are keys (CVE-2014-0224), asked without doing harm.

Theory of operation
-------------------
In TLS 1.2 the client's ChangeCipherSpec comes behind its ClientKeyExchange. A hello is sent, the server's flight is read to
its end, and one ChangeCipherSpec is sent at once. A server that is well says no, in an alert or by closing; one that has
the fault takes it, derives keys from nothing, and waits for more. Nothing more is sent: there is nothing to gain and nothing
breaks. Because silence is the bad answer, and a busy machine is silent too, it has to be silent twice.
"""

from __future__ import annotations

import asyncio

from detector.errors import DialError
from detector.model.observation import Target
from detector.net.probe import ProbeOptions, ProbeRun
from detector.net.stream import Stream
from detector.net.trial import Keys
from detector.wire import registry as r
from detector.wire.offer import Offer, client_hello, wire_form
from detector.wire.records import CHANGE_CIPHER_SPEC, encode_record
from detector.wire.server_flight import ServerFlight

_WAIT = 3.0
_MOST = 64 << 10


async def takes_early_change(offer: Offer, target: Target, options: ProbeOptions) -> bool | None:
    """None where it did not come to that. `offer` is of TLS 1.2 alone. Never raises for what a peer does."""
    first = await _silent(offer, target, options)
    return first and await _silent(offer, target, options)


async def _silent(offer: Offer, target: Target, options: ProbeOptions) -> bool | None:
    keys = Keys()
    message = client_hello(offer, keys.material)
    try:
        stream = await ProbeRun(target, options).dial()
    except DialError:
        return None
    try:
        async with asyncio.timeout(options.timeout):
            for segment in wire_form(offer, message):
                await stream.write(segment)
            if not await _waits_for_us(stream, ServerFlight(message, keys.shared_secret)):
                return None
        return await _takes(stream)
    except OSError:  # a TimeoutError is one
        return None
    finally:
        stream.close()


async def _takes(stream: Stream) -> bool:
    try:
        await stream.write(encode_record(CHANGE_CIPHER_SPEC, b"\x01"))
        async with asyncio.timeout(_WAIT):
            await stream.read()
    except TimeoutError:
        return True
    except OSError:
        pass  # it does not want to hear more
    return False


async def _waits_for_us(stream: Stream, flight: ServerFlight) -> bool:
    """The flight came to its end, in TLS 1.2."""
    heard = 0
    while not flight.done and heard < _MOST:
        data = await stream.read()
        if not data:
            return False
        heard += len(data)
        flight.feed(data)
    ended = any(one.type == r.SERVER_HELLO_DONE for one in flight.received)
    return ended and not flight.alerts
