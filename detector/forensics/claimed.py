"""Which browser does a User-Agent claim, and is it one that can be judged?

A User-Agent of a browser is a row of products with versions, and comments in parentheses (RFC 9110 section
10.1.5). Others put a browser's products into theirs and add their own: WebView and in-app browsers, bots,
Chromium's and Gecko's descendants. Their hellos are their own, so a name that the family does not have makes
the claim one that is not judged. What says only what the browser says is taken at its word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from detector.forensics.browser_rules import BrowserRule, Family, NotJudged, Transport

_LONGEST = 1024  # of a User-Agent; browsers' have less than 300 characters
_PLAIN = re.compile(r"[A-Za-z0-9._+-]{1,40}")


class Claim(msgspec.Struct, frozen=True):
    """What a User-Agent says.

    Attributes:
        name: family and version, or who it is that is not judged; None for no browser at all.
        rule: how that browser greets; None where that is not known.
        reason: why there is no rule.

    """

    name: str | None
    rule: BrowserRule | None
    reason: str = ""


class Claims:
    """Finds the rule for a User-Agent.

    Args:
        families: the first that fits is the one: a family whose User-Agent has another's words comes before it.
        others: who is not judged.

    """

    def __init__(
        self,
        families: Sequence[Family],
        rules: Sequence[BrowserRule],
        others: Sequence[NotJudged],
    ) -> None:
        self._families = [
            (
                family,
                re.compile(family.agent),
                re.compile(family.platform) if family.platform else None,
                tuple(rule for rule in rules if rule.family == family.name),
            )
            for family in families
        ]
        self._others = [(other.name, re.compile(other.agent)) for other in others]

    def patterns(self) -> Iterator[re.Pattern[str]]:
        """Every expression that is tried on a User-Agent."""
        yield _PLAIN
        for _, agent, platform, _ in self._families:
            yield agent
            if platform is not None:
                yield platform
        for _, expression in self._others:
            yield expression

    def of(self, agent: str, transport: Transport) -> Claim:
        """What `agent` claims of a connection over `transport`."""
        agent = agent[:_LONGEST]
        for name, expression in self._others:
            if expression.search(agent):
                return Claim(name, None, f"{name} has hellos of its own, which are not judged.")
        for family, expression, platform, rules in self._families:
            found = expression.search(agent)
            if found is None:
                continue
            version = int(found[1][:9])
            claimed = f"{family.name} {version}"
            products, comments = _parts(agent)
            strange = [name for name in products if name not in family.products]
            if strange:
                named = strange[0] if _PLAIN.fullmatch(strange[0]) else "another product"
                return Claim(
                    claimed, None, f"The User-Agent also names {named}, whose hello is not known."
                )
            if platform is not None and not any(map(platform.search, comments)):
                return Claim(claimed, None, f"{family.name} on this platform is not known.")
            return _of_family(claimed, version, rules, family.name, transport)
        return Claim(None, None, "The User-Agent names no browser whose hello is known.")


def _of_family(
    claimed: str, version: int, rules: Sequence[BrowserRule], family: str, transport: Transport
) -> Claim:
    over = [rule for rule in rules if rule.transport == transport]
    if not over:
        return Claim(claimed, None, f"{family}'s hello over {transport.upper()} is not known.")
    rule = next((rule for rule in over if rule.since <= version <= rule.until), None)
    if rule is not None:
        return Claim(claimed, rule)
    newest = max(rule.until for rule in over)
    if version > newest:
        reason = f"The newest {family} whose hello over {transport.upper()} is known is {newest}."
    else:
        reason = f"No hello of {claimed} over {transport.upper()} is known."
    return Claim(claimed, None, reason)


def _parts(agent: str) -> tuple[list[str], list[str]]:
    """Names of products, without versions, and comments; nested ones belong to the outer."""
    products: list[str] = []
    comments: list[str] = []
    depth = at = 0
    for here, letter in enumerate(agent):
        if letter == "(":
            if depth == 0:
                products.append(agent[at:here])
                at = here + 1
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
            if depth == 0:
                comments.append(agent[at:here])
                at = here + 1
    (comments if depth else products).append(agent[at:])
    return [word.partition("/")[0] for text in products for word in text.split()], comments
