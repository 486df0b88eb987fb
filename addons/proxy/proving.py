"""A handshake of the proxy's own with a server that is to prove its name, verified as mitmproxy would verify it."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

import certifi
from mitmproxy import ctx

from detector.errors import TlsightError
from detector.net.own_name import NameProof, prove_name
from detector.net.routes import Proxy, parse_proxy
from detector.net.verifying import verifying_context


async def prove(name: str, address: str, port: int) -> NameProof:
    """Whether the server at an address, or at a name through the proxy upstream, proves `name`. Never raises."""
    trust = ctx.options.ssl_verify_upstream_trusted_ca
    try:
        context = _context(trust or certifi.where())
        return await prove_name(name, address, port, context, proxy=upstream())
    except TlsightError as error:
        return NameProof("unknown", why=str(error))


@lru_cache(maxsize=4)
def _context(roots: str) -> ssl.SSLContext:
    return verifying_context(Path(roots).expanduser())


def upstream() -> Proxy | None:
    """The proxy that mitmproxy itself goes through; the first of its modes that has one."""
    for mode in ctx.options.mode:
        kind, _, where = mode.partition(":")
        if kind == "upstream":
            user = f"{ctx.options.upstream_auth}@" if ctx.options.upstream_auth else ""
            scheme, _, rest = where.rpartition("://")
            return parse_proxy(f"{scheme or 'http'}://{user}{rest}", "upstream")
    return None
