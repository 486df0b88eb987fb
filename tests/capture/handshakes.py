"""A client and a server of OpenSSL that shake hands in memory."""

from __future__ import annotations

import ssl
from contextlib import suppress

Said = list[tuple[bool, bytes]]


def shake_hands(
    client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[Said, ssl.SSLSession | None]:
    """What was said, the client's part marked, and the session that may be taken up again."""
    pipes = [ssl.MemoryBIO() for _ in range(4)]
    ours = client.wrap_bio(pipes[0], pipes[1], server_hostname="a.example", session=session)
    theirs = server.wrap_bio(pipes[2], pipes[3], server_side=True)
    said: Said = []
    for _ in range(4):
        for from_client, end, out, into in (
            (True, ours, pipes[1], pipes[2]),
            (False, theirs, pipes[3], pipes[0]),
        ):
            with suppress(ssl.SSLError):
                end.do_handshake()
                if from_client:
                    end.read(1)  # tickets come after the handshake
            if data := out.read():
                into.write(data)
                said.append((from_client, data))
    return said, ours.session
