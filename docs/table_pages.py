"""Pages of the tables that the product ships: causes, alerts, rules, products, programs."""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Iterable, Sequence

from detector.evidence.gather import RULES
from detector.knowledge.causes import cause_table
from detector.knowledge.programs import programs
from detector.knowledge.shipped import engines, products
from detector.model import alerts
from detector.model.programs import Program, ProgramFix, ProgramSetting


def causes_page() -> str:
    """Why a handshake fails."""
    rows = [
        (cause.id, cause.party, cause.step, "yes" if cause.handshake else "", cause.text, cause.fix,
         ", ".join(cause.references))
        for cause in cause_table().rows
    ]  # fmt: skip
    return f"""# Causes

Why a handshake fails, as a fact about one party. Ids are stable and shared by all verbs. What one handshake shows is
told by `check` beside its verdict; the others take the further hellos of `diagnose`, a text, a log or a capture.

{table(("id", "who acts", "rung", "one handshake shows it", "what it is", "what to do", "source"), rows)}
"""


def alerts_page() -> str:
    """What each alert means to whom it was sent."""
    rows = [
        (str(row.code), row.name, row.client, row.old, row.server, row.source)
        for row in alerts.rows()
    ]
    return f"""# Alerts

What a TLS alert can mean by who received it, the likeliest cause first; `?` is possible, `??` unlikely.
The sender is the one who complains (RFC 8446 section 6). `check`, `diagnose`, `pcap`, `logs`, `explain`
and the addon ask this one table; what is known of the connection leaves causes out. *Old* clients offer
nothing later than TLS 1.1.

{table(("alert", "name", "received by a client", "by an old client", "by a server", "source"), rows)}
"""


def rules_page() -> str:
    """Every rule of evidence, as its file says it."""
    parts = [
        "# Rules of evidence\n",
        "What each rule claims, when it says nothing, and where the claim is from. [Evidence](evidence.md) has",
        "them in one table; [how verdicts are reached](../explanation/verdicts.md) says how they add up.\n",
    ]
    for rule in RULES:
        text = inspect.getdoc(importlib.import_module(rule.__module__)) or ""
        id_, _, claim = text.partition(": ")
        parts.append(f"## {id_}\n\n{claim[:1].upper()}{claim[1:]}\n")
    return "\n".join(parts)


def products_page() -> str:
    """Whom tlsight knows by name."""
    kept = engines()
    shapes = [
        (engine.name, engine.id, engine.category, str(len(engine.shapes)),
         "no" if all(shape.weak for shape in engine.shapes) else "yes", engine.source)
        for engine in kept
    ]  # fmt: skip
    named = [
        (product.name, product.category, "" if product.weak else "yes", ", ".join(product.own),
         product.source)
        for product in sorted(products(), key=lambda one: (one.category, one.name.casefold()))
    ]  # fmt: skip
    return f"""# Interceptors that are known

Whoever is not in these tables is found all the same: by his path, his leaves' profile and keys shared between
unrelated hosts. The tables put a name to him.

## Engines

{len(kept)} programs known by the shape of the leaves they mint, whatever their operator calls the CA. A shape that an
operator's own CA could have decides nothing.

{table(("engine", "id", "kind", "shapes", "decides", "measured on"), shapes)}

## Products

{len(named)} products known by what they write into the issuer's name. A common name decides nothing. Below the vendor's
own domains its CA is at home.

{table(("product", "kind", "decides", "vendor's domains", "source"), named)}
"""


def programs_page() -> str:
    """Whose trust settings are known."""
    kept = programs().values()
    proved = sum(program.proved for program in kept)
    parts = [
        "# Programs\n",
        f"Which store each of {len(kept)} programs goes by, what its settings change, and the line that adds a CA:",
        "what `explain`, `trust why` and `trust fix` go by. Settings stand in the order in which the program obeys",
        f"them, the strongest first. The lines of {proved} are *proved*: the tests run the program, which refuses",
        "without and works with them. CA_FILE stands for a PEM file with the one CA, BUNDLE for one with the public",
        "roots and the CA.\n",
    ]
    ordered = sorted(kept, key=lambda one: (one.kind, one.name.casefold()))
    for kind, group in itertools.groupby(ordered, key=lambda one: one.kind):
        rows = [_program(program) for program in group]
        parts.append(f"## {kind[:1].upper()}{kind[1:]}\n")
        parts.append(
            table(("program", "reads", "settings", "adds a CA", "turns verification off"), rows)
        )
        parts.append("")
    return "\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; a bar in a cell is no border."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def _program(program: Program) -> tuple[str, ...]:
    name = f"**{program.name}** `{program.id}`{', proved' if program.proved else ''}"
    if program.under:
        name += f"; settings of {program.under} count too"
    return (
        name,
        _lines(f"{_only(read.platform)}{read.text}" for read in program.reads),
        _lines(_setting(setting) for setting in program.setting),
        _lines(_fix(fix) for fix in program.fix if "untrusted-root" in fix.causes),
        _lines(f"`{unsafe.key}`" for unsafe in program.unsafe),
    )


def _setting(setting: ProgramSetting) -> str:
    when = f" where it is `{setting.when}`" if setting.when else ""
    return f"{_only(setting.platform)}`{setting.key}` {setting.effect}{when}"


def _fix(fix: ProgramFix) -> str:
    line = fix.command or (f"{fix.sets}={fix.value}" if fix.sets else f"in {fix.file}")
    return f"{_only(fix.platform)}`{' '.join(line.split())}`"


def _only(platform: str) -> str:
    return f"{platform}: " if platform else ""


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(texts)
