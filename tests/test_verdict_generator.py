"""The situations of honest and forged chains, made again with other names, keys, dates and key types.

A rule that was fitted to recorded samples holds for those and for nothing else; these are new at every run
(the seed is in the test's name, so that a failure can be made again).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.chain.anchors import TrustAnchors
from detector.chain.certificate import Certificate
from detector.evidence.sharing import Sharing
from detector.judging.judge import examine, judge_all, judge_examined
from detector.knowledge.assemble import assemble
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import (
    Baseline,
    Knowledge,
    Pin,
    Policy,
    PrivateIssuer,
    Sanctioned,
    SharedCa,
)
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, Credential, LabPki, PrivateKey
from detector.model.observation import Handshake, Observation, Target

SEEDS = (1, 2, 3)
_RSA = [rsa.generate_private_key(65537, size) for size in (2048, 3072, 2048, 2048)]


@dataclass
class World:
    """Everything one situation is made of."""

    seed: int
    known: Knowledge = field(default_factory=lambda: assemble(local=False))

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        # Recent: programs that date what they mint, and lists that grow old, follow the clock.
        self.now = datetime.now(UTC).replace(microsecond=0) - timedelta(
            days=self.dice.randint(0, 60)
        )
        self.canaries = sorted(self.known.canaries)
        self.dice.shuffle(self.canaries)

    def word(self) -> str:
        return "".join(
            self.dice.choice("bcdfglmnprstvz") + self.dice.choice("aeiou") for _ in range(4)
        )

    def host(self) -> str:
        return f"{self.dice.choice(('www', 'shop', 'api'))}.{self.word()}.{self.dice.choice(('com', 'org', 'net'))}"

    def key(self) -> PrivateKey:
        kinds: Sequence[Callable[[], PrivateKey]] = (
            lambda: ec.generate_private_key(ec.SECP256R1()),
            lambda: ec.generate_private_key(ec.SECP384R1()),
            lambda: self.dice.choice(_RSA),
        )
        return self.dice.choice(kinds)()

    def ca(self, name: str | None = None, *, public: bool = False, **more: object) -> Authority:
        """A CA of any key; `public` makes its leaves look like a public CA's."""
        return Authority(
            name or f"{self.word().title()} CA {self.dice.randint(1, 99)}",
            organization=more.pop("organization", self.word().title()),  # type: ignore[arg-type]
            profile=public, key=self.key(), now=self.now, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def seen(
        self, host: str, chain: Sequence[bytes], ip: str | None = None, *, done: bool = True
    ) -> Observation:
        target = Target(host, sni=host, ip=ip)
        at = self.now + timedelta(hours=3)
        return Observation(at, target, chain=tuple(chain), handshake=Handshake(done))

    def under(self, ca: Authority, host: str, ip: str | None = None) -> Observation:
        """The host under the CA, which is sent."""
        return self.seen(host, (self.leaf(ca, host).der, ca.der), ip)

    def leaf(self, ca: Authority, host: str, **more: object) -> Credential:
        return ca.issue(host, key=more.pop("key", None) or self.key(), **more)  # type: ignore[arg-type]

    def logged(self, *hosts: str) -> Knowledge:
        """Certificate Transparency knows these hosts, under another issuer."""
        rows = [
            KnownIssuers(HostPattern(h), frozenset(("0" * 64,)), "CT", fetched=self.now)
            for h in hosts
        ]
        return replace(self.known, issuers=(IssuerTable(rows),))

    def public(self, world: LabPki) -> Knowledge:
        """The world's root is a public one, and its logs are known."""
        roots = TrustAnchors((world.root.der,), "public")
        logs = {log.log_id: log.known() for log in world.logs}
        return replace(self.known, public=roots, programs=None, listed=None, logs=logs)


Situation = Callable[[World], tuple[Sequence[Observation], Knowledge]]
SITUATIONS: list[tuple[str, str, Situation]] = []


def situation(claim: str, verdict: str) -> Callable[[Situation], Situation]:
    def add(make: Situation) -> Situation:
        SITUATIONS.append((claim, verdict, make))
        return make

    return add


@situation("an owner's private CA on two of its domains", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca = w.ca()
    return [w.under(ca, w.host()), w.under(ca, w.host())], w.known


@situation("the same, known to be public, at inner addresses of one owner", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca, word = w.ca(), w.word()
    hosts = (f"www.{word}.com", f"www.{word}.de")
    return [w.under(ca, host, "10.1.2.3") for host in hosts], w.logged(*hosts)


@situation("one firmware certificate on two owners' devices", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    device = w.ca()
    return [w.seen(w.host(), [device.der]) for _ in range(2)], w.known


@situation("a self-signed page at a host that logs know", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    host = w.host()
    return [w.seen(host, [w.ca(host).der])], w.logged(host)


@situation("a public root unknown here, and SCTs of logs unknown here", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    young = w.ca(public=True, logs=(LabLog("unknown"),))
    hosts = [w.host(), w.host()]
    return [w.under(young, host) for host in hosts], w.logged(hosts[0])


@situation("a public chain whose SCTs are elsewhere", "consistent")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    world = LabPki(w.now)
    host = w.host()
    return [w.seen(host, world.issue(host, logs=(), key=w.key()).chain)], w.public(world)


@situation("a public chain with SCTs, both sides done", "direct")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    world = LabPki(w.now)
    host = w.host()
    return [w.seen(host, world.issue(host, key=w.key()).chain)], w.public(world)


@situation("a public chain with one SCT of a log unknown here", "consistent")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    world = LabPki(w.now)
    host = w.host()
    return [w.seen(host, world.issue(host, logs=(LabLog("n"),)).chain)], w.public(world)


@situation("a stranger forwards connections to another owner's server", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca, victim = w.ca(), w.host()
    chain = (w.leaf(ca, victim).der, ca.der)
    return [w.seen(w.host(), chain), w.seen(victim, chain)], w.known


@situation("a portal shows one page for canaries", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca = w.ca()
    chain = (w.leaf(ca, w.host()).der, ca.der)
    return [w.seen(host, chain, "10.0.0.1") for host in w.canaries[:3]], w.known


@situation("an internal name under a private CA", "private")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    return [w.under(w.ca(), f"{w.word()}.corp")], w.known


@situation("a name that leads to an inner address under a private CA", "private")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    return [w.under(w.ca(), w.host(), "192.168.3.4")], w.known


@situation("the policy's private CA for its names", "private")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca, host = w.ca(), w.host()
    entry = PrivateIssuer(Certificate(ca.der).spki_sha256, (HostPattern(host),))
    return [w.under(ca, host)], replace(w.known, policy=Policy(private=(entry,)))


@situation("an internal name under another CA than the policy's", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    host = f"{w.word()}.corp"
    entry = PrivateIssuer(Certificate(w.ca().der).spki_sha256, (HostPattern(host),))
    return [w.under(w.ca(), host)], replace(w.known, policy=Policy(private=(entry,)))


@situation("a pin of the old key, and a public renewal", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    world, host = LabPki(w.now), w.host()
    known = replace(w.public(world), pins=(Pin(HostPattern(host), ("0" * 64,)),))
    return [w.seen(host, world.issue(host).chain)], known


@situation("a pinned intermediate that the server forgot to send", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    host = w.host()
    ca = Authority(
        w.word(), key=w.dice.choice(_RSA), now=w.now
    )  # an EC signer is told by its signature
    pin = Pin(HostPattern(host), (Certificate(ca.der).spki_sha256,))
    leaf = w.leaf(ca, host, logs=(LabLog("unknown"),))
    return [w.seen(host, [leaf.der])], replace(w.known, pins=(pin,))


@situation("a canary under a private root with an SCT that holds", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    world = LabPki(w.now)
    ca = w.ca(public=True, logs=world.logs)
    known = replace(w.public(world), public=w.known.public)
    return [w.under(ca, w.canaries[0])], known


@situation("two public sites that forgot one intermediate", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    world = LabPki(w.now)
    hosts = [w.host(), w.canaries[0]]
    known = replace(w.public(world), public=w.known.public)
    return [w.seen(host, [world.issue(host).der]) for host in hosts], known


@situation("one canary under a private CA", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    return [w.under(w.ca(), w.canaries[0])], w.known


@situation("canaries led to inner addresses", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca = w.ca()
    places = ("10.66.0.1", "198.18.0.7", "127.0.0.1", "100.64.1.1")
    return [w.under(ca, h, ip) for h, ip in zip(w.canaries, places, strict=False)], w.known


@situation("a private CA for each of three canaries", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    return [w.under(w.ca(public=True), host) for host in w.canaries[:3]], w.known


@situation("a stranger's host that shares its private CA with a canary", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca = w.ca()
    return [w.under(ca, w.host()), w.under(ca, w.canaries[0])], w.known


@situation("one leaf key for four canaries, leaf alone, all that a public leaf has", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca, key = w.ca(public=True), w.key()
    return [w.seen(h, [w.leaf(ca, h, key=key).der]) for h in w.canaries[:4]], w.known


@situation("a host that logs know, under a private CA", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    host = w.host()
    return [w.under(w.ca(), host)], w.logged(host)


@situation("the same at an inner address alone", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    host = w.host()
    return [w.under(w.ca(), host, "10.1.1.1")], w.logged(host)


@situation("two customers of one origin CA, known by its key, known to logs", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca, hosts = w.ca(), [w.host(), w.host()]
    row = SharedCa(
        "Origin", ({"CN": "nobody"},), "an origin CA", "test", keys=(Certificate(ca.der).spki,)
    )
    return [w.under(ca, h) for h in hosts], replace(w.logged(*hosts), shared_cas=(row,))


@situation("a wildcard of an issuers' file makes nobody public", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    rows = [KnownIssuers(HostPattern("*"), frozenset(("0" * 64,)), "file", exact=False)]
    return [w.under(w.ca(), w.host())], replace(w.known, issuers=(IssuerTable(rows),))


@situation("a stranger's CA with the common name of a sanctioned one", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    entry = Sanctioned("Gateway", "0" * 64, (HostPattern("*"),), ca_name="Root CA")
    return [w.under(w.ca("Root CA"), w.host())], replace(
        w.known, policy=Policy(sanctioned=(entry,))
    )


@situation("a sanctioned interceptor on an inner name that it never may decrypt", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca, host = w.ca(), w.host()
    never = (HostPattern(host),)
    entry = Sanctioned("Gateway", Certificate(ca.der).spki_sha256, (HostPattern("*"),), never)
    return [w.under(ca, host, "10.0.0.9")], replace(w.known, policy=Policy(sanctioned=(entry,)))


@situation("the policy's CA after its entry ended, at a host that logs know", "suspect")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca, host = w.ca(), w.host()
    ended = (w.now - timedelta(days=2)).date()
    entry = PrivateIssuer(Certificate(ca.der).spki_sha256, (HostPattern(host),), expires=ended)
    return [w.under(ca, host)], replace(w.logged(host), policy=Policy(private=(entry,)))


@situation("a leaf for the whole of .com and for all", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca = w.ca()
    chain = (ca.issue("*.com", "*.org", "*").der, ca.der)
    return [w.seen(host, chain) for host in w.canaries[:3]], w.known


@situation("a root that bears a public root's name", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    name = "ISRG Root X1"
    ca = w.ca(name, organization="Internet Security Research Group", public=True)
    return [w.under(ca, w.host())], w.known


@situation("a genuine leaf below the pinned CA signs another", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    pinned, host = w.ca(public=True), w.host()
    leaf = w.ca(w.host(), parent=pinned, public=True, ca=False)
    chain = (w.leaf(leaf, host).der, leaf.der, pinned.der)
    pin = Pin(HostPattern(host), (Certificate(pinned.der).spki_sha256,))
    return [w.seen(host, chain)], replace(w.known, pins=(pin,))


@situation("an interceptor that the policy names", "intercepted")
def _(w: World) -> tuple[Sequence[Observation], Knowledge]:
    ca = w.ca()
    entry = Sanctioned("Gateway", Certificate(ca.der).spki_sha256, (HostPattern("*"),))
    return [w.under(ca, w.host())], replace(w.known, policy=Policy(sanctioned=(entry,)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("verdict", "make"), [(v, m) for _, v, m in SITUATIONS], ids=[c for c, _, _ in SITUATIONS]
)
def test_each_situation_gets_its_verdict_whatever_it_is_made_of(
    verdict: str, make: Situation, seed: int
) -> None:
    seen, known = make(World(seed))
    for found in judge_all(seen, known):
        told = [(e.id, e.strength) for e in found.evidence]
        assert found.verdict == verdict, (found.observation.target, found.decided_by, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_verdict_depends_on_the_order_of_what_was_seen(seed: int) -> None:
    for _, verdict, make in SITUATIONS:
        seen, known = make(World(seed))
        assert {j.verdict for j in judge_all(list(reversed(seen)), known)} == {verdict}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_route_that_differs_accuses_nobody_who_has_an_innocent_explanation(seed: int) -> None:
    w = World(seed)
    base = Baseline("recorded", True, "0" * 64, "1" * 64, "TLSv1.3", "h2", w.now, logged=True)
    host, ca = w.host(), w.ca()
    own, private = w.ca(host), w.under(ca, host)

    def verdict(seen: Observation) -> str:
        found = examine(seen, w.known, base)
        assert found is not None
        return judge_examined(found, Sharing()).verdict

    assert verdict(private) == "intercepted"
    assert verdict(w.seen(host, [own.der])) == "suspect"
    assert verdict(w.under(ca, host, "10.0.0.1")) == "suspect"
    young = w.ca(public=True, logs=(LabLog("unknown"),))
    assert verdict(w.under(young, host)) == "suspect"
