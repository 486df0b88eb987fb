"""Does a bypass bypass? What a host shows through a proxy, held against what it shows past it.

Rules
-----
1. A proxy that passes shows the server's own leaf; one that decrypts cannot, for it lacks the key. One leaf key by
   both ways, each with a completed handshake, is proof that nothing between the ways decrypts. It says nothing of
   what both ways share: where the judge suspects the chain, that is told.
2. Different leaf keys are no proof of the contrary: hosts behind a CDN have several. A chain that the judge proves
   genuine (public, logged, the peer holds the key) passes whatever the other way shows.
3. Whoever decrypts is named by the judge, by the CA that is known to be the proxy's, or by a maker that the other
   way does not show.
4. One interceptor by both ways stands behind the proxy, or beside it: this bypass passes, and another gateway
   decrypts. Where the proxy's CA is known and another key signed, it is the same. A gateway that is asked as a proxy
   and stands in the way as well looks like that without its CA.
5. What is neither is "cannot tell", with the reason. No failure passes.
6. Without another way (no proxy to go past, or no way past it) the judge decides alone: what it proves passes, whom
   it convicts decrypts, the rest cannot be told.

Theory of operation
-------------------
`TABLE` is read from the top; the first row that holds decides. Each row is a reason; its text is made from the two
ways, and so is the record: `Proof` is what `bypass prove --json` prints, an object a line.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from addons.bypass.way import Way

State = Literal["passes", "decrypted", "other-gateway", "cannot-tell"]
Reason = Literal[
    "same-key", "proven",
    "proxys-ca", "judged", "other-maker",
    "same-signer", "not-the-proxys-ca",
    "proxy-trouble", "proxy-login", "blocked", "unreachable", "unfinished", "no-handshake",
    "several-keys", "unproven", "unprovable",
    "same-hello", "other-hello", "changed-hello", "no-echo",
]  # fmt: skip
Schema = Literal["tlsight.bypass-proof/1"]
SCHEMA: Schema = "tlsight.bypass-proof/1"
_ACCESS_DENIED = 49
_LOGIN = frozenset(("login", "wrong-login", "other-login"))
_POLICY = frozenset(("policy", "port", "portal"))
# Faults in which the proxy speaks of the server; all others are its own.
OF_SERVER = frozenset(("refused", "name", "silence", "unreachable", "failed"))


class Same(msgspec.Struct, frozen=True):
    """Which traits both ways share; None where one way does not show it.

    Attributes:
        scts: the same logs vouch for the leaf.
        ja3s: the ServerHellos look alike. Servers of one name may differ in it: it decides nothing.

    """

    leaf_key: bool | None
    chain: bool | None
    scts: bool | None
    ja3s: bool | None


class Proof(msgspec.Struct, frozen=True):
    """One host's answer, and the JSON contract of `bypass prove`; fields may be added.

    Attributes:
        schema: fixed.
        at: aware UTC time.
        host: None for a rule that names no host that could be asked.
        rule: the pattern that the host was taken from, None where the user named it.
        by: who decrypts, in words; None where nobody is known to.
        through: what the host shows by the way that its clients take; None where nobody was asked.
        direct: what it shows past the proxy; None where there is no such way.

    """

    schema: Schema
    at: datetime
    host: str | None
    port: int
    rule: str | None
    state: State
    reason: Reason
    text: str
    by: str | None
    same: Same
    through: Way | None = None
    direct: Way | None = None


class Case(msgspec.Struct, frozen=True):
    """What the table asks about."""

    through: Way
    direct: Way | None

    @property
    def other(self) -> Way | None:
        """The other way, where it says anything: a handshake with a leaf."""
        direct = self.direct
        return direct if direct is not None and direct.completed and direct.leaf else None

    @property
    def same_key(self) -> bool:
        return self.other is not None and self.through.leaf == self.other.leaf

    @property
    def intercepted(self) -> bool:
        return self.through.verdict == "intercepted"

    @property
    def same_interceptor(self) -> bool:
        other = self.other
        if other is None or other.verdict != "intercepted":
            return False
        if self.same_key:
            return True
        return other.signer is not None and other.signer == self.through.signer

    @property
    def fault(self) -> str | None:
        return self.through.trouble.fault if self.through.trouble is not None else None

    @property
    def blocked(self) -> bool:
        """Turned away by policy: in the proxy's words, or by an alert that the server does not send."""
        alert = self.through.trouble.alert if self.through.trouble is not None else None
        its_own = self.direct is not None and self.direct.trouble is not None
        return self.fault in _POLICY or (alert == _ACCESS_DENIED and not its_own)

    @property
    def who(self) -> str:
        return name_of(self.through)


def name_of(way: Way) -> str:
    """Who made a chain: what the judge recognised, and whom the leaf names, where that says more."""
    if way.maker is None:
        return way.issuer or "somebody who shows no name"
    if not way.issuer or way.maker.lower() in way.issuer.lower():
        return way.maker
    return f"{way.maker} ({way.issuer})"


class Row(msgspec.Struct, frozen=True):
    """A reason, what follows from it, when it holds, and how it is told."""

    reason: Reason
    state: State
    holds: Callable[[Case], bool]
    text: Callable[[Case], str]


