"""A server of tlslite-ng. Words: address, port, chain, key, then http or echo, optional, and NAME=VALUE of its
HandshakeSettings; alpn=NAME,NAME.
"""

from __future__ import annotations

import ast
import socket
import sys
import threading
from pathlib import Path

from tlslite.api import (
    HandshakeSettings,
    SessionCache,
    TLSConnection,
    X509CertChain,
    parsePEMKey,
)

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


def main(address: str, port: str, chain: str, key: str, *words: str) -> None:
    certificates = X509CertChain()
    certificates.parsePemList(Path(chain).read_text())
    secret = parsePEMKey(Path(key).read_text(), private=True)
    settings = HandshakeSettings()
    asked: dict[str, object] = {"reqCert": "optional" in words}
    for word in words:
        name, _, value = word.partition("=")
        if name == "alpn":
            asked["alpn"] = [protocol.encode() for protocol in value.split(",")]
        elif value:
            setattr(settings, name, ast.literal_eval(value))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family, backlog=64) as listener:
        cache = SessionCache()
        while True:
            one, _ = listener.accept()
            given = {"certChain": certificates, "privateKey": secret, "settings": settings, **asked}
            arguments = (one, given, cache, "echo" not in words)
            threading.Thread(target=serve, args=arguments, daemon=True).start()


def serve(one: socket.socket, given: dict[str, object], cache: SessionCache, http: bool) -> None:
    connection = TLSConnection(one)
    try:
        connection.handshakeServer(sessionCache=cache, **given)
        while said := connection.recv(4096):
            connection.send(ANSWER if http else said)
            if http:
                break
        connection.close()
    except Exception as error:  # whatever a client does, the next one is served
        print(repr(error), file=sys.stderr, flush=True)
        one.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
