"""Which way to a target: straight, or through which proxy. Pure: the environment is a value.

Rules of the variables follow curl's documentation: HTTPS_PROXY, then ALL_PROXY, lower case first;
NO_PROXY is a comma list of names (with everything below them), addresses, networks, or "*".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from detector.chain.names import is_below
from detector.errors import ConfigError
from detector.model.observation import Route
from detector.model.targets import normal_host

_PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy to dial through. Credentials stay out of repr, logs and observations."""

    kind: Literal["http-connect", "socks5"]
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    remote_dns: bool = True

    @property
    def route(self) -> Route:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return Route(self.kind, f"{host}:{self.port}")

    @property
    def url(self) -> str:
        """As it is written, without credentials."""
        kind = "http" if self.kind == "http-connect" else "socks5h" if self.remote_dns else "socks5"
        return f"{kind}://{self.route.proxy}"


def parse_proxy(url: str, where: str = "--proxy") -> Proxy:
    """http://[user:password@]host:port, socks5://, or socks5h:// (names resolved by the proxy).

    Raises ConfigError, without repeating a password.
    """
    text = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parts.hostname
    except ValueError:
        raise ConfigError(where, "is no proxy URL", remedy="write http://host:port") from None
    if parts.scheme not in _PORTS:
        remedy = "use http://, socks5:// or socks5h://"
        raise ConfigError(where, f"proxy scheme {parts.scheme!r} is not known", remedy=remedy)
    if not host:
        raise ConfigError(where, "has no host", remedy="write http://host:port")
    return Proxy(
        kind="http-connect" if parts.scheme == "http" else "socks5",
        host=normal_host(host),
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        remote_dns=parts.scheme != "socks5",
    )


@dataclass(frozen=True, slots=True)
class Routing:
    """Decides for each target. `proxy` None means straight."""

    proxy: Proxy | None = None
    exceptions: tuple[str, ...] = ()

    def proxy_for(self, host: str, port: int) -> Proxy | None:
        if self.proxy is None or any(_excepts(rule, host, port) for rule in self.exceptions):
            return None
        return self.proxy


def routing_from(
    flag: str | None, environment: Mapping[str, str], *, no_proxy: bool = False
) -> Routing:
    """The flag wins over the environment; with the flag NO_PROXY does not apply.

    Raises ConfigError for a proxy URL that cannot be understood.
    """
    if no_proxy:
        return Routing()
    if flag:
        return Routing(parse_proxy(flag))
    for name in ("TLSIGHT_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        value = environment.get(name)
        if value:
            rules = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
            exceptions = tuple(r.strip().lower() for r in rules.split(",") if r.strip())
            return Routing(parse_proxy(value, name), exceptions)
    return Routing()


def _excepts(rule: str, host: str, port: int) -> bool:
    if rule == "*":
        return True
    name, colon, number = rule.rpartition(":")
    if colon and number.isdigit() and (name.endswith("]") or ":" not in name):
        if int(number) != port:
            return False
        rule = name
    rule = rule.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        suffix = rule.removeprefix("*").lstrip(".").removesuffix(".")
        return bool(suffix) and is_below(host, suffix)
    try:
        return address in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False
