"""Which files are looked through, as options of every verb that audits trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli.options import Option

Root = Annotated[Path, Option("--root", help="Where the file system begins; also a mounted image.")]
Homes = Annotated[list[Path] | None, Option("--home", help="A user's home; may be repeated.")]
Also = Annotated[
    list[Path] | None,
    Option("--also", help="One more bundle, NSS database or keystore; may be repeated."),
]