TABLE: tuple[Row, ...] = (
    Row(
        "proxys-ca",
        "decrypted",
        lambda c: c.through.of_ca is True,
        lambda c: f"still decrypted by {c.who}: the leaf is signed with the proxy's own CA",
    ),
    Row(
        "not-the-proxys-ca",
        "other-gateway",
        lambda c: c.intercepted and c.through.of_ca is False,
        lambda c: f"passes, but another gateway decrypts: {c.who}, whose key is not the proxy's CA",
    ),
    Row(
        "same-signer",
        "other-gateway",
        lambda c: c.intercepted and c.same_interceptor,
        lambda c: (
            f"passes, but another gateway decrypts: {c.who}, which stands in the way past the proxy too"
        ),
    ),
    Row(
        "judged",
        "decrypted",
        lambda c: c.intercepted,
        lambda c: f"still decrypted by {c.who}{_beside(c)}",
    ),
    Row(
        "same-key",
        "passes",
        lambda c: c.through.completed and c.same_key,
        lambda c: f"passes: the server's own key, as past the proxy{_doubt(c)}",
    ),
    Row(
        "proven",
        "passes",
        lambda c: c.through.completed and c.through.verdict == "direct",
        lambda c: f"passes: the chain proves itself{_differing(c)}",
    ),
    Row(
        "other-maker",
        "decrypted",
        lambda c: (
            c.through.maker is not None and c.other is not None and c.other.maker != c.through.maker
        ),
        lambda c: f"still decrypted by {c.who}: past the proxy the host shows another chain",
    ),
    Row(
        "proxy-login",
        "cannot-tell",
        lambda c: c.fault in _LOGIN,
        lambda c: f"cannot tell: {_why(c.through)}",
    ),
    Row(
        "blocked",
        "cannot-tell",
        lambda c: c.blocked,
        lambda c: f"cannot tell: blocked by policy ({_why(c.through)})",
    ),
    Row(
        "proxy-trouble",
        "cannot-tell",
        lambda c: c.fault is not None and c.fault not in OF_SERVER,
        lambda c: f"cannot tell: the proxy cannot be used ({_why(c.through)})",
    ),
    Row(
        "unfinished",
        "cannot-tell",
        lambda c: (
            not c.through.completed
            and c.through.leaf is not None
            and c.direct is not None
            and c.direct.leaf == c.through.leaf
        ),
        lambda c: (
            "cannot tell: the same certificate by both ways, and the handshake is broken off before its key"
            f" is shown ({_why(c.through)})"
        ),
    ),
    Row(
        "unreachable",
        "cannot-tell",
        lambda c: not c.through.completed and (c.direct is None or not c.direct.completed),
        lambda c: f"cannot tell: no handshake{_by_either(c)} ({_why(c.through)})",
    ),
    Row(
        "no-handshake",
        "cannot-tell",
        lambda c: not c.through.completed,
        lambda c: f"cannot tell: no handshake through the proxy, and one past it ({_why(c.through)})",
    ),
    Row(
        "several-keys",
        "cannot-tell",
        lambda c: c.other is not None,
        lambda c: (
            "cannot tell: another key than past the proxy, and nothing proves it genuine or forged"
            f" ({c.through.summary})"
        ),
    ),
    Row(
        "unproven",
        "cannot-tell",
        lambda _: True,
        lambda c: f"cannot tell: there is no other way to compare with ({c.through.summary})",
    ),
)  # fmt: skip


def proof(
    at: datetime, host: str, port: int, rule: str | None, through: Way, direct: Way | None
) -> Proof:
    """What two ways say of a bypass. Pure: the same ways give the same answer."""
    case = Case(through, direct)
    row = next(row for row in TABLE if row.holds(case))
    return Proof(
        schema=SCHEMA,
        at=at,
        host=host,
        port=port,
        rule=rule,
        state=row.state,
        reason=row.reason,
        text=row.text(case),
        by=case.who if row.state in ("decrypted", "other-gateway") else None,
        same=_same(through, direct),
        through=through,
        direct=direct,
    )


def unprovable(at: datetime, port: int, rule: str, why: str) -> Proof:
    """A rule of which nobody can be asked."""
    nothing = Same(None, None, None, None)
    text = f"cannot tell: {why}"
    return Proof(
        SCHEMA, at, None, port, rule, "cannot-tell", "unprovable", text, None, nothing
    )  # fmt: skip


def _same(through: Way, direct: Way | None) -> Same:
    if direct is None or through.leaf is None or direct.leaf is None:
        return Same(None, None, None, None)
    hellos = through.ja3s, direct.ja3s
    return Same(
        leaf_key=through.leaf == direct.leaf,
        chain=through.chain == direct.chain,
        scts=through.scts == direct.scts,
        ja3s=None if None in hellos else hellos[0] == hellos[1],
    )


def _why(way: Way) -> str:
    return way.trouble.text if way.trouble is not None else way.summary


def _doubt(case: Case) -> str:
    """One key by both ways clears the proxy, and not what may stand behind both."""
    if case.through.verdict != "suspect":
        return ""
    return f"; whether another gateway decrypts cannot be told ({case.through.summary})"


def _beside(case: Case) -> str:
    other = case.other
    if other is not None and other.verdict == "intercepted":
        return f"; past the proxy {name_of(other)} decrypts too"
    return "" if case.direct is not None else ", as the chain alone says"


def _differing(case: Case) -> str:
    if case.other is not None:
        return "; the host has several keys, and another one showed past the proxy"
    if case.direct is not None:
        return f"; past the proxy there was no handshake ({_why(case.direct)})"
    return ""


def _by_either(case: Case) -> str:
    return " by either way" if case.direct is not None else ""
