"""Am I intercepted? One answer in plain words from the judgements over well-known sites of unrelated owners. Pure.

Rules
-----
1. One intercepted site is a "yes", whatever the others are: a gateway decrypts some sites and passes others.
2. "no" takes proof, and is said of the sites that are proven. Below a third of the sites that were asked, or where
   no more than half of them answered, the answer is "unproven", however quiet it is: a consistent chain is one that
   a hidden interceptor with a public CA could show as well, and a gateway that passes one site and breaks the
   others would be a "no" otherwise.
3. A suspect site is no "yes": an innocent explanation stands. It is no "no" either, so it is "perhaps".
4. Sites that gave no handshake say nothing. Where none gave one the answer is "unknown", with the reason that most
   of them share.
5. A private CA that the policy, or the site's country, expects is told, and neither proves nor accuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from detector.model.observation import Failure, Interceptor, Judgement
from detector.model.targets import host_text

Word = Literal["yes", "perhaps", "no", "unproven", "unknown"]
_NAMED = 4
_PROVEN_OF = 3  # one of so many sites that were asked, at least, is proven where the answer is "no"
# Who is who: what to do about an interceptor of a category, as categories are called in data/products.toml.
_LOCAL = "It runs on this machine: its settings say HTTPS scanning or web shield."
_OFFICIAL = "Ask your administrator whether it is meant to be there."
_OWN_TOOL = "If you started it, stop it; if you did not, somebody else did: send no secrets."
_ADVICE = {
    "antivirus": _LOCAL,
    "parental": _LOCAL,
    "adware": "Remove it from this machine, and its root: tlsight trust shows where that is.",
    "enterprise-gateway": _OFFICIAL,
    "school-gateway": _OFFICIAL,
    "content-filter": _OFFICIAL,
    "network-gear": _OFFICIAL,
    "debugging-proxy": _OWN_TOOL,
    "archiver": _OWN_TOOL,
    "accelerator": _OWN_TOOL,
    "test": _OWN_TOOL,
}
_UNKNOWN = "Send no secrets until your administrator has told you who that is."
_SANCTIONED = "Your policy allows it to decrypt these sites."
_FIX = "Programs that fail behind it: tlsight trust fix PROGRAM"
_PORTAL = "Cannot tell: a captive portal answers in everybody's place, and wants a log-in."
_LOG_IN = "Log in with a browser, then ask again."
_DOCTOR = "What this machine's way out is: tlsight doctor"
_NEWER = "Newer tables of logs may prove it: tlsight update"
_MORE = "What was seen, site by site: tlsight check"
_ROOTS = "Which stores of this machine trust its root: tlsight trust"


class HostAnswer(msgspec.Struct, frozen=True):
    """One site: where it was asked, and its verdict with the reason."""

    host: str
    verdict: str
    summary: str


class FoundInterceptor(msgspec.Struct, frozen=True):
    """Who stands in between, and before which sites.

    Attributes:
        who: the product, else the engine, else the name of its CA.
        category: kind of product, where it is known.
        issuer: the name in its certificates.
        issuer_spki_sha256: the key of its CA, lower-case hex, where it is known.
        sanctioned: the policy lets it decrypt these sites.
        hosts: those sites.

    """

    who: str
    category: str | None
    issuer: str
    issuer_spki_sha256: str | None
    sanctioned: bool
    hosts: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True):
    """The answer, and what it rests on.

    Attributes:
        answer: yes, perhaps, no, unproven (nothing against it, too little proven), unknown.
        text: the paragraph.
        next_steps: what to do, a sentence each; the last ones tell where more is to be seen.
        asked: how many sites were asked.
        verdicts: how many have which verdict.
        late: sites that had not answered when the time was over.
        interceptors: who stands in between, the one with the most sites first.
        hosts: the sites in the order of their names.

    """

    answer: Word
    text: str
    next_steps: tuple[str, ...]
    asked: int
    verdicts: dict[str, int]
    late: int
    interceptors: tuple[FoundInterceptor, ...]
    hosts: tuple[HostAnswer, ...]
    schema: Literal["tlsight.answer/1"] = "tlsight.answer/1"


def answer(judgements: Sequence[Judgement], asked: int, *, portal: bool = False) -> Answer:
    """What these come to, of so many sites that were asked; `portal`: one was met over plain HTTP."""
    counts: Counter[str] = Counter(one.verdict for one in judgements)
    late = max(0, asked - len(judgements))
    found = _interceptors(judgements)
    heard = len(judgements) - counts["inconclusive"]
    rest = _rest(counts, late)
    word: Word
    if found:
        word, text, steps = "yes", _yes(found, heard), _after_yes(found)
        others = [f"{counts['direct']} proven direct"] if counts["direct"] else []
        others += [f"{counts['consistent']} consistent"] if counts["consistent"] else []
        others += [f"{counts['suspect']} suspect"] if counts["suspect"] else []
        text += f" The others: {', '.join(others)}." if others else ""
    elif counts["suspect"]:
        word, text, steps = "perhaps", _perhaps(judgements), _steps_of(judgements, "suspect")
    elif _is_proven(counts, heard, asked):
        word, text, steps = "no", _no(counts), ()
    elif counts["direct"] or counts["consistent"]:
        word, text = "unproven", _unproven(counts, heard, asked)
        steps = (_NEWER,) if _most_answered(heard, asked) else (_DOCTOR,)
    elif heard:
        word, text, steps = "unknown", "Cannot tell: only private CAs answer.", ()
    else:
        word, text = "unknown", _PORTAL if portal else _unknown(judgements, late)
        steps = (_LOG_IN, _DOCTOR) if portal else _steps_of(judgements, "inconclusive")
        rest = ""
    if counts["private"] and word != "yes":
        text += f" A private CA answers for {counts['private']}, where one is expected."
    return Answer(
        answer=word,
        text=text + rest,
        next_steps=(*steps, *((_MORE,) if heard else ())),
        asked=asked,
        verdicts=dict(sorted(counts.items())),
        late=late,
        interceptors=found,
        hosts=tuple(
            sorted(
                (HostAnswer(_host(one), one.verdict, one.summary) for one in judgements),
                key=lambda one: one.host,
            )
        ),
    )


def may_be_portal(found: Answer, judgements: Iterable[Judgement]) -> bool:
    """Nobody answered, and nothing says already why: a portal that drops TLS shows itself over plain HTTP alone."""
    if found.answer != "unknown" or found.verdicts.get("private"):
        return False
    failures = [one.observation.failure for one in judgements]
    told = any(
        one is not None
        and (one.cause == "captive-portal" or one.dialled == "proxy" or one.proxy or one.why)
        for one in failures
    )
    return not told


def _interceptors(judgements: Iterable[Judgement]) -> tuple[FoundInterceptor, ...]:
    hosts: dict[tuple[str | None, bool], list[Judgement]] = {}
    for one in judgements:
        if one.verdict == "intercepted":
            who = one.interceptor
            # One CA is one interceptor, whatever its single leaves were told to be.
            key = (who.issuer_spki_sha256 or who.issuer) if who is not None else None
            hosts.setdefault((key, one.sanctioned), []).append(one)
    found = [_interceptor(some) for some in hosts.values()]
    return tuple(sorted(found, key=lambda one: (-len(one.hosts), one.who)))


def _interceptor(judgements: Sequence[Judgement]) -> FoundInterceptor:
    known = [one.interceptor for one in judgements if one.interceptor is not None]
    named = max(known, key=lambda one: bool(one.product) * 2 + bool(one.engine), default=None)
    who = named or Interceptor(None, None, None, "", None)
    return FoundInterceptor(
        who=who.product or who.engine or who.issuer or "somebody whose CA has no name",
        category=who.category,
        issuer=who.issuer,
        issuer_spki_sha256=who.issuer_spki_sha256,
        sanctioned=judgements[0].sanctioned,
        hosts=tuple(sorted(map(_host, judgements))),
    )


def _yes(found: Sequence[FoundInterceptor], heard: int) -> str:
    parts = []
    for one in found:
        kind = ", ".join(
            word for word in (one.category, one.issuer if one.issuer != one.who else "") if word
        )
        reach = "all" if len(one.hosts) == heard else f"{len(one.hosts)} of the"
        parts.append(
            f"by {one.who}{f' ({kind})' if kind else ''} on {reach} {heard} sites that answered: "
            f"{_named(one.hosts)}"
        )
    return f"Yes, {'; and '.join(parts)}."


def _after_yes(found: Sequence[FoundInterceptor]) -> tuple[str, ...]:
    steps = [
        _SANCTIONED if one.sanctioned else _ADVICE.get(one.category or "", _UNKNOWN)
        for one in found
    ]
    return (*dict.fromkeys(steps), _FIX, _ROOTS)


def _perhaps(judgements: Sequence[Judgement]) -> str:
    some = [one for one in judgements if one.verdict == "suspect"]
    proven = sum(one.verdict == "direct" for one in judgements)
    (why, _) = Counter(one.summary for one in some).most_common(1)[0]
    beside = f" {proven} others are proven direct." if proven else ""
    reason = why.removeprefix("Suspect: ")
    return f"Perhaps, before {_named([_host(one) for one in some])}: {reason}{beside}"


def _is_proven(counts: Counter[str], heard: int, asked: int) -> bool:
    """Of the sites that were asked: those that keep silent may be the ones that are not let through."""
    return _most_answered(heard, asked) and counts["direct"] * _PROVEN_OF >= asked


def _most_answered(heard: int, asked: int) -> bool:
    return heard * 2 > asked


def _no(counts: Counter[str]) -> str:
    proven, quiet = counts["direct"], counts["consistent"]
    heard = sum(counts.values()) - counts["inconclusive"]
    text = f"No: that nobody stands in between is proven on {proven} of the {heard} sites that answered"
    if quiet:
        text += f", and on {quiet} nothing speaks against it, which is no proof"
    return text + ". Other sites may be treated otherwise: tlsight check HOST asks one."


def _unproven(counts: Counter[str], heard: int, asked: int) -> str:
    proven, quiet = counts["direct"], counts["consistent"]
    if not proven:
        return (
            f"Unproven: on {quiet} sites nothing speaks against it, but on none is it proven that nobody "
            "stands in between."
        )
    text = f"Unproven: that nobody stands in between is proven on only {proven} of the {asked} sites that were asked"
    if quiet:
        text += f", and on {quiet} nothing speaks against it, which is no proof"
    if not _most_answered(heard, asked):
        text += "; most did not answer, and may be the ones that are not let through"
    return text + "."


def _unknown(judgements: Sequence[Judgement], late: int) -> str:
    failures = [one.observation.failure for one in judgements]
    if not any(failures):
        if late:
            return f"Cannot tell: none of {len(judgements) + late} sites answered in time."
        return "Cannot tell: no site showed a certificate."
    reasons = Counter(_reason(one) for one in failures if one is not None)
    (reason, count) = reasons.most_common(1)[0]
    every = len(judgements) + late
    reach = f"all {every} sites" if count == every else f"{count} of {every} sites"
    return f"Cannot tell: {reason} ({reach})."


def _reason(failure: Failure) -> str:
    """What kept a site from answering, in words that several sites share."""
    if failure.cause == "captive-portal":
        return "a captive portal answers, and wants a log-in"
    if failure.dialled == "proxy" or failure.proxy is not None:
        return f"the proxy is in the way: {failure.text}"
    if failure.step == "dns":
        return f"no name resolves: {failure.why or 'the resolver does not answer'}"
    if failure.step == "tcp" and failure.why:
        return f"this machine is offline: {failure.why}"
    if failure.step == "tcp":
        return f"nobody can be connected to ({failure.cause})"
    return f"no handshake comes to its end ({failure.cause})"


def _steps_of(judgements: Sequence[Judgement], verdict: str) -> tuple[str, ...]:
    """What the judgements themselves say is to be done, the most frequent alone."""
    steps = Counter(
        one.next_step for one in judgements if one.verdict == verdict and one.next_step
    ).most_common(1)
    found = tuple(step for step, _ in steps)
    if verdict != "inconclusive":
        return found
    causes = {one.observation.failure.cause for one in judgements if one.observation.failure}
    portal = (_LOG_IN,) if "captive-portal" in causes else ()
    return (*(found or portal), _DOCTOR)


def _rest(counts: Counter[str], late: int) -> str:
    silent = counts["inconclusive"]
    parts = [f" {silent} gave no handshake to judge."] if silent else []
    parts += [f" {late} had not answered when the time was over."] if late else []
    return "".join(parts)


def _named(hosts: Sequence[str]) -> str:
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    return ", ".join(hosts[:_NAMED]) + more


def _host(judgement: Judgement) -> str:
    return host_text(judgement.observation.target)
