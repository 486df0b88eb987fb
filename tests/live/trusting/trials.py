"""What a row of data/programs claims, as runs that can refute it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from detector.model.programs import TRUST_CAUSES, Program, ProgramFix, ProgramSetting
from tests.live.trusting.origin import Origin
from tests.live.trusting.recipe import FileKind, Recipe, Setup, holds_here, version_of
from tests.live.trusting.stores import ASKED, SYSTEM, Stores

# Stores that the test's own store of the system stands for.
_OF_SYSTEM = ("os", "java")


@dataclass(frozen=True)
class Trial:
    """One run: what is set, whose certificate the server shows, and whether the program is to take it.

    Attributes:
        claim: which of the row's claims it can refute: default, setting, order, line, unsafe.
        put: key and value of each setting.
        fix: a line that is applied first.

    """

    claim: str
    label: str
    server: str
    trusts: bool
    put: tuple[tuple[str, str], ...] = ()
    fix: ProgramFix | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run showed: whether the server heard of the program, and, where the program says so, whether it is content."""

    trial: Trial
    took: bool
    said: str = field(repr=False)

    @property
    def complaint(self) -> str:
        """In what it is not as claimed; "" where it is."""
        if self.took == self.trial.trusts:
            return ""
        wanted = "take" if self.trial.trusts else "refuse"
        return f"{self.trial.label}: does not {wanted} the {self.trial.server} CA's server\n{self.said[-1500:]}"


def trials(row: Program, recipe: Recipe, stores: Stores) -> Iterator[Trial]:
    """Every run that the row asks for here."""
    version = version_of(recipe)

    reads = next(one for one in row.reads if holds_here(one, version))
    by_system = reads.store in _OF_SYSTEM
    yield Trial("default", "nothing set", ASKED, trusts=reads.store == "none")
    yield Trial("default", "nothing set", SYSTEM, trusts=by_system or reads.store == "none")

    settings: list[ProgramSetting] = [
        one for one in row.setting if holds_here(one, version) and one.key not in recipe.left_out
    ]

    def value(one: ProgramSetting, name: str) -> str:
        if one.value == "flag":
            return _sample(one.when, one.key)
        if one.value == "store":
            return str(stores.store(name))
        return str(stores.hashed(name) if one.value == "folder" else stores.file(name))

    def put(one: ProgramSetting, name: str) -> tuple[tuple[str, str], ...]:
        needed = ((one.needs, "1"),) if one.needs else ()
        return (*needed, (one.key, value(one, name)))

    for one in settings:
        of_store = one.effect == "switches" or one.store
        if of_store:
            yield Trial("setting", one.key, SYSTEM, trusts=True, put=put(one, ASKED))
            yield Trial("setting", one.key, ASKED, trusts=False, put=put(one, ASKED))
            continue
        yield Trial("setting", one.key, ASKED, trusts=True, put=put(one, ASKED))
        if recipe.slow and one is not settings[0]:
            continue
        stays = one.keeps or (one.effect == "adds" and not one.needs)
        keeps = one.key in recipe.keeps or (by_system and stays)
        yield Trial("setting", one.key, SYSTEM, trusts=keeps, put=put(one, ASKED))
    of_files = [one for one in settings if one.value != "flag"]
    for strong, weak in pairwise(of_files):
        label = f"{strong.key} before {weak.key}"
        both = (*put(strong, SYSTEM), *put(weak, ASKED))
        if label in recipe.left_out:
            continue
        if not recipe.slow:
            yield Trial("order", label, SYSTEM, trusts=True, put=both)
        yield Trial("order", label, ASKED, trusts=strong.effect == "adds", put=both)
    for fix in row.fix:
        text = f"{fix.value}{fix.command}{fix.lines}"
        left = any(word in f"{fix.sets} {text}" for word in recipe.left_out)
        if fix.causes[0] not in TRUST_CAUSES or not holds_here(fix, version) or left:
            continue
        brings = "CA_FILE" in text or "BUNDLE" in text
        label = fix.sets or fix.command or fix.file
        yield Trial("line", label, ASKED if brings else SYSTEM, trusts=True, fix=fix)
    for switch in row.unsafe:
        if not {switch.key, f"{switch.key}:unsafe"} & recipe.left_out.keys():
            value_ = recipe.values.get(switch.key) or _sample(switch.when, switch.key)
            yield Trial("unsafe", switch.key, ASKED, trusts=True, put=((switch.key, value_),))


def _sample(expression: str, key: str) -> str:
    """A value that an expression matches: its first alternative, where that is a plain word."""
    word = re.split(r"[|)]", expression.lstrip("("))[0].replace('"?', "")
    return word or ("1" if key.startswith("env:") else "")


def run(
    trial: Trial, recipe: Recipe, kinds: dict[str, FileKind], stores: Stores, home: Path
) -> Outcome:
    """One run, in a home folder of its own."""
    home.mkdir(parents=True)
    setup = Setup(recipe, kinds, home)
    for key, value in trial.put:
        setup.put(key, value)
    system = home.with_suffix(".system")
    shutil.copytree(stores.system_hashed if recipe.hashed else stores.system, system, symlinks=True)
    if trial.fix is not None:
        setup.apply(trial.fix, stores)
    with Origin(stores.contexts[trial.server], recipe.speaks) as origin:
        code, said = setup.run(origin.port, system)
        took = origin.trusted > 0 and (code == 0 or not recipe.succeeds)
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(system)
    return Outcome(trial, took, f"{said}\nexit code {code}")
