"""What options take, by the names that their declarations give (`Option(values="causes")`): words of our own tables.

detector.cli.command_tree asks once, for the table that shells complete by; nothing is loaded until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def starttls() -> Sequence[str]:
    """Protocols that turn to TLS."""
    from detector.model.targets import STARTTLS_PORTS

    return tuple(STARTTLS_PORTS)


def verdicts() -> Sequence[str]:
    """From which on a run may exit with 1."""
    from detector.cli.exit_codes import LEVELS

    return LEVELS[1:]


def levels() -> Sequence[str]:
    """Of what an audit finds."""
    from detector.auditing.model import LEVELS

    return LEVELS


def servers() -> Sequence[str]:
    """Programs for which there are lines to write."""
    from detector.knowledge.fixes import PROGRAMS

    return (*PROGRAMS, "all")


def programs() -> Sequence[str]:
    """Programs whose trust is known."""
    from detector.knowledge.programs import programs as known

    return sorted(known())


def causes() -> Sequence[str]:
    """What a diagnosis may be."""
    from detector.knowledge.causes import cause_table

    return ("healthy", *sorted(row.id for row in cause_table().rows))


def cases() -> Sequence[str]:
    """Servers of the lab."""
    from detector.lab.cases import CASES

    return [one.id for one in CASES]


def pin_formats() -> Sequence[str]:
    """What pins are exported as."""
    from detector.pinning.export import FORMATS

    return FORMATS


def log_formats() -> Sequence[str]:
    """Programs whose logs are read."""
    from detector.logs.reading import FORMATS

    return FORMATS


def lists() -> Sequence[str]:
    """What `update` fetches."""
    from detector.lookup.update import FEEDS

    return FEEDS


SOURCES: dict[str, Callable[[], Sequence[str]]] = {
    one.__name__: one
    for one in (
        starttls, verdicts, levels, servers, programs, causes, cases, pin_formats, log_formats, lists,
    )
}  # fmt: skip
# What the help calls one of them.
CALLED = {
    "starttls": "PROTOCOL", "verdicts": "VERDICT", "levels": "LEVEL", "servers": "PROGRAM", "programs": "PROGRAM",
    "causes": "CAUSE", "cases": "CASE", "pin_formats": "FORMAT", "log_formats": "FORMAT", "lists": "LIST",
}  # fmt: skip
# What is asked when a shell completes: files of this machine, and hosts that earlier runs saw or pins name.
ASKED_LATE = ("files", "hosts")
