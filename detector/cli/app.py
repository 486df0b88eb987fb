"""The command tree, settings from file and environment, and the last line of defence for errors."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from detector.cli import color, ending, everywhere, exit_codes
from detector.cli.completing import SHELLS
from detector.cli.options import Abort, ClickException, Exit, Option, Verb, Verbs
from detector.errors import ConfigError, StoreError, TlsightError
from detector.version import __version__

# Each verb's module is imported when it is used: building all of them would slow every start.
VERBS = {
    "check": "detector.cli.check:check",
    "diagnose": "detector.cli.diagnose:diagnose",
    "watch-path": "detector.cli.watch_path:watch_path",
    "judge": "detector.cli.judge:judge",
    "grade": "detector.cli.grade:grade",
    "explain": "detector.cli.explain:explain",
    "logs": "detector.cli.logs:logs",
    "pcap": "detector.cli.pcap:pcap",
    "ct": "detector.cli.ct:app",
    "pins": "detector.cli.pins:app",
    "policy": "detector.cli.policy:app",
    "trust": "detector.cli.trust:app",
    "bypass": "addons.cli.bypass:app",
    "fleet": "addons.cli.fleet:app",
    "engine": "detector.cli.engine:app",
    "agent": "detector.cli.agent:app",
    "update": "detector.cli.update:update",
    "echo": "detector.cli.echo:app",
    "lab": "detector.cli.lab:app",
    "demo": "detector.cli.demo:demo",
    "doctor": "detector.cli.doctor:doctor",
    "mcp": "detector.mcp.verb:mcp",
}
# Settings that name what verdicts and bypasses are decided by.
_DECIDING = frozenset(("policy", "pins", "issuers", "roots", "ct_logs", "lists", "rules"))
# Options behind which everything is another program's.
_PASSES_ON = {"explain": "--watch"}
# With these words the command line is asked about itself.
_NO_QUESTION = frozenset(
    ("-h", "--help", "-V", "--version", "--install-completion", "--show-completion")
)
# These say what is wrong with the settings, so they start without.
_WITHOUT_SETTINGS = frozenset(("doctor",))
_OWN_IT = "make it yours or root's with chown, and chmod go-w"


_HELP = """Tells whether somebody stands between you and a TLS server, and proves it.

Without a command it asks a dozen well-known sites, and answers in a paragraph: am I intercepted?
"""


def build(verbs: Iterable[str] = VERBS) -> Verbs:
    """The command tree with these verbs."""
    app = Verbs(
        name="tlsight",
        help=_HELP,
        no_args_is_help=True,
    )
    app.itself(alone=True)(_root)
    for verb in verbs:
        module, _, name = VERBS[verb].partition(":")
        found = getattr(importlib.import_module(module), name)
        if isinstance(found, Verbs):
            app.add_command(found, verb)
        else:
            app.command(verb)(found)
    return app


def _root(
    version: Annotated[bool, Option("--version", "-V", help="Show the version and exit.")] = False,
    install_completion: Annotated[
        str | None,
        Option(metavar="[SHELL]", alone="", help="Have bash, zsh or fish complete.", values=SHELLS),
    ] = None,
    show_completion: Annotated[
        str | None,
        Option(metavar="[SHELL]", alone="", help="Print what it reads for that.", values=SHELLS),
    ] = None,
) -> None:
    if version:
        print(f"tlsight {__version__}")
        raise Exit
    if install_completion is None and show_completion is None:
        return
    from detector.cli import shells

    shell = install_completion or show_completion or shells.own_shell(os.environ)
    if show_completion is not None:
        print(shells.script(shell), end="")
    else:
        file, start = shells.install(shell, Path.home())
        print(f"{file} completes tlsight" + (f"; {start} reads it" if start else ""))
        print(f"from the next {shell} on")
    raise Exit


def run(arguments: Sequence[str]) -> int:
    """Run the command line and give the exit code. Errors become one line on stderr."""
    try:
        color.prepare("auto", os.environ)
        if _is_question(arguments):
            return _answered(arguments)
        verb = _verb(arguments)
        if verb not in VERBS:
            _refuse_host(verb)
        command = build((verb,) if verb in VERBS else VERBS)
        settings: dict[str, Any] = {}
        if verb not in _WITHOUT_SETTINGS:
            settings = load_settings(os.environ, dict(command.commands))
        result = command.main(
            _own_words(arguments),
            prog_name="tlsight",
            standalone_mode=False,
            default_map=settings,
        )
        return result if isinstance(result, int) else exit_codes.CLEAN
    except Exception as error:  # the boundary: every error leaves here as one line
        return tell(error)


def _is_question(arguments: Sequence[str]) -> bool:
    """No verb is named, and neither help, the version nor a shell's script is asked for."""
    if {word.partition("=")[0] for word in arguments} & _NO_QUESTION:
        return False
    first = _verb(arguments)
    return not first or first.startswith("-")


