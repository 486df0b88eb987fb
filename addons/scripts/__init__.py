"""Entry files for `mitmdump -s`, kept alone because mitmproxy puts this folder on sys.path."""

from __future__ import annotations

from pathlib import Path


def bypass_script() -> Path:
    """The file to give to `mitmdump -s`."""
    return Path(__file__).with_name("bypass.py")
