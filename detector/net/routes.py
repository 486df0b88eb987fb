"""Which way to a target: straight, or through which proxy. Pure: the environment is a value.

Rules of the variables follow curl's documentation: HTTPS_PROXY, then ALL_PROXY, lower case first;
NO_PROXY is a comma list of names (with everything below them), addresses, networks, or "*". Then comes
AUTO_PROXY, as Chromium has it: where a PAC file is. What such a file answers may name several ways, to be tried in
order; who runs it is a `Chooser`, made at the edge (`detector.net.pac`).
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote, unquote, urlsplit

from detector.chain.names import is_below
from detector.errors import ConfigError, TargetError
from detector.model.observation import Route
from detector.model.targets import normal_host

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_VARIABLES = ("TLSIGHT_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_PAC_VARIABLES = ("auto_proxy", "AUTO_PROXY")
PAC = "pac+"
# What a PAC file calls kinds of proxies. SOCKS is 4 or 5 to browsers; 5 is what is spoken here.
_PAC_KINDS = {
    "PROXY": "http",
    "HTTP": "http",
    "HTTPS": "https",
    "SOCKS": "socks5h",
    "SOCKS5": "socks5h",
}
_MAX_WAYS = 8


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy to dial through. Credentials stay out of repr, logs and observations.

    Attributes:
        tls: TLS is spoken to the proxy itself, which is verified.
        named_by: the option, variable or PAC file that names it.
        trust: PEM file of roots that are trusted for the proxy's certificate beside the system's.

    """

    kind: Literal["http-connect", "socks5"]
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    remote_dns: bool = True
    tls: bool = False
    named_by: str = field(default="", compare=False)
    trust: Path | None = None

    @property
    def route(self) -> Route:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return Route(self.kind, f"{host}:{self.port}", self.tls, self.named_by)

    @property
    def url_with_user(self) -> str:
        """As it is written, without the password."""
        if self.user is None and self.password is None:
            return self.url
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{quote(self.user or '', safe='')}@{rest}"

    @property
    def url(self) -> str:
        """As it is written, without credentials."""
        if self.kind == "http-connect":
            kind = "https" if self.tls else "http"
        else:
            kind = "socks5h" if self.remote_dns else "socks5"
        return f"{kind}://{self.route.proxy}"


class Chooser(Protocol):
    """Whoever is asked for the ways to each target: a PAC file."""

    def ways(self, host: str, port: int) -> tuple[Proxy | None, ...]:
        """Proxies to try in order, None being the straight way; at least one. Blocks.

        Raises ProxyError where there is no answer.
        """
        ...

    def failed(self, proxy: Proxy) -> None:
        """It could not be used: others come before it from now on."""
        ...


def parse_proxy(url: str, where: str = "--proxy", trust: Path | None = None) -> Proxy:
    """http://[user:password@]host:port, https://, socks5://, or socks5h:// (names resolved by the proxy).

    Raises ConfigError, without repeating a password.
    """
    text = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        port = parts.port
        host = normal_host(parts.hostname) if parts.hostname else None
    except (ValueError, TargetError):
        raise ConfigError(where, "is no proxy URL", remedy="write http://host:port") from None
    if parts.scheme not in _PORTS:
        remedy = "use http://, https://, socks5:// or socks5h://"
        if parts.scheme in ("socks4", "socks4a"):
            raise ConfigError(where, "SOCKS4 is not spoken", remedy=remedy)
        if parts.scheme.startswith(PAC):
            raise ConfigError(where, "a PAC file is no proxy", remedy=remedy)
        raise ConfigError(where, f"proxy scheme {parts.scheme!r} is not known", remedy=remedy)
    if not host:
        raise ConfigError(where, "has no host", remedy="write http://host:port")
    http = parts.scheme in ("http", "https")
    return Proxy(
        kind="http-connect" if http else "socks5",
        host=host,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        remote_dns=parts.scheme != "socks5",
        tls=parts.scheme == "https",
        named_by=where,
        trust=trust,
    )


