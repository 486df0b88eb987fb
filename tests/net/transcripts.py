"""Play a dialogue against a list of chunks, as a transcript."""

from __future__ import annotations

from detector.net.dialogue import LAST, Dialogue


def play(dialogue: Dialogue, *received: bytes) -> tuple[list[bytes], bytes]:
    """What the dialogue sent, and what it returned. An exhausted list is the end of the stream."""
    sent: list[bytes] = []
    chunks = iter(received)
    try:
        out = next(dialogue)
        while True:
            last = out.startswith(LAST)
            if out:
                sent.append(out.removeprefix(LAST))
            out = dialogue.send(b"" if last else next(chunks, b""))
    except StopIteration as end:
        return sent, end.value