def _verb(arguments: Sequence[str]) -> str:
    """The first word that is none of the options that every verb has; empty where there is none."""
    words = iter(arguments)
    for word in words:
        name, equals, _ = word.partition("=")
        if name not in everywhere.NAMES:
            return word
        if not equals:
            next(words, None)
    return ""


def _refuse_host(word: str) -> None:
    """A host in a verb's place. Raises ConfigError, with the verb that asks it; nothing of the word but the host and
    the port is told again, for it may hold a password.
    """
    from detector.model.targets import host_text, parse_target

    if not any(mark in word for mark in ".:/"):
        return
    try:
        host = host_text(parse_target(word))
    except TlsightError:
        return
    remedy = f"tlsight check {host}"
    raise ConfigError("No such command", f"{host} looks like a host", remedy=remedy)


def _answered(arguments: Sequence[str]) -> int:
    """`tlsight` alone, with the settings of `check`."""
    from detector.cli.answer import answer

    settings = load_settings(os.environ, dict(build(("check",)).commands))
    result = Verb.of(answer).main(
        list(arguments),
        prog_name="tlsight",
        standalone_mode=False,
        default_map=settings.get("check", {}),
    )
    return result if isinstance(result, int) else exit_codes.CLEAN


def load_settings(environment: Any, commands: dict[str, Any]) -> dict[str, Any]:
    """Defaults of the config file: one table a verb, keys named like the flags.

    Tables of verbs that are not in `commands` are left unread. A file that somebody else could have written is
    told and left out (see detector.knowledge.owners); one that TLSIGHT_CONFIG names is an error then. Raises
    ConfigError for that, for a broken file, an unknown key, and a file named in it that others may write.
    """
    from detector.knowledge.folders import config_folder

    named = environment.get("TLSIGHT_CONFIG")
    path = Path(named) if named else config_folder(environment) / "config.toml"
    if not path.exists():
        if named:
            raise ConfigError(str(path), "No such file", remedy="unset TLSIGHT_CONFIG")
        return {}
    from detector.knowledge.owners import Distrusted, read_ours
    from detector.knowledge.rows import MAX_FILE, parse_toml

    try:
        data, _ = parse_toml(path, read_ours(path, MAX_FILE))
    except Distrusted as error:
        if named:
            raise ConfigError(str(path), str(error), remedy=_OWN_IT) from None
        ending.say(f"{path} is not used: {error}; {_OWN_IT}")
        return {}
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(str(path), why, remedy="check the path and its permissions") from None
    for verb, table in data.items():
        if verb not in VERBS or not isinstance(table, dict):
            raise ConfigError(str(path), f"unknown table [{verb}]; known: {', '.join(VERBS)}")
    used = {verb: table for verb, table in data.items() if verb in commands}
    return {verb: _defaults(path, verb, table, commands[verb]) for verb, table in used.items()}


def _defaults(path: Path, where: str, table: dict[str, Any], command: Any) -> dict[str, Any]:
    """One verb's settings; tables inside are its own verbs' (`[ct.fetch]`)."""
    inner = getattr(command, "commands", {})
    names = {parameter.name for parameter in command.params}
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if key in inner and isinstance(value, dict):
            found[key] = _defaults(path, f"{where}.{key}", value, inner[key])
        elif name in names:
            if name in _DECIDING and isinstance(value, str):
                _demand_ours(path, f"[{where}] {key}", Path(value))
            found[name] = value
        else:
            raise ConfigError(str(path), f"[{where}] has no setting {key!r}")
    return found


def _demand_ours(path: Path, key: str, named: Path) -> None:
    """What the settings say is read is held to the same as they are. Raises ConfigError."""
    from detector.knowledge.owners import distrusted

    try:
        why = distrusted(named.stat())
    except OSError:
        return  # told by who reads it
    if why is not None:
        raise ConfigError(str(path), f"{key}: {named}: {why}", remedy=_OWN_IT)


def _own_words(arguments: Sequence[str]) -> list[str]:
    """The arguments, with a mark where ours end and another program's begin."""
    words = list(arguments)
    option = _PASSES_ON.get(words[0]) if words else None
    if option in words:
        at = words.index(option) + 1
        if words[at : at + 1] != ["--"] and "--" not in words[:at]:
            words.insert(at, "--")
    return words


def tell(error: Exception) -> int:
    """Say what went wrong in one line on stderr, and give the exit code for it."""
    if isinstance(error, Abort):
        return ending.tell(KeyboardInterrupt())
    if isinstance(error, ClickException):
        text = error.format_message()
        if "\n" in text:  # the help, where no verb was given
            print(text)
        elif text:
            ending.say(f"{text} See tlsight --help.")
        return exit_codes.USAGE
    if isinstance(error, TlsightError):
        ending.say(str(error))
        return exit_codes.ENVIRONMENT if isinstance(error, StoreError) else exit_codes.USAGE
    return ending.tell(error)
