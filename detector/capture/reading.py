"""A finished flow into a `Connection`.

Theory of operation
-------------------
What was in clear is read as it is. Of TLS 1.3 the rest is opened where a key log has the secrets, and told
from lengths where it has not (`sealed`).
"""

from __future__ import annotations

from ipaddress import IPv6Address

from detector.capture.connection import (
    Connection,
    EchUse,
    Reached,
    SeenAlert,
    Sender,
)
from detector.capture.datagrams import DatagramFlow
from detector.capture.ending import ended
from detector.capture.flow import IGNORE, Flow, Half
from detector.capture.handshake import PARTING, Facts, Handshakes
from detector.capture.keylog import KeyLog
from detector.capture.preamble import asks_for_a_tunnel, read_preamble
from detector.capture.quic import messages
from detector.capture.sealed import (
    came_too_late,
    has_completed,
    has_resumed,
    inferred_alerts,
    refused_late,
)
from detector.capture.surroundings import Surroundings
from detector.wire import registry as r

_PLAIN = 512
_LONGEST = 3600.0


class Reading:
    """Reads flows; remembers what is the same in many of them.

    Args:
        keys: secrets of TLS 1.3 sessions.

    Attributes:
        surroundings: what the capture as a whole shows.

    """

    def __init__(self, keys: KeyLog | None = None) -> None:
        self.surroundings = Surroundings()
        self.keys = keys if keys is not None else KeyLog()
        self._handshakes = Handshakes()
        self._addresses: dict[bytes, str] = {}

    def settle(self, flow: Flow) -> None:
        """Read the clear part now and let go of its bytes."""
        if flow.client.keep or flow.server.keep:
            return
        flow.facts = self._handshakes.clear(flow.client.messages, flow.server.messages)
        for half in (flow.client, flow.server):
            half.messages.clear()

    def connection(self, flow: Flow | DatagramFlow) -> Connection | None:
        """None where there was nothing of TLS, and nothing that could have become it."""
        if isinstance(flow, DatagramFlow):
            return self._datagrams(flow)
        return self._tcp(flow)

    def _tcp(self, flow: Flow) -> Connection | None:
        client, server = flow.client, flow.server
        if client.packets_seen and server.packets_seen:
            self.surroundings.two_sided = True
        facts = flow.facts
        if not isinstance(facts, Facts):
            facts = self._handshakes.clear(client.messages, server.messages)
        alerts = _alerts(flow) if client.alerts or server.alerts else []
        opened = False
        finished = None
        if client.keep and facts.answer is not None and r.is_tls13(facts.answer.version):
            opened, finished = self._open(facts, client, server, alerts)
        completed = has_completed(client, server, facts.answer, opened=opened, finished=finished)
        if not opened and not (alerts and any(alert.fatal for alert in alerts)):
            alerts += inferred_alerts(client, server, facts.answer, completed=completed)
        reached, plain = _reached(server, facts)
        if reached == "nothing" and _hidden(client, server):
            reached = "unseen"
        if facts.hello is None and facts.answer is None and not _worth_telling(flow, reached):
            return None
        fatal = next((alert for alert in alerts if alert.fatal), None) if alerts else None
        closed_by, how, signs = ended(flow, fatal)
        refused = not flow.opened.endswith("ack") and flow.syns > 0 and how == "rst"
        addresses = self._ends(flow)
        return Connection(
            number=flow.number,
            client=addresses[0],
            client_port=addresses[1],
            server=addresses[2],
            server_port=addresses[3],
            first=flow.first,
            last=flow.last,
            packets=flow.packets,
            sent=client.bytes,
            received=server.bytes,
            opened=flow.opened,
            refused=refused,
            preamble=read_preamble(
                client.preamble or (b"" if facts.hello else client.record[:4096]),
                server.preamble or (server.record[:4096] if reached == "other" else b""),
            ),
            sni=facts.sni,
            ech=self._ech(facts),
            hello=facts.hello,
            random=facts.random,
            hello_size=facts.size,
            hello_segments=client.hello_segments,
            hello_records=client.records if not client.ccs else 1,
            hello_lost=reached == "nothing" and server.acked < client.bytes and client.resent > 0,
            retry=facts.retry,
            answer=facts.answer,
            alpn=facts.alpn,
            chain=facts.chain,
            ocsp=facts.ocsp,
            scts=facts.scts,
            asked_for=facts.asked_for,
            authorities=facts.authorities,
            client_certificate=facts.client_certificate,
            client_chain=facts.client_chain,
            resumed=has_resumed(facts.answer, bare=facts.bare, ccs=server.ccs),
            dh_bits=facts.dh_bits,
            alerts=tuple(alerts),
            completed=completed and not refused_late(alerts, server),
            reached=reached,
            closed_by=closed_by,
            how=how,
            signs=signs,
            plain=plain,
            error=facts.error or server.error or client.error,
            notes=(*_notes(flow, client, server), *_odd(facts)),
            ms=_milliseconds(flow, client, server),
        )

    def _open(
        self, facts: Facts, client: Half, server: Half, alerts: list[SeenAlert]
    ) -> tuple[bool, bool | None]:
        """Read what the keys open; whether they did, and whether both sides finished."""
        assert facts.answer is not None
        suite = facts.answer.cipher
        theirs = self.keys.open(facts.random, suite, "server", server.raw)
        ours = self.keys.open(facts.random, suite, "client", client.raw)
        return self._handshakes.under_keys(facts, ours, theirs, alerts)

    def _ech(self, facts: Facts) -> EchUse | None:
        if facts.hello is None or r.ENCRYPTED_CLIENT_HELLO not in facts.hello.extensions:
            return None
        return "outer" if facts.sni in self.surroundings.outer_names else "offered"

    def _ends(self, flow: Flow | DatagramFlow) -> tuple[str, int, str, int]:
        """Client and server with their ports."""
        key = flow.key
        size = (len(key) - 4) // 2
        one = self._address(key[:size]), key[-4] << 8 | key[-3]
        other = self._address(key[size : 2 * size]), key[-2] << 8 | key[-1]
        if isinstance(flow, Flow) and flow.swapped:
            one, other = other, one
        return *one, *other

    def _address(self, address: bytes) -> str:
        found = self._addresses.get(address)
        if found is None:
            if len(self._addresses) >= 1 << 16:
                self._addresses.clear()
            if len(address) == 4:
                found = f"{address[0]}.{address[1]}.{address[2]}.{address[3]}"
            else:
                found = str(IPv6Address(address))
            self._addresses[address] = found
        return found

    def _datagrams(self, flow: DatagramFlow) -> Connection | None:
        quic = flow.kind == "quic"
        if quic:
            client, server = (
                messages(flow.quic.crypto["client"]),
                messages(flow.quic.crypto["server"]),
            )
            alerts = [
                SeenAlert(side, code - 0x100, fatal=True)
                for side, code in flow.quic.closes
                if 0x100 < code < 0x200
            ]
            # A client that refuses the certificate says so under the handshake's keys, and never sends data.
            completed = "client" in flow.quic.finished and "server" in flow.quic.beyond
        else:
            client, server = flow.client.messages, flow.server.messages
            alerts = [
                SeenAlert("client" if half is flow.client else "server", code, level == 2)
                for half in (flow.client, flow.server)
                for level, code in half.alerts
                if code
            ]
            completed = bool(flow.client.opaque and flow.server.opaque)
        facts = self._handshakes.clear(client, server, "q" if quic else "d")
        if quic and facts.answer is not None and facts.random in self.keys:
            opened = flow.quic.opened(self.keys.secrets(facts.random), facts.answer.cipher)
            read, finished = self._handshakes.under_keys(facts, *opened, alerts)
            completed = bool(finished) if read else completed
            alerts = _once(alerts)
        addresses = self._ends(flow)
        fatal = next((alert for alert in alerts if alert.fatal), None)
        reached = (
            _silent(flow, two_sided=self.surroundings.two_sided)
            if flow.server_started is None
            else _answered(facts, alerts, completed=completed)
        )
        return Connection(
            number=flow.number,
            client=addresses[0], client_port=addresses[1],
            server=addresses[2], server_port=addresses[3],
            transport="udp", protocol="quic" if quic else "dtls",
            first=flow.first, last=flow.last, packets=flow.packets,
            sent=flow.bytes[0], received=flow.bytes[1], opened="syn-ack",
            sni=facts.sni, ech=self._ech(facts), hello=facts.hello, random=facts.random,
            hello_size=facts.size, retry=facts.retry,
            answer=facts.answer, alpn=facts.alpn, chain=facts.chain, ocsp=facts.ocsp,
            scts=facts.scts, asked_for=facts.asked_for,
            authorities=facts.authorities, client_certificate=facts.client_certificate,
            client_chain=facts.client_chain,
            resumed=has_resumed(facts.answer, bare=facts.bare, ccs=flow.server.ccs),
            dh_bits=facts.dh_bits, alerts=tuple(alerts), completed=completed,
            reached=reached,
            closed_by=fatal.sender if fatal else None, error=facts.error,
            notes=(*_datagram_notes(flow), *_odd(facts)),
        )  # fmt: skip


