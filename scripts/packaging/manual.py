"""The man page, made of docs/reference/command.md."""

from __future__ import annotations

_HEAD = r""".TH TLSIGHT 1 "" "tlsight {version}" "User Commands"
.SH NAME
tlsight \- tells whether somebody intercepts TLS, and proves it
.SH SYNOPSIS
.B tlsight
.I VERB
.RI [ OPTION ...]
.SH DESCRIPTION
"""
_TAIL = r""".SH SEE ALSO
.I /usr/share/doc/tlsight
"""


def roff(markdown: str, version: str) -> str:
    """The page of the command's reference: headings become sections, blocks stay as they are printed."""
    lines: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            lines.append(".nf" if fenced else ".fi")
        elif fenced:
            lines.append(_escaped(line))
        elif line.startswith("## "):
            lines.append(f".SH {_escaped(line.removeprefix('## ')).upper()}")
        elif not line.startswith("# "):
            lines.append(_escaped(line.replace("`", "")) or ".PP")
    return _HEAD.format(version=version) + "\n".join(lines) + "\n" + _TAIL


def _escaped(line: str) -> str:
    """Text that no request and no escape of troff is read from."""
    text = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
