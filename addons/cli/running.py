"""`tlsight bypass`: the proxy itself: started, given its script, and which of them are alive."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Context, Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.store.bypass_store import BypassStore


def run(context: Context, rules: given.Rules = None, store: given.Store = None) -> int:
    """Start mitmdump with the addon loaded; further words go to mitmdump.

    What is given here counts before mitmproxy's config.yaml, and that before TLSIGHT_BYPASS_RULES and
    TLSIGHT_BYPASS_STORE, and before the usual rules and store.
    """
    import os
    import shutil

    import msgspec

    from addons.scripts import bypass_script
    from addons.store.whereabouts import GIVEN_VARIABLE, RULES_VARIABLE, STORE_VARIABLE
    from detector.errors import ConfigError

    beside = Path(sys.executable).with_name("mitmdump")
    program = str(beside) if beside.exists() else shutil.which("mitmdump")
    if program is None:
        raise ConfigError("bypass run", "no mitmdump", remedy="pip install 'tlsight[proxy]'")
    words = [program, "-s", str(bypass_script())]
    given_here = _set_in(context.args)
    environment = dict(os.environ)
    for parameter, path, option, variable in (
        ("store", store, "bypass_store", STORE_VARIABLE),
        ("rules", given.rules_path(rules), "bypass_rules", RULES_VARIABLE),
    ):
        if path is None:
            continue
        source = context.get_parameter_source(parameter)
        if source is not None and source.name == "COMMANDLINE":
            words += ["--set", f"{option}={path}"]
            given_here[option] = str(path)
        else:  # mitmproxy takes an option once: what is only usual must not be set
            environment[variable] = str(path)
    environment[GIVEN_VARIABLE] = msgspec.json.encode(given_here).decode()
    # mitmdump takes this process's place
    os.execve(program, [*words, *context.args], environment)  # noqa: S606


def script(
    text: Annotated[
        bool, Option("--text", help="Print the script itself, for a mitmproxy elsewhere.")
    ] = False,
    write: Annotated[
        Path | None, Option(help="Write it to this file, and print the file's path.")
    ] = None,
) -> int:
    """Print the path of the addon, for mitmdump -s.

    It works in any mitmproxy whose Python can load what tlsight needs. --text and --write make a script that may
    stand anywhere: it knows where this tlsight is.
    """
    from addons.scripts import bypass_script, portable_script
    from detector.cli.streams import write_file

    if write is not None:
        write.write_text(portable_script(), encoding="utf-8")
        print(write.absolute())
    elif text:
        write_file(portable_script().encode())
    else:
        print(bypass_script())
    return exit_codes.CLEAN


def proxies(store: given.Store = None, json: Json = False) -> int:
    """List the proxies that read the store; exit with 1 where none does."""
    from detector import clock

    with given.read_store(store) as opened:
        alive = opened.proxies.alive(clock.now())
        if not json:
            tell_readers(opened)
    for one in alive:
        if json:
            given.print_json(one)
            continue
        rules = (
            f"{one.rules} rules, {one.rules_file} too" if one.rules_file else f"{one.rules} rules"
        )
        given.say(f"{one}: mode {one.mode}, {rules}, since {one.started.isoformat()}")
        if one.last is not None:
            last = one.last
            given.say(f"  last {last.action} {last.host} by {last.rule} at {last.at.isoformat()}")
        for line in _warnings(one.beside):
            given.say(f"  {line}")
    return exit_codes.CLEAN if alive else exit_codes.FOUND


def tell_readers(opened: BypassStore) -> int:
    """How many proxies read the store now; where none does that is said on stderr."""
    from detector import clock

    known, now = opened.proxies.all(), clock.now()
    alive = sum(one.is_fresh(now) for one in known)
    if not alive:
        last = f"; the last was {known[0]}, seen {known[0].seen.isoformat()}" if known else ""
        given.tell(
            f"no proxy reads this store, so nothing of it is in force: {opened.path}{last};"
            f" tlsight bypass run --store {opened.path} starts one"
        )
    return alive


def proxies_own(opened: BypassStore, names: list[str], port: int) -> list[str]:
    """What the proxies that are alive do by options of mitmproxy to what the rules leave to it."""
    from detector import clock

    return opened.proxies.own(names, port, clock.now())


def _set_in(words: list[str]) -> dict[str, str]:
    """Options of the addon that are set among mitmdump's words."""
    specs = [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
    specs += [after for word, after in pairwise(words) if word == "--set"]
    split = [spec.partition("=") for spec in specs]
    return {name: value for name, equals, value in split if equals and name.startswith("bypass_")}


def _warnings(beside: object) -> list[str]:
    from addons.bypass.beside import Beside, warnings

    assert isinstance(beside, Beside)
    return list(warnings(beside))


def register(app: Verbs) -> None:
    words = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command("run", context_settings=words)(run)
    app.command("script")(script)
    app.command("proxies")(proxies)
