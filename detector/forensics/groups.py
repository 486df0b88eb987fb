"""What connections have in common, for a summary: each connection belongs to one key of each kind.

The kinds, in the order in which a summary tells them:

sni, ja4, cause     the name, the client's kind, why it failed
version, cipher     what the server chose
group               the key exchange that it chose
shares              the groups for which the hello has keys
post-quantum        whether a key exchange that quantum computers do not break was offered, and taken
hello-size          bytes of the ClientHello; a packet has room for about 1,400
hello-packets       in how many pieces it came
browser             whether the hello is that of the browser that the request names
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from detector.capture.connection import Connection, HelloFacts, ServerFacts
from detector.forensics.judged import JudgedConnection
from detector.wire import registry as r
from detector.wire.suites import suite_name

Kind = Literal[
    "sni", "ja4", "cause", "version", "cipher", "group", "shares", "post-quantum", "hello-size",
    "hello-packets", "browser",
]  # fmt: skip
KINDS: tuple[Kind, ...] = (
    "sni", "ja4", "cause", "version", "cipher", "group", "shares", "post-quantum", "hello-size",
    "hello-packets", "browser",
)  # fmt: skip
NONE = "(none)"
_SIZES = ((512, "up to 512 bytes"), (1400, "513 to 1,400 bytes"), (4096, "1,401 to 4,096 bytes"))


def groups_of(one: JudgedConnection) -> Iterator[tuple[Kind, str]]:
    """The groups of a connection. What its packets do not show it is not counted by."""
    c = one.connection
    yield "sni", c.sni or NONE
    if c.hello is not None:
        yield "ja4", c.hello.ja4
    yield "cause", one.blamed.id if one.blamed is not None else NONE
    if c.answer is not None:
        yield "version", r.version_name(c.answer.version)
        yield "cipher", suite_name(c.answer.cipher)
        if c.answer.group is not None:
            yield "group", r.group_name(c.answer.group)
    if c.hello is not None:
        yield from _of_hello(c, c.hello)
    if one.opinion is not None:
        said = one.opinion.claims or one.opinion.looks_like
        yield "browser", one.opinion.interception + (f": {said}" if said else "")


def _of_hello(c: Connection, hello: HelloFacts) -> Iterator[tuple[Kind, str]]:
    yield "shares", ", ".join(r.group_name(group) for group in hello.shares) or NONE
    yield "post-quantum", _post_quantum(hello, c.answer)
    yield (
        "hello-size",
        next((text for most, text in _SIZES if c.hello_size <= most), "more than 4,096 bytes"),
    )
    if c.transport == "tcp" and c.hello_segments:
        many = c.hello_segments > 1
        text = "in several segments" if many else "in one segment"
        yield "hello-packets", text + (", several records" if c.hello_records > 1 else "")


def _post_quantum(hello: HelloFacts, answer: ServerFacts | None) -> str:
    offered = "offered with a key" if r.POST_QUANTUM.intersection(hello.shares) else (
        "offered without a key" if r.POST_QUANTUM.intersection(hello.groups) else ""
    )  # fmt: skip
    if not offered:
        return "not offered"
    if answer is None:
        return f"{offered}, no answer"
    return f"{offered}, {'chosen' if answer.group in r.POST_QUANTUM else 'not chosen'}"
