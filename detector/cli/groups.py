"""Options that belong together, declared once and handed over whole.

Theory of operation
-------------------
A group is a frozen msgspec.Struct (a dataclass would take ten times as long at every start) whose fields are annotated
as detector.cli.options says, with their defaults. A verb names the group as one of its own parameters; `grouped`
spreads the fields out in the verb's signature, in the group's place, so that they are its options on the command line,
and puts what was given together again before the verb is called. Field names are unique within a verb. In the help they
stand under the group's first line.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from copy import copy
from typing import Annotated, Any, get_type_hints

import msgspec

from detector.cli.options import Option


def grouped[F: Callable[..., Any]](verb: F) -> F:
    """The verb with its groups' fields as parameters of their own. Raises TypeError for a field that stands twice."""
    hints = get_type_hints(verb, include_extras=True)
    own = inspect.signature(verb).parameters
    groups: dict[str, type[msgspec.Struct]] = {}
    spread: list[inspect.Parameter] = []
    for name, parameter in own.items():
        kind = hints[name]
        if not (inspect.isclass(kind) and issubclass(kind, msgspec.Struct)):
            spread.append(parameter.replace(annotation=kind))
            continue
        groups[name] = kind
        types = get_type_hints(kind, include_extras=True)
        spread += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=_shown_with(kind, types[field.name]),
            )
            for field in inspect.signature(kind).parameters.values()
        ]
    names = [parameter.name for parameter in spread]
    if len(set(names)) < len(names):
        raise TypeError(f"{verb.__name__}: an option stands in two groups")

    @functools.wraps(verb)
    def called(**given: Any) -> Any:
        for name, kind in groups.items():
            given[name] = kind(**{field: given.pop(field) for field in kind.__struct_fields__})
        return verb(**given)

    ordered = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in spread]
    called.__signature__ = inspect.Signature(ordered, return_annotation=int)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in ordered} | {"return": int}
    del called.__wrapped__  # what is asked is the signature that is said here
    return called  # type: ignore[return-value]


def _shown_with(group: type, annotation: Any) -> Any:
    """The annotation, whose option stands under what its group is about, where it says no other title."""
    for said in getattr(annotation, "__metadata__", ()):
        if isinstance(said, Option) and said.panel is None and group.__doc__:
            there = copy(said)
            there.panel = group.__doc__.partition("\n")[0].rstrip(".")
            return Annotated[annotation.__origin__, there]
    return annotation


def words_of(group: msgspec.Struct, leave_out: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A group's fields as words of a command line; those left at their defaults, and `leave_out`, apart.

    Each option is called like its field.
    """
    found: list[str] = []
    for field in inspect.signature(type(group)).parameters.values():
        value = getattr(group, field.name)
        if field.name in leave_out or value == field.default:
            continue
        option = "--" + field.name.rstrip("_").replace("_", "-")
        if value is True:
            found.append(option)
        elif isinstance(value, list | tuple):
            found += [word for one in value for word in (option, str(one))]
        else:
            found += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return tuple(found)
