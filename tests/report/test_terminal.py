"""Colours on light and on dark terminals, by what the verbs print."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.color import Color
from rich.console import Console
from rich.style import Style

from detector.report.check_text import STYLES
from detector.report.colours import COLOURS
from detector.report.terminal import console

# What usual schemes put behind letters: white, Solarized light, black, VS Code, Solarized dark, Dracula, Ubuntu.
BACKGROUNDS = ("ffffff", "fdf6e3", "000000", "1e1e1e", "002b36", "282a36", "300a24")
LEAST = 3.0
DATA = Path(__file__).parents[1] / "data"


def luminance(red: int, green: int, blue: int) -> float:
    """WCAG 2.2, relative luminance."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    parts = zip((0.2126, 0.7152, 0.0722), (red, green, blue), strict=True)
    return sum(weight * linear(part / 255) for weight, part in parts)


def contrast(colour: Color, background: str) -> float:
    pair = (
        luminance(*colour.get_truecolor()),
        luminance(*bytes.fromhex(background)),
    )
    return (max(pair) + 0.05) / (min(pair) + 0.05)


def unreadable(style: Style) -> str | None:
    """Why some terminal shows this badly; None where every one shows it well."""
    if style.dim:
        return "faint: the terminal decides how faint"
    for colour in filter(None, (style.color, style.bgcolor)):
        if colour.is_default:
            continue
        if colour.number is None or colour.number < 16:
            return f"{colour.name} is what the scheme makes of it"
        worst = min(BACKGROUNDS, key=lambda behind: contrast(colour, behind))
        if contrast(colour, worst) < LEAST:
            return f"{colour.name} on #{worst}: {contrast(colour, worst):.1f}"
    return "a background of its own" if style.bgcolor else None


@pytest.mark.parametrize("name", [*COLOURS, *STYLES.values(), "bold red"])
def test_a_colour_is_read_on_white_on_black_and_between(name: str) -> None:
    assert unreadable(console(color=True).get_style(name)) is None


def test_the_ansi_colours_would_not_be() -> None:
    plain = Console().get_style
    assert all(unreadable(plain(name)) for name in ("yellow", "bright_black", "dim", "red"))
    of_xterm, of_solarized = Color.parse("#cdcd00"), Color.parse("#002b36")
    assert contrast(of_xterm, "ffffff") < LEAST
    assert contrast(of_solarized, "002b36") == 1


@pytest.mark.parametrize(
    ("environment", "colour", "weight"),
    [
        ({"TERM": "xterm-256color"}, True, True),
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, True, True),
        ({"TERM": "linux"}, False, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
    ],
    ids=str,
)
def test_a_terminal_gets_what_it_has(
    environment: dict[str, str], colour: bool, weight: bool
) -> None:
    said = on_terminal("print", environment)
    assert ("38;5;" in said, "\x1b[1" in said) == (colour, weight)
    assert "word" in said


def test_nothing_is_coloured_in_a_file_unless_it_is_asked_for() -> None:
    for color, expected in ((None, False), (False, False), (True, True)):
        out = io.StringIO()
        console(file=out, color=color).print("[bold red]word[/]")
        assert ("\x1b" in out.getvalue()) is expected


VERBS = (
    ("check", "--help"),
    ("check", "127.0.0.1:1"),
    ("diagnose", "127.0.0.1:1"),
    ("judge", "SAVED"),
    ("explain", "curl: (60) SSL certificate problem: self-signed certificate in chain"),
    ("trust",),
    ("trust", "why", "pip"),
    ("logs", "LOG"),
    ("pcap", "-v", "CAPTURE"),
    ("ct", "--offline", "example.com"),
)


@pytest.mark.skipif(os.name == "nt", reason="no pseudo terminals")
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_cell_of_a_verb_is_read_on_every_background(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    with (DATA / "forged_chains.ndjson").open() as rows:
        saved = [json.loads(next(rows))["observation"] for _ in range(4)]
    (tmp_path / "SAVED").write_text("".join(json.dumps(one) + "\n" for one in saved))
    (tmp_path / "LOG").write_text(
        "2026/11/23 09:00:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A000418:SSL"
        " routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client:"
        " 192.0.2.1, server: 0.0.0.0:443\n"
    )
    capture = str(DATA / "captures" / "clock_steady.pcap")
    files = {"SAVED": str(tmp_path / "SAVED"), "LOG": str(tmp_path / "LOG"), "CAPTURE": capture}
    said = on_terminal(
        "detector", {"TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path)},
        *(files.get(word, word) for word in words),
    )  # fmt: skip
    assert len(said) > 40
    wrong = {f"{word!r}: {why}" for style, word in cells(said) if (why := unreadable(style))}
    assert not wrong


def on_terminal(what: str, environment: dict[str, str], *words: str) -> str:
    """What a program writes to a terminal of 80 columns."""
    import pty

    script = [
        "-c",
        "from detector.report.terminal import console\nconsole().print('[bold]a[/] [red]word[/]')",
    ]
    command = [sys.executable, *(script if what == "print" else ["-m", what, *words])]
    ours, its = pty.openpty()
    clean = {
        k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")
    }
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=clean | {"COLUMNS": "80"} | environment,
    ) as running:  # fmt: skip
        os.close(its)
        said = b"".join(_read(ours))
        running.wait(60)
    os.close(ours)
    return said.decode()


def _read(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # Linux says EIO where the other end is closed
            return
        if not part:
            return
        yield part


def cells(said: str) -> Iterator[tuple[Style, str]]:
    """Each stretch of text with its style."""
    from rich.ansi import AnsiDecoder

    for line in AnsiDecoder().decode(said.replace("\r\n", "\n")):
        for span in line.spans:
            assert isinstance(span.style, Style)
            yield span.style, line.plain[span.start : span.end]