def _odd(facts: Facts) -> tuple[str, ...]:
    return (f"the ClientHello makes no sense: {facts.fault}",) if facts.fault else ()


def _datagram_notes(flow: DatagramFlow) -> tuple[str, ...]:
    notes: list[str] = []
    if flow.evicted:
        notes.append("given up early: too many connections at once")
    if flow.quic.negotiated:
        notes.append("the server answered with the versions of QUIC that it speaks")
    return tuple(notes)


def _silent(flow: DatagramFlow, *, two_sided: bool) -> Reached:
    """No datagram of the server came: it, or the capture of its direction, may be missing."""
    went_on = "client" in flow.quic.beyond or flow.client.opaque > 0
    return "unseen" if went_on or not two_sided else "nothing"


def _answered(facts: Facts, alerts: list[SeenAlert], *, completed: bool) -> Reached:
    """Datagrams of the server came."""
    if completed:
        return "data"
    if facts.answer is not None:
        return "hello"
    return "alert" if alerts else "unseen"


def _once(alerts: list[SeenAlert]) -> list[SeenAlert]:
    """A close is said under the keys of each level that the peer may have (RFC 9000 section 10.2.3)."""
    return list({(alert.sender, alert.code): alert for alert in reversed(alerts)}.values())[::-1]


def _reached(server: Half, facts: Facts) -> tuple[Reached, bytes]:
    if facts.answer is not None:
        return ("data" if server.opaque or server.ccs else "hello"), b""
    if server.alerts:
        return "alert", b""
    if not server.heard:
        return "nothing", b""
    if server.records or (server.record[:1] and server.record[0] in (20, 21, 22, 23)):
        return "hello", b""
    plain = server.record[:_PLAIN] or server.preamble[:_PLAIN]
    return "other", plain


