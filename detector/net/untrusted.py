"""The one place where verification is off: to look at whoever answers, and nothing else.

Over a connection made here goes nothing that is secret, and nothing that comes is believed: at most a
request for a page that nobody reads, to see whether the peer answers at all.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aioquic.quic.configuration import QuicConfiguration
    from OpenSSL.SSL import Connection


# Other programs that are to look at whoever answers: words that make them take anybody, and one as Python's source, whose
# words are a name, and a port on loopback; what it has to say stands on its stdin.
CURL_TAKES_ANYBODY = "--insecure"
CHROMIUM_TAKES_ANYBODY = "--ignore-certificate-errors"
PYTHON_TAKES_ANYBODY = """
import socket, ssl, sys
name, port, words = sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read()
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with socket.create_connection(("127.0.0.1", port), 20) as plain:
    with context.wrap_socket(plain, server_hostname=name) as wrapped:
        wrapped.sendall(words)
        while data := wrapped.recv(65536):
            sys.stdout.buffer.write(data)
"""


@lru_cache(maxsize=16)
def context_for_untrusted_peer(
    alpn: tuple[str, ...] = ("h2", "http/1.1"),
    maximum: str | None = None,
    credential: tuple[str, str] | None = None,
    *,
    later: bool = False,
) -> ssl.SSLContext:
    """A client context that shakes hands with anybody, old protocols and weak keys included.

    Args:
        alpn: protocols to offer; empty offers none.
        maximum: "TLSv1.2" to stop TLS 1.3 from being offered.
        credential: paths of a client certificate and its key, shown to a peer that asks for one.
        later: a peer of TLS 1.3 may ask for one after the handshake too (RFC 8446 section 4.6.2).

    Raises OSError or ssl.SSLError where the credential cannot be used.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Interceptors and the servers they break are often old; security level 0 lets us see them.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if maximum is not None:
        context.maximum_version = ssl.TLSVersion[maximum.replace(".", "_")]
    context.options |= ssl.OP_LEGACY_SERVER_CONNECT
    if alpn:
        context.set_alpn_protocols(list(alpn))
    context.post_handshake_auth = later
    if credential is not None:
        context.load_cert_chain(*credential)
    return context


def quic_configuration_for_untrusted_peer(name: str | None) -> QuicConfiguration:
    """The same for HTTP/3 over QUIC. Raises ImportError without aioquic (the extra `quic`)."""
    from aioquic.quic.configuration import QuicConfiguration

    return QuicConfiguration(
        is_client=True, alpn_protocols=["h3"], server_name=name, verify_mode=ssl.CERT_NONE
    )


def renegotiating_with_untrusted_peer(name: str | None) -> Connection:
    """A client of TLS 1.2 over no socket, which can renegotiate. Raises ImportError without pyOpenSSL (the extra `grade`)."""
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    connection = SSL.Connection(context, None)
    if name is not None:
        connection.set_tlsext_host_name(name.encode())
    connection.set_connect_state()
    return connection
