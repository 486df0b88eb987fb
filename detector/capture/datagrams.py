"""Connections over UDP: QUIC and DTLS, found by how their first datagram looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from detector.capture.dtls import DtlsReader, may_be_dtls
from detector.capture.quic import QuicReader, may_be_quic
from detector.capture.surroundings import Surroundings
from detector.errors import WireError

_IDLE = 60.0
DNS = (53).to_bytes(2)  # the port that answers come from


class DatagramFlow:
    """One connection over UDP; the client is who sent the first hello."""

    __slots__ = (
        "bytes", "client", "evicted", "first", "key", "kind", "last", "number", "packets", "quic",
        "server", "server_started", "silent_at",
    )  # fmt: skip

    def __init__(
        self, key: bytes, kind: str, time: float, number: int = 0,
        keys_wanted: Callable[[bytes], bool] | None = None,
    ) -> None:  # fmt: skip
        self.key = key
        self.number = number
        self.kind = kind
        self.first = self.last = time
        self.server_started: float | None = None
        self.packets = 0
        self.silent_at = 0
        self.bytes = [0, 0]
        self.evicted = False
        self.quic = QuicReader(keys_wanted)
        self.client = DtlsReader()
        self.server = DtlsReader()

    def take(self, time: float, datagram: bytes, *, from_client: bool) -> None:
        self.last = time
        self.packets += 1
        self.bytes[not from_client] += len(datagram)
        if not from_client and self.server_started is None:
            self.server_started = time
        if self.kind == "quic":
            self.quic.feed("client" if from_client else "server", datagram)
            return
        side = self.client if from_client else self.server
        try:
            side.feed(datagram)
        except WireError as error:
            side.error = error.message


class Datagrams:
    """The table of them, at most `limit`.

    Attributes:
        surroundings: what the capture as a whole shows; filled here.

    """

    def __init__(self, limit: int, keys_wanted: Callable[[bytes], bool] | None = None) -> None:
        self.limit = max(limit, 16)
        self.surroundings = Surroundings()
        self._keys_wanted = keys_wanted
        self.evicted = 0
        self._flows: dict[bytes, tuple[DatagramFlow, bool]] = {}

    def take(
        self, time: float, key: bytes, datagram: bytes, number: int = 0
    ) -> Iterator[DatagramFlow]:
        """The datagram with that place in the file; gives what had to leave."""
        found = self._flows.get(key)
        if found is None:
            kind = "quic" if may_be_quic(datagram) else "dtls" if may_be_dtls(datagram) else ""
            if not kind:
                if key[-4:-2] == DNS:
                    self.surroundings.two_sided = True
                    self.surroundings.outer_names.learn(datagram)
                return
            if len(self._flows) >= 2 * self.limit:
                yield from self._evict()
            flow = DatagramFlow(key, kind, time, number, self._keys_wanted)
            self._flows[key] = found = flow, True
            self._flows[turned(key)] = flow, False
        flow, from_client = found
        if not from_client:
            self.surroundings.two_sided = True
        flow.take(time, datagram, from_client=from_client)

    def sweep(self, time: float) -> Iterator[DatagramFlow]:
        """Flows that were silent at two sweeps in a row: a clock that is set makes all look silent once."""
        silent = [f for f in self._each() if abs(time - f.last) > _IDLE]
        gone = [f for f in silent if f.silent_at == f.packets]
        for flow in silent:
            flow.silent_at = flow.packets
        yield from self._leave(gone)

    def all(self) -> Iterator[DatagramFlow]:
        yield from self._leave(self._each())

    def _each(self) -> list[DatagramFlow]:
        return [flow for flow, from_client in self._flows.values() if from_client]

    def _evict(self) -> Iterator[DatagramFlow]:
        quiet = sorted(self._each(), key=lambda flow: flow.last)[: max(1, self.limit // 4)]
        for flow in quiet:
            flow.evicted = True
        self.evicted += len(quiet)
        yield from self._leave(quiet)

    def _leave(self, flows: list[DatagramFlow]) -> Iterator[DatagramFlow]:
        for flow in flows:
            self._flows.pop(flow.key, None)
            self._flows.pop(turned(flow.key), None)
            yield flow


def turned(key: bytes) -> bytes:
    """The same connection, seen from the other end."""
    size = (len(key) - 4) // 2
    return key[size : 2 * size] + key[:size] + key[-2:] + key[-4:-2]
