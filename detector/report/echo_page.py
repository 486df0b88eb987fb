"""The page of an echo server: your browser's hello as it arrived, whether it fits your User-Agent, and who wrote it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from detector.capture.connection import HelloFacts
from detector.capture.hellos import Hellos
from detector.echo.differences import Flight, delays, first_flight
from detector.echo.first_packet import first_packet
from detector.errors import WireError
from detector.forensics.browsers import Browsers, HelloOpinion
from detector.model.echoes import Echo
from detector.report.page import Block, Page, Point, TableOf, shown
from detector.wire import registry as r
from detector.wire.hello import build_client_hello
from detector.wire.suites import suite_name

# Of headers, suites, extensions and groups: browsers have fewer, and a hello has room for 32,000.
_MOST_HEADERS, _MOST_ROWS = 60, 256
_LONGEST_NAME, _LONGEST_AGENT = 64, 1024


class HelloWord(msgspec.Struct, frozen=True):
    """The answer for a person.

    Attributes:
        badge: match, rewritten or unknown.
        lead: one sentence.
        points: why.

    """

    badge: str
    lead: str
    points: tuple[str, ...]


def echo_page(echo: Echo, browsers: Browsers, key: str) -> Page:
    """Of one request; `key` is the server's, in hex. Never raises for what a peer sends."""
    flight, facts = _read(echo.flight)
    agent = _header(echo, "user-agent")
    # Opinions are remembered: what is larger than anybody's is not judged.
    names = tuple(name.lower()[:_LONGEST_NAME] for name, _ in echo.headers[:_MOST_HEADERS])
    opinion = None
    if facts is not None and _is_usual(facts) and len(agent or "") <= _LONGEST_AGENT:
        opinion = browsers.opinion(facts, agent, names)
    word = _word(opinion, agent)
    tones = {"match": "good", "rewritten": "intercepted", "unknown": "weak"}
    verdict = Block(
        word.lead,
        badge=word.badge,
        tone=tones[word.badge],
        points=tuple(Point("·", shown(text)) for text in word.points),
        facts=(("User-Agent", shown(agent or "none was sent")),),
    )
    blocks: list[Block] = []
    if flight is not None and facts is not None:
        blocks.append(_hello(echo, flight, facts))
    blocks += [_agreed(echo), *_packet(echo)]
    return Page(
        title="Your hello, as this server saw it",
        lead="What arrived of your browser's ClientHello, and whether it fits the User-Agent.",
        figures=(),
        first=(verdict,),
        blocks=tuple(blocks),
        blocks_title="What arrived",
        tables=tuple(_tables(echo, facts)),
        notes=(
            (
                "A User-Agent is a claim. A hello that fits it can be copied, and an interceptor that repeats its client's"
                " hello is not seen here; tlsight echo compares byte by byte."
            ),
            (
                f"This page came by the same way as your hello. Whoever decrypts can change it; what tlsight echo is told is"
                f" signed with the key {key}, which you have from who runs this server, or not at all."
            ),
            "Nothing of this visit is kept.",
        ),
    )


def _read(data: bytes) -> tuple[Flight | None, HelloFacts | None]:
    try:
        flight = first_flight(data)
        return flight, Hellos().client(build_client_hello(flight.hello))[0]
    except WireError:
        return None, None


def _is_usual(facts: HelloFacts) -> bool:
    lists = facts.ciphers, facts.extensions, facts.groups, facts.schemes, facts.formats
    return all(len(one) <= _MOST_ROWS for one in lists)


