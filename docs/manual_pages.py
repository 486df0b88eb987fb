"""Manual pages, one a verb, made from the command tree.

Rules
-----
1. A verb's help is prose, then sections that begin with one of a few names: examples and exit codes become sections of the
   page, whatever else there is stays in the description.
2. Options stand in the groups in which --help has them, with their values, defaults and variables.
3. troff obeys lines that begin with a dot or a quote, and backslashes anywhere: no text of ours is obeyed.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from click import Argument
from command_page import EXIT_CODES

from detector.cli.app import build
from detector.cli.help_text import HEADINGS, called_by_words, text_of
from detector.version import __version__

# The lines between which all other pages stand.
_ENVIRONMENT = {
    "TLSIGHT_CONFIG": "settings to read instead of config.toml.",
    "TLSIGHT_DEBUG": "1 shows where something unexpected happened.",
    "NO_COLOR": "any value: no colours.",
    "FORCE_COLOR": "any value: colours, also where no terminal is; so does CLICOLOR_FORCE.",
    "TLSIGHT_LOG_LEVEL": "as --log-level.",
    "TLSIGHT_LOG_FORMAT": "as --log-format.",
    "STATE_DIRECTORY": "where stores, history and lists are; systemd sets it.",
}
_FILES = {
    "$XDG_CONFIG_HOME/tlsight/config.toml": "settings: a table for each verb, with keys named like its options.",
    "$XDG_STATE_HOME/tlsight": "stores, history and lists.",
}
# How a value is called whose option does not say it.
_VALUES = {"float": "NUMBER", "int": "N", "text": "TEXT", "str": "TEXT"}


def manual_pages() -> dict[str, str]:
    """File name (`tlsight-check.1`) -> the page."""
    return {f"{'-'.join(words)}.1": page(words, command) for words, command in _commands()}


def _commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    def below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        yield words, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from below((*words, name), inner)

    return below(("tlsight",), build())


def page(words: Sequence[str], command: Any) -> str:
    """One verb's, by the words that call it."""
    told = _sections(text_of(" ".join(words[1:]), command))
    head, _, rest = told.pop("").partition("\n\n")
    first, dot, more = " ".join(head.split()).partition(". ")
    inner = {
        name: _summary(one) for name, one in getattr(command, "commands", {}).items()
        if not one.hidden
    }  # fmt: skip
    lines = [
        f'.TH {_quoted("-".join(words).upper())} 1 "" {_quoted(f"tlsight {__version__}")} "User Commands"',
        ".SH NAME",
        f"{_escaped('-'.join(words))} \\- {_escaped(first.rstrip('.'))}",
        ".SH SYNOPSIS",
        *_synopsis(words, command, grouped=bool(inner)),
        ".SH DESCRIPTION",
        *_prose(first + ("." if dot else "") + (f" {more}" if more else "")),
        *_prose(rest, begun=True),
    ]
    examples, codes = told.pop("Examples", ""), told.pop("Exit codes", "")
    for name, text in told.items():
        lines += [".PP", f".B {_quoted(name)}", ".br", *_prose(text)]
    if inner:
        lines += [".SH COMMANDS", *_listed((f"{' '.join(words)} {n}", t) for n, t in inner.items())]
    lines += _options(command)
    lines += [".SH EXIT STATUS", *_prose(codes)]
    if not codes:
        lines += _listed((str(code), text) for code, text in EXIT_CODES.items())
    lines += [".SH ENVIRONMENT", *_listed({**_variables(command), **_ENVIRONMENT}.items())]
    lines += [".SH FILES", *_listed(_FILES.items())]
    if examples:
        lines += [
            ".SH EXAMPLES",
            ".nf",
            *map(_escaped, textwrap.dedent(examples).splitlines()),
            ".fi",
        ]
    lines += [".SH SEE ALSO", *_see_also(words, inner)]
    return "\n".join(lines) + "\n"


def _sections(text: str) -> dict[str, str]:
    """Help by its sections; "" is what stands before the first."""
    parts = re.split(rf"(?m)^({'|'.join(HEADINGS)})(?:: *|, *|$)", text)
    named = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: part.strip("\n") for name, part in {"": parts[0], **named}.items()}


def _summary(command: Any) -> str:
    return " ".join(_sections(command.help or "")[""].partition("\n\n")[0].split())


