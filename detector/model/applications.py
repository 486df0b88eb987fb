"""What is spoken inside TLS from its first byte: one row a protocol, with its ports and the question it is asked.

Rules
-----
1. A protocol is known by the URL's scheme, else by the port (IANA's registry, and the programs' own defaults).
   Everything else is taken for HTTP.
2. A question is one that changes nothing and needs no login. Where the server speaks first, or where nothing can
   be asked without a login, nothing is said: a stranger's words in a database's log look like an attack.
"""

from __future__ import annotations

import msgspec

HTTP = "http"


class ApplicationProtocol(msgspec.Struct, frozen=True):
    """One protocol.

    Attributes:
        ports: where it is spoken; the first is its scheme's own.
        schemes: of URLs that mean it.
        question: what to say once the handshake is done; empty where we only listen.

    """

    name: str
    ports: tuple[int, ...]
    schemes: tuple[str, ...] = ()
    question: bytes = b""


# A search for the root entry that asks for none of its attributes (RFC 4511 section 4.5.1, RFC 4512 section 5.1).
_ROOT_ENTRY = bytes.fromhex(
    "302a020101 6325 0400 0a0100 0a0100 020101 020105 0101ff".replace(" ", "")
)
_ROOT_ENTRY += b"\x87\x0bobjectClass\x30\x05\x04\x031.1"

_ROWS: tuple[ApplicationProtocol, ...] = (
    ApplicationProtocol("smtp", (465,), ("smtps",)),
    ApplicationProtocol("imap", (993,), ("imaps",)),
    ApplicationProtocol("pop3", (995,), ("pop3s",)),
    ApplicationProtocol("ftp", (990, 989), ("ftps",)),
    ApplicationProtocol("nntp", (563,), ("nntps",)),
    ApplicationProtocol("telnet", (992,)),
    ApplicationProtocol("irc", (6697, 994), ("ircs",)),
    ApplicationProtocol("ldap", (636, 3269), ("ldaps",), _ROOT_ENTRY),
    ApplicationProtocol("dns", (853,)),
    ApplicationProtocol("sip", (5061,), ("sips",)),
    ApplicationProtocol("xmpp", (5223,)),
    ApplicationProtocol("amqp", (5671,), ("amqps",)),
    ApplicationProtocol("mqtt", (8883,), ("mqtts",)),
    ApplicationProtocol("syslog", (6514,)),
    ApplicationProtocol("redis", (6379, 6380), ("rediss", "valkeys"), b"PING\r\n"),
    ApplicationProtocol("postgres", (5432,)),
    ApplicationProtocol("mysql", (3306, 33060)),
    ApplicationProtocol("mongodb", (27017, 27018, 27019)),
    ApplicationProtocol("mssql", (1433,)),
    ApplicationProtocol("oracle", (2484,)),
    ApplicationProtocol("cassandra", (9142,)),
    ApplicationProtocol("bolt", (7687,)),
    ApplicationProtocol("kafka", (9093,)),
    ApplicationProtocol("zookeeper", (2281,)),
)
_BY_NAME = {row.name: row for row in _ROWS}
_BY_PORT = {port: row.name for row in _ROWS for port in row.ports}

# (protocol, port) by scheme.
SCHEMES: dict[str, tuple[str, int]] = {
    "https": (HTTP, 443),
    "wss": (HTTP, 443),
    **{scheme: (row.name, row.ports[0]) for row in _ROWS for scheme in row.schemes},
}


def spoken_at(port: int) -> str:
    """The protocol of a port; HTTP where there is no other."""
    return _BY_PORT.get(port, HTTP)


def question_for(protocol: str) -> bytes:
    """What to say to a server of a protocol other than HTTP, empty where we only listen."""
    row = _BY_NAME.get(protocol)
    return row.question if row is not None else b""
