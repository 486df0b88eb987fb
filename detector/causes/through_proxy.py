"""Who acts when the way through a proxy fails, and what mends it: one row a fault.

Theory of operation
-------------------
Behind a proxy three parties can be at fault, and what was dialled is only one of them: the proxy itself (it is
down, or its name is wrong), the server as the proxy tells (it refuses, its name does not resolve there), and
whoever asks (no login, the wrong kind of proxy). The probe names the fault; this table says which cause that
is, whose it is, and what to do. {proxy}, {named}, {host} and {port} are filled in: the proxy's address, the option
or variable that names it, and the server that was asked for.
"""

from __future__ import annotations

import msgspec

from detector.causes.clues import Claim, Clues
from detector.errors import ProxyFault
from detector.model.observation import Failure, Observation, Party


class Act(msgspec.Struct, frozen=True):
    """What a fault amounts to: a cause, who acts, and how."""

    cause: str
    party: Party
    fix: str


ACTS: dict[ProxyFault, Act] = {
    "down": Act(
        "connection-refused",
        "network",
        "Start the proxy at {proxy}, or name the right one in {named}.",
    ),
    "lost": Act(
        "dns-failure",
        "network",
        "Correct the proxy's name in {named}, or the resolver's answer for it.",
    ),
    "away": Act(
        "connection-timeout",
        "network",
        "Bring the proxy at {proxy} up, let TCP to it through, or name the right one in {named}.",
    ),
    "cut": Act(
        "connection-reset",
        "network",
        "Ask who runs the proxy at {proxy} whether it lets this client in; check its port in {named}.",
    ),
    "hangs": Act(
        "connection-timeout",
        "network",
        "Wait longer for the proxy's own answer (--timeout 60), and look into the log of {proxy}: it may be"
        " waiting for the server or for its resolver. If it is no proxy of that kind, mend {named}.",
    ),
    "certificate": Act(
        "proxy-certificate",
        "network",
        "Have the proxy's certificate mended by who runs {proxy}, or have its CA trusted on this machine"
        " (--roots for one run).",
    ),
    "tls": Act(
        "proxy-refused",
        "network",
        "Ask who runs the proxy at {proxy}: its own TLS fails, before any server is asked.",
    ),
    "refused": Act(
        "connection-refused",
        "server",
        "Start the server, or open port {port} to the proxy: it was the proxy that found it closed.",
    ),
    "name": Act(
        "dns-failure",
        "network",
        "Correct the name, or the answer of the resolver that the proxy at {proxy} asks.",
    ),
    "silence": Act(
        "connection-timeout",
        "network",
        "Let TCP from the proxy to {host} port {port} through, or bring the host up.",
    ),
    "unreachable": Act(
        "connection-timeout", "network", "Give the proxy at {proxy} a way to {host}, or go past it."
    ),
    "failed": Act(
        "bad-gateway",
        "network",
        "Look into the log of the proxy at {proxy}: whether the name, the way or the server failed is known"
        " there alone.",
    ),
    "overloaded": Act(
        "bad-gateway",
        "network",
        "Try again later; tell who runs the proxy at {proxy} that it is short.",
    ),
    "policy": Act(
        "proxy-refused", "network", "Allow {host} on the proxy at {proxy}, or go past it."
    ),
    "port": Act(
        "proxy-refused",
        "network",
        "Allow CONNECT to port {port} on the proxy at {proxy}; many allow 443 alone.",
    ),
    "address-kind": Act(
        "proxy-refused",
        "client",
        "Have the name resolved at the other end: socks5h:// instead of socks5://, or the other way about,"
        " in {named}.",
    ),
    "portal": Act("captive-portal", "client", "Open that page in a browser, and log in."),
    "login": Act(
        "proxy-auth-required", "client", "Put user:password@ before the proxy's name in {named}."
    ),
    "wrong-login": Act(
        "proxy-auth-required", "client", "Correct the user or the password in {named}."
    ),
    "other-login": Act(
        "proxy-auth-required",
        "client",
        "A password in {named} does not help there. Run a local proxy that logs in, such as px or cntlm, and"
        " name that one; Negotiate needs a Kerberos ticket (kinit).",
    ),
    "scheme": Act("proxy-refused", "client", "Correct the proxy's scheme or port in {named}."),
    "pac": Act(
        "proxy-refused",
        "network",
        "Ask who keeps that PAC file; until then name a proxy with --proxy, or none with --no-proxy.",
    ),
    "no-proxy": Act(
        "proxy-refused",
        "client",
        "Name a proxy in {named}: what listens at {proxy} opens no tunnels.",
    ),
}

# Observations that were saved without a fault tell it by the cause.
_UNNAMED: dict[str, ProxyFault] = {
    "connection-refused": "down",
    "dns-failure": "lost",
    "connection-timeout": "away",
    "connection-reset": "cut",
}


def advice(seen: Observation) -> tuple[Party, str] | None:
    """Who acts and how, where an observation failed by its proxy or by what that told; None where it did not."""
    fault = _fault(seen.failure)
    if fault is None:
        return None
    act = ACTS[fault]
    named = seen.route.named_by or "HTTPS_PROXY or --proxy"
    words = {
        "proxy": seen.route.proxy,
        "named": named,
        "host": seen.target.host,
        "port": seen.target.port,
    }
    return act.party, act.fix.format_map(words)


def claim(clues: Clues, cause: str) -> Claim | None:
    """A cause that the proxy is at fault for, or tells of; None where it is another one, or none."""
    found = advice(clues.observation)
    text = clues.failed_with(cause)
    if found is None or text is None:
        return None
    party, fix = found
    failure = clues.failure
    assert failure is not None
    reached = failure.step == "proxy"
    sure = "" if reached else f"curl -v telnet://{clues.observation.route.proxy}"
    # What the proxy tells of the server is seen by asking the proxy.
    shown_by = "proxy-refused" if reached and clues.known.causes[cause].step != "proxy" else ""
    return Claim("error", text, clues.past_the_proxy, party, fix, sure, shown_by)


def _fault(failure: Failure | None) -> ProxyFault | None:
    if failure is None:
        return None
    if failure.proxy is not None:
        return failure.proxy.fault
    if failure.dialled == "proxy" and failure.step in ("dns", "tcp"):
        return _UNNAMED.get(failure.cause)
    return None
