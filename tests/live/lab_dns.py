"""A DNS server for a world of names and addresses, over UDP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

TTL = 2


class LabDns(asyncio.DatagramProtocol):
    """`async with LabDns("10.0.0.53", {"bank.example": "10.0.0.1"})`; other names do not exist."""

    def __init__(self, address: str, hosts: Mapping[str, str], port: int = 53) -> None:
        self._at = (address, port)
        self.hosts = dict(hosts)
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=self._at)
        self._transport = transport
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        for question in query.question:
            name = question.name.to_text(omit_final_dot=True).lower()
            self.asked.append(name)
            address = self.hosts.get(name)
            if address is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
                continue
            kind = dns.rdatatype.AAAA if ":" in address else dns.rdatatype.A
            if question.rdtype == kind:
                answer.answer.append(
                    dns.rrset.from_text(question.name, TTL, question.rdclass, kind, address)
                )
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), addr)
