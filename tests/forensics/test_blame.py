"""Why one captured connection failed, said as diagnose says it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detector.capture.connection import Connection, HelloFacts, Preamble, SeenAlert, ServerFacts
from detector.forensics.blame import blame
from detector.knowledge.causes import cause_table
from detector.model.observation import Cause

HELLO = HelloFacts(
    0x0303,
    (0x0304, 0x0303),
    (0x1301, 0xC02F),
    (0, 10, 43),
    (29,),
    (0x0403,),
    (),
    (29,),
    "j",
    "t13d",
)
ASKING = msgspec.structs.replace(HELLO, alpn=("h2",))
OLD = msgspec.structs.replace(HELLO, legacy_version=0x0301, versions=(0x0301,))
TLS13 = ServerFacts(0x0304, 0x1301, 29, None, "s", renegotiation=False)
TLS12 = ServerFacts(0x0303, 0xC02F, 29, None, "s", renegotiation=True)
TLS10 = ServerFacts(0x0301, 0x002F, None, None, "s", renegotiation=True)
EXPIRED = Cause("certificate-expired", "server", "error", "The certificate expired.")
BASE = Connection(
    client="10.0.0.9", client_port=50000, server="192.0.2.5", server_port=443, first=1.0, last=1.2,
    opened="syn-ack", hello=HELLO, hello_size=500, sent=500, sni="a.example",
)  # fmt: skip


def alert(sender: Any, code: int | None) -> tuple[SeenAlert, ...]:
    return (SeenAlert(sender, code, fatal=True, encrypted=code is None),)


def told(seen: tuple[Cause, ...] = (), **changes: Any) -> tuple[str, str] | None:
    connection = msgspec.structs.replace(BASE, **changes)
    found = blame(connection, cause_table(), lambda: seen)
    return (found.id, found.party) if found is not None else None


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"hello": None, "opened": "syn", "refused": True, "how": "rst"}, "connection-refused"),
        ({"hello": None, "opened": "syn", "sent": 0}, "connection-timeout"),
        ({"hello": None, "preamble": Preamble("http-connect", status=407)}, "proxy-auth-required"),
        ({"hello": None, "preamble": Preamble("http-connect", status=403)}, "proxy-refused"),
        ({"hello": None, "preamble": Preamble("http-connect", status=302)}, "proxy-refused"),
        ({"hello": None, "preamble": Preamble("http-connect", status=502)}, "bad-gateway"),
        ({"hello": None, "preamble": Preamble("http-connect", status=504)}, "connection-timeout"),
        ({"hello": None, "preamble": Preamble("socks5", status=2)}, "proxy-refused"),
        ({"hello": None, "preamble": Preamble("socks5", status=5)}, "connection-refused"),
        ({"hello": None, "preamble": Preamble("socks5", target="a:²", status=4)}, "connection-timeout"),
        ({"hello": None, "reached": "alert", "alerts": alert("server", 10)}, "not-tls"),
        ({"closed_by": "server", "how": "rst"}, "connection-reset"),
        ({"closed_by": "middlebox", "how": "rst"}, "connection-reset"),
        ({"closed_by": "server", "how": "fin"}, "closed-during-handshake"),
        ({"last": 5.0}, "silent-drop"),
        ({"last": 5.0, "hello_lost": True, "hello_size": 1700}, "large-hello-dropped"),
        ({"reached": "other", "plain": b"HTTP/1.1 302 Found\r\n"}, "captive-portal"),
        ({"reached": "other", "plain": b"SSH-2.0-x"}, "not-tls"),
        ({"reached": "hello", "error": "lies"}, "malformed-handshake"),
        ({"reached": "alert", "alerts": alert("server", 70)}, "version-mismatch"),
        ({"reached": "alert", "alerts": alert("server", 40)}, "no-shared-cipher"),
        ({"reached": "alert", "alerts": alert("server", 40), "hello": OLD}, "version-mismatch"),
        ({"reached": "alert", "alerts": alert("server", 112)}, "sni-unrecognized"),
        ({"reached": "alert", "alerts": alert("server", 120), "hello": ASKING}, "alpn-mismatch"),
        ({"reached": "alert", "alerts": alert("server", 120)}, "other-alert"),  # none was offered
        ({"reached": "alert", "alerts": alert("server", 80)}, "other-alert"),
        ({"reached": "data", "answer": TLS13, "alerts": alert("server", 116)}, "client-certificate-required"),
        ({"reached": "data", "answer": TLS13, "alerts": alert("server", None)}, "client-certificate-required"),
        ({"reached": "data", "answer": TLS12, "authorities": (), "client_certificate": True,
          "alerts": alert("server", 48)}, "client-certificate-rejected"),
        ({"reached": "hello", "answer": TLS10, "alerts": alert("client", 70)}, "version-mismatch"),
        ({"reached": "hello", "answer": TLS12, "dh_bits": 1024, "alerts": alert("client", 40)}, "weak-key"),
        ({"reached": "data", "answer": TLS13, "alerts": alert("client", 48)}, "untrusted-root"),
        ({"reached": "data", "answer": TLS13, "alerts": alert("client", 45)}, "certificate-expired"),
        ({"reached": "data", "answer": TLS12, "chain": (b"x",), "alerts": alert("client", 46)}, "certificate-pinned"),
        ({"reached": "data", "answer": TLS13, "alerts": alert("client", None)}, "other-alert"),
        ({"reached": "data", "answer": TLS13, "closed_by": "client"}, "closed-during-handshake"),
        ({"reached": "data", "answer": TLS13, "closed_by": "server", "how": "rst"}, "connection-reset"),
    ],
)  # fmt: skip
def test_the_cause_follows_from_the_step(changes: dict[str, Any], wanted: str) -> None:
    found = told(**changes)
    assert found is not None
    assert found[0] == wanted


def test_readable_certificates_say_more_than_the_alert() -> None:
    seen = {"reached": "data", "answer": TLS12, "chain": (b"x",), "alerts": alert("client", 46)}
    assert told((EXPIRED,), **seen) == ("certificate-expired", "server")
    assert told((EXPIRED,), reached="data", answer=TLS12, closed_by="client") == (
        "certificate-expired", "server",
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"reached": "data", "answer": TLS13, "completed": True, "closed_by": "client"},
        {"reached": "data", "answer": TLS13},  # it stands
        {"last": 1.4},  # the capture ended too soon to tell
        {"reached": "unseen", "closed_by": "client"},
    ],
)
def test_what_did_not_fail_or_cannot_be_told_is_blamed_on_nobody(changes: dict[str, Any]) -> None:
    assert told(**changes) is None