def _word(opinion: HelloOpinion | None, agent: str | None) -> HelloWord:
    if opinion is None:
        reason = (
            "No User-Agent was sent." if agent is None else "The hello is none that can be judged."
        )
        return HelloWord("unknown", f"Cannot tell who wrote it. {reason}", ())
    claims = opinion.claims or "the program that you use"
    if opinion.headers:
        who = " and ".join(opinion.headers)
        lead = f"Rewritten by {who}: it added its header to the request."
        return HelloWord("rewritten", lead, opinion.differs)
    if opinion.interception == "likely":
        if opinion.looks_like is not None and opinion.looks_like_kind == "product":
            lead = f"Rewritten by {opinion.looks_like}: this is its hello, and {claims} never sends it."
        elif opinion.looks_like is not None:
            lead = f"Rewritten: this is the hello of {opinion.looks_like}, and {claims} never sends it."
        else:
            lead = f"Rewritten: {claims} never sends this hello. Who wrote it is not known."
        return HelloWord("rewritten", lead, opinion.differs)
    if opinion.interception == "unlikely":
        lead = f"Match: {claims} sends such a hello, and nothing in it is anybody else's."
        return HelloWord("match", lead, ())
    looks = f" It looks like the hello of {opinion.looks_like}." if opinion.looks_like else ""
    return HelloWord("unknown", f"Cannot tell.{looks} {opinion.reason}".strip(), opinion.differs)


def _hello(echo: Echo, flight: Flight, facts: HelloFacts) -> Block:
    hello = flight.hello
    pieces = ", ".join(f"{one.size} bytes at {one.ms:g} ms" for one in echo.pieces[:8])
    records = ", ".join(map(str, flight.records[:8]))
    late = [one.text for one in delays(echo.pieces)]
    return Block(
        "ClientHello",
        lines=tuple(late),
        beside=f"{len(flight.data)} bytes",
        facts=(
            ("Server name", shown(_sni(flight) or "none")),
            ("Versions", ", ".join(map(r.version_text, facts.versions[:_MOST_ROWS]))),
            ("ALPN", shown(", ".join(facts.alpn[:_MOST_ROWS])) or "none"),
            ("Groups", _groups(facts)),
            ("Encrypted ClientHello", hello.ech or "no"),
            ("JA4", facts.ja4),
            ("JA3", facts.ja3),
            ("Records", f"{records} bytes"),
            ("Pieces", pieces),
        ),
    )


def _agreed(echo: Echo) -> Block:
    return Block(
        "What was agreed on",
        facts=(
            ("Version", echo.version or "nothing"),
            ("Cipher suite", echo.cipher or ""),
            ("Group", echo.group or ""),
            ("HTTP", echo.http),
            ("Resumed", "yes" if echo.resumed else "no"),
            ("Your address", echo.peer),
        ),
    )


def _packet(echo: Echo) -> Iterator[Block]:
    if (packet := first_packet(echo.syn)) is not None:
        yield Block(
            "First packet",
            facts=(
                ("Segment size", str(packet.mss or "not said")),
                ("Window", f"{packet.window}, scaled by {packet.window_scale or 0}"),
                ("Time to live", f"{packet.ttl}, {packet.hops} hops away"),
                ("Timestamps", "yes" if packet.timestamps else "no"),
                ("Options", ", ".join(packet.options)),
            ),
        )


def _tables(echo: Echo, facts: HelloFacts | None) -> Iterator[TableOf]:
    if facts is not None:
        suites = tuple((f"{code:#06x}", suite_name(code)) for code in facts.ciphers[:_MOST_ROWS])
        yield TableOf("Cipher suites", ("code", "suite"), suites)
        kinds = tuple(
            (f"{kind:#06x}", "GREASE" if r.is_grease(kind) else r.extension_name(kind))
            for kind in facts.extensions[:_MOST_ROWS]
        )
        yield TableOf("Extensions, in their order", ("code", "extension"), kinds)
    headers = tuple(
        (shown(name, 100), shown(value, 400)) for name, value in echo.headers[:_MOST_HEADERS]
    )
    yield TableOf("Request headers, as they arrived", ("name", "value"), headers)


def _groups(facts: HelloFacts) -> str:
    keyed = {*facts.shares}
    return ", ".join(
        r.group_name(one) + (" (with a key)" if one in keyed else "")
        for one in facts.groups[:_MOST_ROWS]
    )


def _sni(flight: Flight) -> str | None:
    try:
        return flight.hello.sni
    except WireError:
        return None


def _header(echo: Echo, name: str) -> str | None:
    return next((value for key, value in echo.headers if key.lower() == name), None)
