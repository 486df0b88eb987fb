"""A bypass is proved by hellos that arrive as they left, and only by a word that is signed."""

from __future__ import annotations

import pytest

from addons.bypass.echo_proof import echo_proof
from detector.echo.differences import Difference
from detector.forensics.echoed import EchoedHello, Fate
from detector.lab.case import now

SPLIT = Difference("records", "records", "1", "2", "The hello was split.")


def hello(fate: Fate, **more: object) -> EchoedHello:
    return EchoedHello(client="tlsight", fate=fate, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hellos", "signed", "told"),
    [
        ((hello("unchanged"),) * 2, True, ("passes", "same-hello", None, "passes: 2 hellos arrived byte for byte")),
        (
            (hello("rewritten", written_by="squid"), hello("unchanged")), True,
            ("decrypted", "other-hello", "squid", "still decrypted by squid: the hello that arrived is not the client's"),
        ),
        (
            (hello("rewritten"),), True,
            ("decrypted", "other-hello", "somebody unknown",
             "still decrypted by somebody unknown: the hello that arrived is not the client's"),
        ),
        (
            (hello("repacked", differences=(SPLIT,)),), True,
            ("cannot-tell", "changed-hello", None,
             "cannot tell: the hello is the client's, and not as it was sent. The hello was split."),
        ),
        ((hello("nothing", why="reset"),), True, ("cannot-tell", "no-echo", None, "cannot tell: reset")),
        ((hello("unchanged"),), False, ("cannot-tell", "no-echo", None, "cannot tell: what the server said is not proven")),
    ],
)  # fmt: skip
def test_each_fate_says_its_word(
    hellos: tuple[EchoedHello, ...], signed: bool, told: tuple[str, str, str | None, str]
) -> None:
    found = echo_proof(now(), "echo.test", 8443, hellos[0].fate, hellos, signed=signed)
    assert (found.state, found.reason, found.by, found.text) == told
    assert (found.host, found.port, found.through) == ("echo.test", 8443, None)
