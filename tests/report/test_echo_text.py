"""The text of an echo answers first, escapes what peers say, and keeps to what is proven."""

from __future__ import annotations

import pytest
from rich.console import Console

from detector.echo.differences import Difference
from detector.echo.first_packet import FirstPacket
from detector.forensics.echoed import EchoedHello, Fate
from detector.lab.case import now
from detector.report.echo_json import AgreedRecord, EchoRecord
from detector.report.echo_text import render

LOST = Difference("lost", "ECH", "offered", "", "ECH was lost: names are shown.")


def record(*hellos: EchoedHello, **more: object) -> EchoRecord:
    given = {"proven": True, "key": "aa" * 32, "fate": hellos[0].fate, **more}
    return EchoRecord(at=now(), host="echo.test", port=8443, hellos=hellos, **given)  # type: ignore[arg-type]


def said(found: EchoRecord, *, verbose: bool = False) -> str:
    console = Console(width=400, no_color=True)
    with console.capture() as capture:
        console.print(render(found, verbose=verbose))
    return capture.get()


def hello(fate: Fate, client: str = "tlsight", **more: object) -> EchoedHello:
    return EchoedHello(client=client, fate=fate, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "start"),
    [
        (record(hello("unchanged")), "Unchanged. The hello arrived byte for byte: nobody decrypts"),
        (record(hello("nothing", why="reset")), "Nothing came. reset (echo.test:8443)"),
        (record(hello("repacked")), "Repacked. The hello is the same"),
        (record(hello("edited")), "Edited. Somebody changed the hello on its way."),
        (
            record(hello("rewritten", written_by="squid", written_by_kind="product")),
            "Rewritten by squid. Another hello arrived.",
        ),
        (
            record(hello("rewritten", written_by="OpenSSL 3", written_by_kind="library")),
            "Rewritten with the library of OpenSSL 3.",
        ),
        (record(hello("rewritten")), "Rewritten by somebody whose hello is not known."),
        (
            record(hello("unchanged"), proxy="proxy.test:3128"),
            "Unchanged. The hello arrived byte for byte: nobody decrypts on this way, unless he has the server's own"
            " key. (echo.test:8443 by way of the proxy proxy.test:3128)",
        ),
    ],
)
def test_the_answer_is_the_first_line(found: EchoRecord, start: str) -> None:
    assert said(found).startswith(start)


def test_without_a_key_given_beforehand_nothing_is_called_proven() -> None:
    assert "Not proven" in said(record(hello("unchanged"), proven=False))
    assert "Not proven" not in said(record(hello("unchanged")))
    assert "Not proven" not in said(record(hello("nothing"), proven=False, key=None))


def test_the_worst_hello_is_shown_whole_and_the_others_in_a_line_each() -> None:
    bad = hello("rewritten", differences=(LOST,) * 20)
    text = said(
        record(bad, hello("rewritten", "curl", differences=(LOST,)), hello("unchanged", "openssl"))
    )
    assert text.count("ECH was lost") == 12
    assert "and 8 more; --verbose" in text
    assert "✗ curl: rewritten by somebody whose hello is not known, 1 difference; lost: ECH" in text
    assert "✓ openssl: unchanged" in text
    assert said(record(bad), verbose=True).count("ECH was lost") == 20


def test_headers_the_agreements_and_the_first_packet_are_told() -> None:
    added = Difference("header", "via", "", "1.1 [red]squid\x1b[0m", "The header via was added.")
    packet = FirstPacket(63, 1, 64240, 1380, 7, False, True, ("mss",), True)
    text = said(
        record(
            hello("rewritten"), headers=(added,), products=("Blue Coat",), packet=packet, peer="192.0.2.1",
            here=AgreedRecord("TLSv1.3", alpn="h2"), there=AgreedRecord("TLSv1.2"),
        )
    )  # fmt: skip
    assert "the request bears the header of Blue Coat" in text
    assert "The header via was added. 1.1 [red]squid" in text
    assert "\x1b" not in text
    assert "with us TLSv1.3, h2; with the server TLSv1.2" in text
    assert (
        "the server saw 192.0.2.1: segments of 1380, window 64240, time to live 63, without timestamps"
        in text
    )
