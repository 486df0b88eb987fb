"""Certificates that are costly to read or to build a path from."""

from __future__ import annotations

import asyncio

from cryptography.hazmat.primitives.asymmetric import ec

from detector.lab.pki import encoded
from tests.hostile import minting as m
from tests.hostile import tls13
from tests.hostile.peers.peer import HOST, Peer, World

Chain = tuple[bytes, ...]


def peers(world: World) -> list[Peer]:
    return [_peer(world, name, chain) for name, chain in chains(world).items()]


def chains(world: World) -> dict[str, Chain]:
    """By name, leaf first. The leaf's key is the world's, where it is one that can sign."""
    ca = world.pki.intermediate
    above = (ca.der,)
    spki = m.public_key(world.key)
    host = m.name(HOST.encode())
    san = m.dns_names(HOST.encode())

    def leaf(*extensions: bytes, key: bytes = spki, subject: bytes = host) -> bytes:
        return m.minted_by(ca, subject, key, [san, *extensions])

    def many(count: int) -> bytes:
        names = (b"n%05d.example.org" % n for n in range(count))
        return m.minted_by(ca, host, spki, [m.dns_names(HOST.encode(), *names)])

    nested = b"\x05\0"
    for _ in range(8000):
        nested = encoded(m.SEQUENCE, nested)
    general = encoded(0xA4, encoded(m.SEQUENCE, nested))
    points = encoded(m.SEQUENCE, encoded(0xA0, nested)) * 2
    twenty = (1 << 20_000) + 1
    return {
        "huge-certificate": (leaf(m.extension("2a0304", bytes(200_000))), *above),
        "names-3000": (many(3000), *above),
        "names-10000": (many(10_000), *above),
        "deep-der": (leaf(m.extension("551d12", encoded(m.SEQUENCE, general))), *above),
        "deep-points": (leaf(m.extension("551d1f", encoded(m.SEQUENCE, points))), *above),
        "rsa-16384": (leaf(key=m.rsa_key((1 << 16_383) + 1, 65537)), *above),
        "rsa-20000-huge-e": (leaf(key=m.rsa_key(twenty, twenty - 2)), *above),
        "rsa-issuer-huge-e": _under_rsa(m.rsa_key((1 << 16_383) + 1, (1 << 16_382) + 1), host, spki, san),
        "rsa-issuer-200000": _under_rsa(m.rsa_key((1 << 200_000) + 1, 3), host, spki, san),
        "chain-1000": _long(world, 1000, host, spki, san),
        "chain-100": _long(world, 100, host, spki, san),
        "cross-signs": _woven(6, 4, host, spki, san),
        "cycle": _cycle(host, spki, san),
        "same-leaf-1000": (world.credential.der,) * 1000,
        "thousand-extensions-leaf": (leaf(*(m.extension(f"2a03{n % 128:02x}{n // 128:02x}", b"\x05\0") for n in range(4000))), *above),
    }  # fmt: skip


def _peer(world: World, name: str, chain: Chain) -> Peer:
    message = tls13.certificates13(chain)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await tls13.taken(reader, writer)
        writer.write(server.hello + server.flight(message, world.key))
        await writer.drain()
        await reader.read()

    return Peer(name, "tls", serve)


def _under_rsa(issuer_key: bytes, host: bytes, spki: bytes, san: bytes) -> Chain:
    issuer = m.name(b"A CA with a key of its own kind")
    return (
        m.mint(host, spki, issuer, None, [san]),
        m.mint(issuer, issuer_key, issuer, None, [m.is_ca()]),
    )


def _long(world: World, count: int, host: bytes, spki: bytes, san: bytes) -> Chain:
    """Each signs the one before; the last is the lab's public CA."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    names = [m.name(b"CA %d" % n) for n in range(count)]
    found = [m.mint(host, spki, names[0], keys[0], [san])]
    for n in range(count - 2):
        below, key = m.public_key(keys[n % 8]), keys[(n + 1) % 8]
        found.append(m.mint(names[n], below, names[n + 1], key, [m.is_ca()]))
    last = m.public_key(keys[(count - 2) % 8])
    found.append(m.minted_by(world.pki.intermediate, names[count - 2], last, [m.is_ca()]))
    return (*found, world.pki.intermediate.der)


def _woven(layers: int, width: int, host: bytes, spki: bytes, san: bytes) -> Chain:
    """Every key of a layer is certified by every key of the next, so paths are width ** layers."""
    keys = [[ec.generate_private_key(ec.SECP256R1()) for _ in range(width)] for _ in range(layers)]
    names = [m.name(b"Layer %d" % n) for n in range(layers)]
    found = [m.mint(host, spki, names[0], keys[0][0], [san])]
    for n in range(layers - 1):
        found += [
            m.mint(names[n], m.public_key(low), names[n + 1], high, [m.is_ca()])
            for low in keys[n]
            for high in keys[n + 1]
        ]
    return tuple(found)


def _cycle(host: bytes, spki: bytes, san: bytes) -> Chain:
    one, two = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    first, second = m.name(b"One"), m.name(b"Two")
    return (
        m.mint(host, spki, first, one, [san]),
        m.mint(first, m.public_key(one), second, two, [m.is_ca()]),
        m.mint(second, m.public_key(two), first, one, [m.is_ca()]),
    )
