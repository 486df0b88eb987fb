"""A DNS server for names of the laboratory, on a loopback address. Needs dnspython (the extra `proxy`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import TracebackType
from typing import Self

# Records as a zone file has them: "192.0.2.1" is an A record, "2001:db8::1" an AAAA record, "CNAME other.test." and
# "HTTPS 1 . ech=..." are what they say; "silence" is no answer at all, "failure" is SERVFAIL.
Records = Mapping[str, Sequence[str]]

# What an answer needs, in part loaded by the library when the first one is made: whoever asks first would wait for it.
_LOADED = (
    "dns.message",
    "dns.rdtypes.ANY.CNAME",
    "dns.rdtypes.IN.A",
    "dns.rdtypes.IN.AAAA",
    "dns.rrset",
)


class NameServer:
    """`async with NameServer({"bank.test": ["127.0.0.1"]}) as names: names.at`; a name that is not there does not exist.

    Attributes:
        records: by name; may be changed while it runs.
        asked: every question, "bank.test A", in order.

    """

    def __init__(
        self, records: Records, *, life: int = 60, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.records = dict(records)
        self.life = life
        self.asked: list[str] = []
        self._address = (address, port)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    def here(cls, names: Iterable[str]) -> Self:
        """All of them at 127.0.0.1."""
        return cls(dict.fromkeys(names, ("127.0.0.1",)))

    async def __aenter__(self) -> Self:
        for name in _LOADED:
            import_module(name)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), local_addr=self._address
        )
        host, port = self._transport.get_extra_info("sockname")[:2]
        self._address = (host, port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            self._transport.close()

    @property
    def at(self) -> str:
        """ADDRESS:PORT."""
        return f"{self._address[0]}:{self._address[1]}"

    def answer(self, wire: bytes) -> bytes | None:
        """The answer to a question, None for silence."""
        import dns.flags
        import dns.message
        import dns.rcode
        import dns.rdataclass
        import dns.rdatatype
        import dns.rrset

        question = dns.message.from_wire(wire)
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.RA
        name, kind = question.question[0].name, question.question[0].rdtype
        text = name.to_text(omit_final_dot=True).lower()
        self.asked.append(f"{text} {dns.rdatatype.to_text(kind)}")
        if text not in self.records:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        for _ in range(8):  # CNAMEs
            records = self.records.get(name.to_text(omit_final_dot=True).lower(), ())
            if "silence" in records:
                return None
            if "failure" in records:
                reply.set_rcode(dns.rcode.SERVFAIL)
                break
            alias = next(
                (f"{one[6:].rstrip('.')}." for one in records if one.startswith("CNAME ")), None
            )
            shown = dns.rdatatype.CNAME if alias is not None else kind
            rows = [alias] if alias is not None else _of_kind(records, dns.rdatatype.to_text(kind))
            if rows:
                reply.answer.append(
                    dns.rrset.from_text_list(name, self.life, dns.rdataclass.IN, shown, rows)
                )
            if alias is None:
                break
            name = dns.name.from_text(alias)
        return reply.to_wire()


def _of_kind(records: Sequence[str], kind: str) -> list[str]:
    if kind in ("A", "AAAA"):
        return [one for one in records if " " not in one and (":" in one) == (kind == "AAAA")]
    return [one.partition(" ")[2] for one in records if one.startswith(f"{kind} ")]


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._server.answer(data)
        if reply is not None:
            self._transport.sendto(reply, addr)
