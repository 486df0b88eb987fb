"""A ClientHello in the form of SSL 2.0, by which clients of before 2008 or so offered SSL 3.0 and TLS 1.0 to servers that
might know neither (RFC 5246 appendix E.2). What follows it is TLS.
"""

from __future__ import annotations

from detector.wire.hello import ClientHello, build_client_hello

_HEADER = 2
_FIXED = 9  # message type, version, three lengths
_CLIENT_HELLO = 1
_RANDOM = 32


def read_old_hello(data: bytes) -> tuple[int, bytes] | None:
    """Where it ends, and the same hello as the handshake body that TLS would have; None where `data` does not begin
    with a whole one that offers SSL 3.0 or later.
    """
    if len(data) < _HEADER + _FIXED or not data[0] & 0x80 or data[2] != _CLIENT_HELLO:
        return None
    size = (data[0] & 0x7F) << 8 | data[1]
    end = _HEADER + size
    suites, session, challenge = (int.from_bytes(data[at : at + 2]) for at in (5, 7, 9))
    if (
        data[3] != 3
        or size != _FIXED + suites + session + challenge
        or len(data) < end
        or not suites
        or suites % 3
        or session not in (0, 16, 32)
        or not 16 <= challenge <= _RANDOM
    ):
        return None
    at = _HEADER + _FIXED
    ciphers = tuple(
        int.from_bytes(data[here + 1 : here + 3])
        for here in range(at, at + suites, 3)
        if not data[here]  # the others are SSL 2.0's own
    )
    random = data[end - challenge : end].rjust(_RANDOM, b"\0")
    hello = ClientHello(
        legacy_version=int.from_bytes(data[3:5]),
        random=random,
        session_id=data[at + suites : at + suites + session],
        ciphers=ciphers,
        compression=b"\0",
        extensions=None,
    )
    return end, build_client_hello(hello)
