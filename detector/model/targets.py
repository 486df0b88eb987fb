"""Targets as people write them: host, host:port, [v6]:port, URL. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from detector.errors import TargetError
from detector.model.applications import HTTP, SCHEMES
from detector.model.observation import Target

# Default ports of protocols that start in clear (RFC 8314 and the protocols' own documents).
STARTTLS_PORTS = {
    "smtp": 25,
    "imap": 143,
    "pop3": 110,
    "ftp": 21,
    "xmpp": 5222,
    "ldap": 389,
    "postgres": 5432,
    "mysql": 3306,
}
# Schemes of protocols that start in clear: the port, and the protocol.
_STARTTLS_SCHEMES = {
    **{name: (port, name) for name, port in STARTTLS_PORTS.items()},
    "postgresql": (5432, "postgres"),
}
_PATH = "/:@!$&'()*+,;=-._~%"  # RFC 3986 section 3.3; what is encoded already stays so
# Names as they mostly are, which need no normalising; an address ends in a digit or has a colon.
PLAIN_NAME = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
HTTPS_PORT = 443
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def parse_target(text: str, *, port: int = HTTPS_PORT, starttls: str | None = None) -> Target:
    """One target. `port` is used when `text` has none. Raises TargetError.

    IDNA 2008 names become A-labels, a trailing dot is dropped, IPv6 loses its brackets.
    """
    given = text.strip()
    if not given:
        raise TargetError(text, "is empty")
    rest, default, turned = given, STARTTLS_PORTS.get(starttls or "", port), starttls
    protocol = path = None
    if "://" in given:
        scheme, _, rest = given.partition("://")
        scheme = scheme.lower()
        if scheme in SCHEMES:
            protocol, default = SCHEMES[scheme]
        elif scheme in _STARTTLS_SCHEMES:
            default, implied = _STARTTLS_SCHEMES[scheme]
            turned = starttls or implied
        else:
            raise TargetError(text, f"scheme {scheme!r} has no TLS that can be checked")
        path = _path(rest) if protocol == HTTP else None
        rest = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    elif "@" in given:
        raise TargetError(text, "has a login, and nobody is asked with one")
    try:
        host, number = split_port(rest, text)
        name = normal_host(host)
    except TargetError:
        if "@" not in given:
            raise
        # What is read for the host may be part of a password that has a / in it.
        raise TargetError(text, "has a login, and no host that can be told from it") from None
    sni = None if _is_address(name) else name
    return Target(name, number or default, sni=sni, starttls=turned, protocol=protocol, path=path)


def _path(rest: str) -> str | None:
    """The path of what follows ://, fit for a request; None where it is the root."""
    found = re.search(r"/[^?#]*", rest.partition("?")[0].partition("#")[0])
    if found is None or found[0] == "/":
        return None
    return quote(found[0], safe=_PATH)


def normal_host(text: str) -> str:
    """A host name as lower-case A-labels without trailing dot, or a canonical IP literal.

    Raises TargetError.
    """
    if len(text) < 254 and PLAIN_NAME.fullmatch(text):
        return text
    host = text.strip().strip("[]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    host = host.lower().removesuffix(".")
    if not host.isascii():
        import idna

        try:
            host = idna.encode(host, uts46=True).decode()
        except (idna.IDNAError, UnicodeError) as error:
            raise TargetError(text, f"is no international name: {error}") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise TargetError(text, "is no host name")
    if re.fullmatch(r"[0-9.]+|0x[0-9a-f.x]+", host):
        raise TargetError(text, "is neither an IP address nor a host name")
    return host


def split_port(text: str, given: str = "") -> tuple[str, int | None]:
    """The host of host:port, [v6]:port or a bare host, and its port if it has one.

    Raises TargetError, which names `given`, of which the text is a part.
    """
    if text.startswith("["):
        host, bracket, tail = text[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise TargetError(given or text, "has a bracket without end")
        number = tail[1:]
    elif text.count(":") > 1:
        host, number = text, ""  # a bare IPv6 address
    else:
        host, _, number = text.partition(":")
    if not host:
        raise TargetError(given or text, "has no host")
    if not number:
        return host, None
    if not re.fullmatch(r"\d{1,5}", number, re.ASCII) or not 1 <= int(number) <= 65535:
        raise TargetError(given or text, f"port {number!r} is not between 1 and 65535")
    return host, int(number)


def socket_text(address: str, port: int) -> str:
    """address:port, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def host_text(target: Target) -> str:
    """The host, and the port where it is another than HTTPS'."""
    return target.host if target.port == HTTPS_PORT else socket_text(target.host, target.port)


def read_targets(lines: Iterable[str]) -> Iterator[str]:
    """Targets of a list, lazily: one a line, blank lines and # comments left out."""
    for line in lines:
        text = line.split("#", 1)[0].strip()
        if text:
            yield text


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
