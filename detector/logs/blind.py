"""What a log cannot show, and the line of configuration that would show it."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from detector.logs.program import Program
from detector.logs.programs import all_programs, program
from detector.logs.reading import Seen


class Blind(msgspec.Struct, frozen=True):
    """Something that stays hidden.

    Attributes:
        certain: the configuration in force says so; else the log only looks like it.

    """

    program: str
    text: str
    directive: str
    certain: bool


Verdict = Literal["shows", "hides", "unknown"]


def blind_spots(seen: Seen, configs: dict[str, str]) -> list[Blind]:
    """What is hidden from the reader of these logs.

    Args:
        seen: what was read.
        configs: text of the configuration in force, by program.

    """
    found: list[Blind] = []
    for name in seen.programs:
        if name == "schannel":
            continue
        one = program(name)
        for number, spot in enumerate(one.blind):
            shown = number in seen.levels.get(name, ())
            config = configs.get(name)
            says: Verdict = "unknown"
            if config is not None and spot.config:
                says = "shows" if re.search(spot.config, config) else "hides"
            if says == "shows" or (shown and says == "unknown"):
                continue
            found.append(Blind(name, spot.text, spot.directive, says == "hides"))
    return found


def program_of_config(text: str) -> Program | None:
    """The program that a configuration file is for."""
    for one in all_programs():
        if one.config_marks and re.search(one.config_marks, text):
            return one
    return None