def _synopsis(words: Sequence[str], command: Any, *, grouped: bool) -> list[str]:
    lines = [f".B {_escaped(' '.join(words))}", ".RI [ OPTION ...]"]
    for argument in _shown(command):
        if isinstance(argument, Argument):
            more = " ..." if argument.nargs == -1 else ""
            name = _escaped(_name(argument))
            lines.append(f".I {name}{more}" if argument.required else f".RI [ {name}{more} ]")
    if grouped:
        lines.append(".RI [ COMMAND ...]")
    return lines


def _options(command: Any) -> list[str]:
    lines = []
    arguments = [one for one in _shown(command) if isinstance(one, Argument)]
    options = [one for one in _shown(command) if not isinstance(one, Argument)]
    if any(one.help for one in arguments):
        lines.append(".SH ARGUMENTS")
        lines += _listed((_name(one), one.help or "") for one in arguments)
    if options:
        lines.append(".SH OPTIONS")
    panels = {one.panel or "": 0 for one in options}  # in the order of --help
    for panel in sorted(panels, key=bool):
        if panel:
            lines.append(f".SS {_quoted(panel)}")
        of = [one for one in options if (one.panel or "") == panel]
        lines += itertools.chain.from_iterable(_option(one) for one in of)
    return lines


def _option(option: Any) -> list[str]:
    names = ", ".join(f"\\fB{_escaped(one)}\\fR" for one in (*option.opts, *option.secondary_opts))
    if not option.is_flag and not option.count:
        names += f" \\fI{_escaped(_value(option))}\\fR"
    text = option.help or ""
    if (
        option.show_default
        and not option.is_flag
        and not option.required
        and option.default not in (None, "", [], ())
    ):
        default = option.default() if callable(option.default) else option.default
        text += (
            f" Default: {option.show_default if isinstance(option.show_default, str) else default}."
        )
    if option.multiple and "repeated" not in text:
        text += " May be repeated."
    if option.envvar:
        text += f" Variable: {_variable(option)}."
    return [".TP", names, *_prose(text)]


def _value(option: Any) -> str:
    kind = option.type.name
    return (
        option.metavar
        or called_by_words(option)
        or next((name for start, name in _VALUES.items() if kind.startswith(start)), kind.upper())
    )


def _variables(command: Any) -> dict[str, str]:
    return {
        _variable(one): f"for {one.opts[0] if one.opts[0].startswith('-') else _name(one)}."
        for one in _shown(command)
        if one.envvar
    }


def _variable(parameter: Any) -> str:
    named = parameter.envvar
    return named if isinstance(named, str) else ", ".join(named)


def _shown(command: Any) -> list[Any]:
    return [one for one in command.params if not getattr(one, "hidden", False)]


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper().replace("_", "-")).strip("[].")


def _see_also(words: Sequence[str], inner: Sequence[str]) -> list[str]:
    near = [("-".join(words[:-1]))] if len(words) > 1 else []
    near += ["-".join((*words, name)) for name in inner]
    pages = [f".BR {_escaped(name)} (1)" for name in sorted(near)]
    return [f"{page}," for page in pages[:-1]] + pages[-1:] + [".PP", "/usr/share/doc/tlsight"]


def _listed(pairs: Any) -> list[str]:
    lines = []
    for name, text in pairs:
        lines += [".TP", f"\\fB{_escaped(name)}\\fR", *_prose(text)]
    return lines


def _prose(text: str, *, begun: bool = False) -> list[str]:
    """Paragraphs; those that are set in stay as they are."""
    lines = []
    for part in filter(str.strip, re.split(r"\n\s*\n", text.strip("\n"))):
        if begun:
            lines.append(".PP")
        begun = True
        rows = part.splitlines()
        if all(row.startswith("  ") for row in rows):
            lines += [".nf", *map(_escaped, rows), ".fi"]
        else:
            joined = " ".join(part.split()).replace("`", "")
            lines += map(_escaped, textwrap.wrap(joined, 76, break_on_hyphens=False))
    return lines


def _quoted(text: str) -> str:
    escaped = _escaped(text).replace('"', "\\(dq")
    return f'"{escaped}"'


def _escaped(line: str) -> str:
    """Text that no request and no escape of troff is read from."""
    text = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
