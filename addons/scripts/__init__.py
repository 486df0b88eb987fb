"""Entry files for `mitmdump -s`, kept alone because mitmproxy puts this folder on sys.path."""

from __future__ import annotations

from pathlib import Path


def bypass_script() -> Path:
    """The file to give to `mitmdump -s`."""
    return Path(__file__).with_name("bypass.py")


def portable_script() -> str:
    """The same as text that may stand anywhere: it knows where this tlsight and its libraries are."""
    import msgspec

    text = bypass_script().read_text(encoding="utf-8")
    ours = str(Path(__file__).resolve().parents[2])
    libraries = str(Path(msgspec.__file__).resolve().parents[1])
    for name, folder in (("TLSIGHT", ours), ("LIBRARIES", libraries)):
        empty = f'{name} = ""\n'
        assert empty in text
        text = text.replace(empty, f"{name} = {folder!r}\n")
    return text
