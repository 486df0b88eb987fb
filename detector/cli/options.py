"""What verbs take, said by the annotations of their functions, and the verbs themselves as click's commands.

Theory of operation
-------------------
A parameter of a verb is annotated `Annotated[type, Option(...)]` or `Annotated[type, Argument(...)]`; its default is
the signature's. From that, click's parameter is made: a bool is a flag, `list[...]` may be given again, a Literal is
one of its words, a Path completes files, `min` and `max` bound a number. A parameter annotated Context gets click's.
A list that was not given is None where that is its default.

Verb and Verbs are click's Command and Group with the help of detector.cli.help_text and the options that every verb
has (detector.cli.everywhere).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
from click import Abort, BadParameter, ClickException, Context, confirm
from click.exceptions import Exit

from detector.cli import everywhere

__all__ = [
    "Abort", "Argument", "BadParameter", "ClickException", "Context", "Exit", "Option", "Verb", "Verbs", "confirm",
]  # fmt: skip


class Option:
    """What is said of an option beside its type and default.

    Args:
        names: what it is called ("--json", "-j"; "--yes/--no" for both ways); like its parameter without any.
        help: a sentence or two, on one line however long.
        metavar: what stands for the value in the help; the type's own word where it is None.
        values: words that the value may be, or the name of a source of them, for completion.
        min: the least number.
        max: the greatest.
        panel: title of the part of the help where it stands; its group's, or the verb's own, where it is None.
        envvar: variable that is asked where the option is not given.
        hidden: left out of the help.
        alone: the value of an option that is given without one; without it, one must be given.
        callback: called with the value; gives what the verb gets, or raises BadParameter.
    """

    __slots__ = (
        "alone",
        "callback",
        "envvar",
        "help",
        "hidden",
        "max",
        "metavar",
        "min",
        "names",
        "panel",
        "values",
    )

    def __init__(
        self,
        *names: str,
        help: str = "",  # noqa: A002 - click's words
        metavar: str | None = None,
        values: str | Sequence[str] | None = None,
        min: float | None = None,  # noqa: A002
        max: float | None = None,  # noqa: A002
        panel: str | None = None,
        envvar: str | None = None,
        hidden: bool = False,
        alone: str | None = None,
        callback: Callable[[Any], Any] | None = None,
    ) -> None:
        self.names = names
        self.help = help
        self.metavar = metavar
        self.values = values
        self.min = min
        self.max = max
        self.panel = panel
        self.envvar = envvar
        self.hidden = hidden
        self.alone = alone
        self.callback = callback


class Argument(Option):
    """What is said of a word that no option stands before; it has no names."""

    __slots__ = ()


class ShownOption(click.Option):
    """An option that knows the part of the help where it stands, and what its values are."""

    panel: str | None = None
    values: str | Sequence[str] | None = None


class ShownArgument(click.Argument):
    """An argument with a text for the help."""

    help: str = ""
    values: str | Sequence[str] | None = None


class _Helping:
    """The help of detector.cli.help_text, for `-h` and `--help`."""

    def get_help(self, ctx: Context) -> str:
        from detector.cli.help_text import render

        return render(ctx)

    _help: ShownOption | None = None

    def get_params(self, ctx: Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *everywhere.options()]  # type: ignore[misc]

    def get_help_option(self, ctx: Context) -> ShownOption:  # noqa: ARG002 - click's
        if self._help is not None:  # click asks more than once, and means the same one
            return self._help

        def show(ctx: Context, _: click.Parameter, asked: bool) -> None:
            if asked and not ctx.resilient_parsing:
                print(ctx.get_help())
                ctx.exit()

        self._help = ShownOption(
            ["-h", "--help"], is_flag=True, is_eager=True, expose_value=False, callback=show,
            help="Show this text.",
        )  # fmt: skip
        return self._help


class Verb(_Helping, click.Command):
    """A verb, from its function."""

    @classmethod
    def of(cls, function: Callable[..., Any], name: str | None = None, **more: Any) -> Verb:
        """The function as a verb, called like it where no name is given; its text is the help."""
        return cls(
            name or function.__name__.replace("_", "-"),
            callback=_called(function),
            params=_parameters(function),
            help=inspect.getdoc(function),
            **more,
        )


class Verbs(_Helping, click.Group):
    """A group of verbs."""

    def command[F: Callable[..., Any]](  # type: ignore[override]  # gives the function, for others to call
        self, name: str | None = None, *, cls: type[Verb] = Verb, **more: Any
    ) -> Callable[[F], F]:
        """Adds the function below as a verb."""

        def added(function: F) -> F:
            self.add_command(cls.of(function, name, **more))
            return function

        return added

    def itself[F: Callable[..., Any]](self, *, alone: bool = False) -> Callable[[F], F]:
        """Has the function below called before each verb, and, with `alone`, also where no verb is given."""

        def added(function: F) -> F:
            self.callback = _called(function)
            self.params = _parameters(function)
            self.invoke_without_command = alone
            if alone:
                self.no_args_is_help = False
                self.subcommand_metavar = "[COMMAND] [ARGS]..."
            return function

        return added


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, given lists where click gives tuples, and the context where it wants one."""
    hints = get_type_hints(function)
    own = inspect.signature(function).parameters
    lists = {name: own[name].default for name, hint in hints.items() if _bare(hint)[1]}
    contexts = [name for name, hint in hints.items() if hint is Context]

    def called(**given: Any) -> Any:
        for name, default in lists.items():
            given[name] = list(given[name]) if given[name] or default is not None else None
        for name in contexts:
            given[name] = click.get_current_context()
        return function(**given)

    return called


