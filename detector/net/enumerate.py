"""Which cipher suites a server agrees to, version by version, in its order of preference.

Theory of operation: offer all, take out what was chosen, offer again, until nothing is chosen. Then offer
what was found in the opposite order: a server that chooses the same prefers it itself.
"""

from __future__ import annotations

import msgspec

from detector.causes.plan import every_suite, plan
from detector.model.inquiry import ServedSuites
from detector.model.observation import Target
from detector.net.budget import Budget
from detector.net.probe import ProbeOptions
from detector.net.trial import Keys, Patience, attempt
from detector.wire import offer as o
from detector.wire.offer import Offer

_VERSIONS = (
    ("tls13", o.TLS13),
    ("tls12", o.TLS12),
    ("tls11", o.TLS11),
    ("tls10", o.TLS10),
    ("ssl3", o.SSL3),
)
_MAX_ROUNDS = 64


async def served_suites(
    target: Target, options: ProbeOptions, budget: Budget | None = None
) -> tuple[ServedSuites, ...]:
    """One entry for each version that is served at all, and was asked for to the end within the time.

    Never raises for what a peer does.
    """
    found: list[ServedSuites] = []
    budget = budget or Budget(options.timeout)
    await budget.spend("suites", _ask_all(target, options, found))
    return tuple(found)


async def _ask_all(target: Target, options: ProbeOptions, found: list[ServedSuites]) -> None:
    offers = plan(target.sni, ())
    patience, keys = Patience(options.timeout), Keys()

    async def chosen(base: Offer, suites: tuple[int, ...], version: int) -> int | None:
        hello = msgspec.structs.replace(base, suites=suites)
        trial = await attempt("suites", hello, target, options, patience, keys)
        if not trial.answered or trial.version != version or trial.cipher not in suites:
            return None
        return trial.cipher

    for name, version in _VERSIONS:
        left = tuple(c for c in every_suite() if (c >> 8 == 0x13) == (version == o.TLS13))
        agreed: list[int] = []
        while left and len(agreed) < _MAX_ROUNDS:
            cipher = await chosen(offers[name], left, version)
            if cipher is None:
                break
            agreed.append(cipher)
            left = tuple(c for c in left if c != cipher)
        if agreed:
            again = await chosen(offers[name], tuple(reversed(agreed)), version)
            found.append(ServedSuites(version, tuple(agreed), again == agreed[0]))
