"""Ask for what OpenSSL's Python binding never asks for: the stapled OCSP response (RFC 6066).

A second, TLS 1.2 only ClientHello of our own, read until ServerHelloDone: in TLS 1.2 the server's
flight is in clear, so no key exchange is needed.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

from detector.errors import DialError, WireError
from detector.model.observation import Observation
from detector.net.probe import KEPT_BYTES, MAX_BYTES, ProbeOptions, ProbeRun
from detector.wire import hello
from detector.wire import registry as r
from detector.wire.records import HANDSHAKE, HandshakeReader, RecordReader
from detector.wire.transcript import read_transcript

_CIPHERS = (
    0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC013, 0xC00A, 0xC014,
    0x009C, 0x009D, 0x002F, 0x0035, 0x00FF,
)  # fmt: skip
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019)
_SCHEMES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201)


def stapling_hello(host: str | None, random: bytes) -> bytes:
    """The record of a TLS 1.2 ClientHello that asks for a staple."""
    extensions = [hello.server_name(host)] if host else []
    extensions += [
        hello.status_request(),
        hello.supported_groups(_GROUPS),
        hello.ec_point_formats(),
        hello.signature_algorithms(_SCHEMES),
        (r.SIGNED_CERTIFICATE_TIMESTAMP, b""),
    ]
    offer = hello.ClientHello(0x0303, random, b"", _CIPHERS, b"\x00", tuple(extensions))
    return hello.client_hello_record(offer)


async def with_staple(observation: Observation, options: ProbeOptions) -> Observation:
    """`observation` with the stapled OCSP response, where the server gives one over TLS 1.2.

    The observation comes back unchanged when the server staples nothing or shows another leaf.
    """
    if not observation.chain:
        return observation
    try:
        data = await _server_flight(ProbeRun(observation.target, options), options)
    except (DialError, OSError, TimeoutError, WireError):
        return observation
    transcript = read_transcript(b"", data)
    same_leaf = bool(transcript.chain) and transcript.chain[0].der == observation.chain[0]
    if transcript.ocsp is None or not same_leaf:
        return observation
    return replace(observation, ocsp=transcript.ocsp)


async def _server_flight(run: ProbeRun, options: ProbeOptions) -> bytes:
    stream = await run.dial()
    records, messages = RecordReader(), HandshakeReader()
    received = bytearray()
    try:
        async with asyncio.timeout(options.timeout):
            await stream.write(stapling_hello(run.target.sni, os.urandom(32)))
            while len(received) < MAX_BYTES:
                data = await stream.read()
                if not data:
                    break
                received += data
                for record in records.feed(data):
                    if record.type != HANDSHAKE:
                        return bytes(received)
                    if any(m.type == r.SERVER_HELLO_DONE for m in messages.feed(record.payload)):
                        return bytes(received)
    finally:
        stream.close()
    return bytes(received[:KEPT_BYTES])