def _is_fatal(level: int, code: int, half: Half) -> bool:
    """A warning ends it where its sender did not go on (RFC 5246 section 7.2); close_notify and user_canceled never."""
    return level == 2 or (code not in PARTING and not half.went_on)


def _alerts(flow: Flow) -> list[SeenAlert]:
    """Those in clear, the client's first."""
    sides: tuple[tuple[Sender, Half], ...] = (("client", flow.client), ("server", flow.server))
    return [
        SeenAlert(name, code, _is_fatal(level, code, half) and not came_too_late(flow, half))
        for name, half in sides
        for level, code in half.alerts
        if code or level == 2
    ]


def _hidden(client: Half, server: Half) -> bool:
    """The capture cannot show whether the server answered: the client acknowledged bytes that are missing, or
    none of the server's packets are there, or two took the connection and neither's bytes can be told.
    """
    missed = client.acked > server.bytes + 1
    return client.heard and (missed or not server.packets_seen or bool(server.also_from))


def _worth_telling(flow: Flow, reached: Reached) -> bool:
    """Without a ClientHello: no answer, a refusal, a proxy's no, or clear text to a TLS server."""
    client, server = flow.client, flow.server
    if flow.opened != "syn-ack" and flow.syns:
        return not client.heard
    if reached == "alert":
        return True
    asked, answered = client.preamble or client.record, server.preamble or server.record
    return client.mode != IGNORE and asks_for_a_tunnel(asked, answered)


def _notes(flow: Flow, client: Half, server: Half) -> tuple[str, ...]:
    found: list[str] = []
    if not flow.opened:
        found.append("it began before the capture")
    for name, half in (("client", client), ("server", server)):
        if half.hole or half.peer.acked > half.bytes + 1:
            found.append(f"bytes of the {name} are missing")
    if not server.packets_seen and client.heard:
        found.append("only the client's packets were captured")
    if not client.packets_seen and server.heard:
        found.append("only the server's packets were captured")
    if server.also_from or server.moved:
        found.append("two SYN-ACKs with different sequence numbers came")
    if flow.evicted:
        found.append("given up early: too many connections at once")
    return tuple(found)


def _milliseconds(flow: Flow, client: Half, server: Half) -> dict[str, float]:
    """How long it took; nothing where the clock was set meanwhile."""
    marks: dict[str, tuple[float | None, float | None]] = {}
    if flow.opened == "syn-ack" and flow.syns:
        marks["connect"] = flow.first, flow.syn_ack_time
    marks["server-hello"] = client.started, server.started
    return {
        name: round((end - start) * 1000, 2)
        for name, (start, end) in marks.items()
        if start is not None and end is not None and 0 <= end - start < _LONGEST
    }
