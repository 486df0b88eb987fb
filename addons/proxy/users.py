"""Who logged in to the proxy, where that tells one person from another."""

from __future__ import annotations

from mitmproxy import connection, ctx

from addons.bypass.clients import user_name

# With "any" a client makes up its user, and "name:password" is the same for everybody (mitmproxy's proxyauth).
_OF_PERSONS = ("@", "ldap:", "ldaps:")


def are_told_apart() -> bool:
    """Whether who logs in is a person of his own."""
    return (ctx.options.proxyauth or "").startswith(_OF_PERSONS)


def logged_in(client: connection.Client) -> str | None:
    """The user of a connection to the proxy, by CONNECT or SOCKS; None for nobody in particular."""
    if not are_told_apart():
        return None
    known = ctx.master.addons.get("proxyauth")  # type: ignore[no-untyped-call]
    found = known.authenticated.get(client) if known is not None else None
    return user_name(found[0]) if found is not None else None