def _parameters(function: Callable[..., Any]) -> list[click.Parameter]:
    hints = get_type_hints(function, include_extras=True)
    found: list[click.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if hints[name] is Context:
            continue
        hint = hints[name]
        said = getattr(hint, "__metadata__", ())
        declared = next((one for one in said if isinstance(one, Option)), None)
        if declared is None:  # only a type: a word where it must be given, else an option
            declared = Argument() if parameter.default is parameter.empty else Option()
        found.append(
            _parameter(name, hint.__origin__ if said else hint, declared, parameter.default)
        )
    return found


def _parameter(name: str, hint: Any, declared: Option, default: Any) -> click.Parameter:
    one, many = _bare(hint)
    required = default is inspect.Parameter.empty
    said: dict[str, Any] = {"required": required, "type": _type(one, declared)}
    if declared.envvar is not None:
        said["envvar"] = declared.envvar
    if declared.metavar is not None:
        said["metavar"] = declared.metavar
    if (check := declared.callback) is not None:
        said["callback"] = lambda _context, _parameter, value: check(value)
    if not required:
        said["default"] = default
    if isinstance(declared, Argument):
        word = ShownArgument([name], nargs=-1 if many else 1, **said)
        word.help = declared.help
        word.values = declared.values
        return word
    if one is bool:
        said |= {"is_flag": True, "type": click.BOOL}
    elif many:
        said["multiple"] = True
    if declared.alone is not None:
        said |= {"is_flag": False, "flag_value": declared.alone}
    names = declared.names or ("--" + name.replace("_", "-"),)
    made = ShownOption(
        [name, *names], help=declared.help, hidden=declared.hidden, show_default=True,
        show_envvar=True, **said,
    )  # fmt: skip
    made.panel = declared.panel
    made.values = declared.values
    return made


def _bare(hint: Any) -> tuple[Any, bool]:
    """A type without `| None`, and whether it is a list of it."""
    inner = [one for one in get_args(hint) if one is not type(None)]
    if type(None) in get_args(hint) and len(inner) == 1:
        (hint,) = inner
    if get_origin(hint) is list:
        return get_args(hint)[0], True
    return hint, False


def _type(kind: Any, declared: Option) -> Any:
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    if get_origin(kind) is tuple:
        return get_args(kind)
    if kind is Path:
        return click.Path(path_type=Path)
    if kind in (int, float) and not (declared.min is None and declared.max is None):
        return (click.IntRange if kind is int else click.FloatRange)(declared.min, declared.max)  # type: ignore[arg-type]
    return kind