def parse_pac_answer(
    answer: str, where: str, trust: Path | None = None
) -> tuple[tuple[Proxy | None, ...], tuple[str, ...]]:
    """What FindProxyForURL returned, as ways in order, and the kinds of those that cannot be gone.

    "PROXY a:3128; HTTPS b:443; DIRECT"; an empty answer is DIRECT, as browsers have it.
    """
    ways: list[Proxy | None] = []
    unknown: list[str] = []
    entries = [entry.split() for entry in answer[:4000].split(";") if entry.strip()]
    for entry in entries[:_MAX_WAYS]:
        kind = entry[0].upper()
        if kind == "DIRECT":
            ways.append(None)
            continue
        scheme = _PAC_KINDS.get(kind)
        try:
            if scheme is None or len(entry) != 2:
                raise ConfigError(where, "is no way")
            ways.append(parse_proxy(f"{scheme}://{entry[1]}", where, trust))
        except ConfigError:
            unknown.append("".join(c for c in kind[:20] if c.isprintable()))
    if not entries:
        ways.append(None)
    return tuple(dict.fromkeys(ways)), tuple(dict.fromkeys(unknown))


@dataclass(frozen=True, slots=True)
class Routing:
    """Decides for each target. `proxy` None means straight, unless a PAC file is asked."""

    proxy: Proxy | None = None
    exceptions: tuple[str, ...] = ()
    pac: Chooser | None = None

    def ways(self, host: str, port: int) -> tuple[Proxy | None, ...]:
        """The ways to try, in order; None is the straight one. Asking a PAC file blocks.

        Raises ProxyError where a PAC file gives no answer.
        """
        if any(_excepts(rule, host, port) for rule in self.exceptions):
            return (None,)
        return (self.proxy,) if self.pac is None else self.pac.ways(host, port)

    async def choose(self, host: str, port: int) -> tuple[Proxy | None, ...]:
        """As `ways`, while others go on."""
        if self.pac is None:
            return self.ways(host, port)
        return await asyncio.to_thread(self.ways, host, port)

    def proxy_for(self, host: str, port: int) -> Proxy | None:
        """The first of the ways."""
        return self.ways(host, port)[0]


OpenPac = Callable[[str, str], Chooser]


def routing_from(
    flag: str | None,
    environment: Mapping[str, str],
    *,
    no_proxy: bool = False,
    trust: Path | None = None,
    open_pac: OpenPac | None = None,
    named_by: str = "--proxy",
) -> Routing:
    """The flag wins over the environment; with the flag NO_PROXY does not apply.

    Args:
        flag: a proxy's URL, or a PAC file's with pac+ in front: pac+file:///..., pac+https://...
        environment: the variables.
        no_proxy: go straight, whatever they say.
        trust: PEM file of roots for the certificates of https:// proxies, beside the system's.
        open_pac: opens the PAC file of a URL, for the variable that names it; None knows none.
        named_by: what gives the flag: the option itself, or a setting.

    Raises ConfigError for a proxy URL that cannot be understood, and what `open_pac` raises.

    """

    def way(value: str, where: str, exceptions: tuple[str, ...] = ()) -> Routing:
        if not value.lower().startswith(PAC):
            return Routing(parse_proxy(value, where, trust), exceptions)
        if open_pac is None:
            raise ConfigError(where, "a PAC file cannot be asked here", remedy="name a proxy")
        return Routing(None, exceptions, open_pac(value[len(PAC) :], where))

    if no_proxy:
        return Routing()
    if flag:
        return way(flag, named_by)
    rules = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    exceptions = tuple(r.strip().lower() for r in rules.split(",") if r.strip())
    for name in _VARIABLES:
        if value := environment.get(name):
            return way(value, name, exceptions)
    for name in _PAC_VARIABLES:
        if (value := environment.get(name)) and open_pac is not None:
            return way(value if value.lower().startswith(PAC) else PAC + value, name, exceptions)
    return Routing()


def _excepts(rule: str, host: str, port: int) -> bool:
    if rule == "*":
        return True
    name, colon, number = rule.rpartition(":")
    if colon and number.isdecimal() and (name.endswith("]") or ":" not in name):
        if int(number[:6]) != port:
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
