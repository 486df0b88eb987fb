"""`tlsight lab`: servers that are broken on purpose, for teaching and for testing clients."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.ending import say
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json
from detector.cli.streams import write_json
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.lab.case import Case
    from detector.lab.pki import Credential

# Columns beside the names in which a text is still read with ease.
_TEXT = 24

app = Verbs(
    no_args_is_help=True, help="Broken servers on loopback, each with the cause it should be given."
)


@app.command("list")
def list_(json: Json = False) -> int:
    """List the cases with the cause that should be named."""
    from detector.lab.cases import CASES

    if json:
        for one in CASES:
            write_json({"case": one.id, "cause": one.cause, "text": one.text})
        return exit_codes.CLEAN
    from rich.text import Text

    from detector.report.check_text import stdout_console
    from detector.report.layout import Hanging

    console = stdout_console()
    for one in CASES:
        names = Text(f"{one.id:27} {one.cause:28}")
        if console.width < names.cell_len + _TEXT:
            console.print(f"{one.id:27} {one.cause}")
            names = Text(" ")
        console.print(Hanging(names, Text(one.text), names.cell_len))
    return exit_codes.CLEAN


@app.command("serve")
def serve(
    cases: Annotated[
        list[str] | None, Argument(help="Only these; all of them when left out.", values="cases")
    ] = None,
    folder: Annotated[
        Path, Option("--dir", help="Where root.pem, logs.json and client keys are written.")
    ] = Path("tlsight-lab"),
    public_ip: Annotated[
        str | None,
        Option(
            metavar="IP",
            help="Listen there instead of on loopback. Anybody who reaches it reaches broken servers.",
        ),
    ] = None,
    yes: Annotated[bool, Option("--i-know-what-i-do", help="Needed by --public-ip.")] = False,
    grade: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="Serve what tlsight grade asks instead, below this name: self-signed.NAME and so on.",
        ),
    ] = None,
    port: Annotated[
        int, Option(min=0, max=65535, help="Where --grade is served; 0 for any free port.")
    ] = 0,
    certificate: Annotated[
        Path | None,
        Option(
            "--cert",
            metavar="FILE",
            help="For --grade: a certificate of your own for *.NAME, RSA, shown where the certificate is not the fault.",
        ),
    ] = None,
    key: Annotated[Path | None, Option("--key", metavar="FILE", help="Its key.")] = None,
    json: Json = False,
) -> int:
    """Serve cases on loopback until SIGINT or SIGTERM; say host, port and expected cause of each.

    The lab's root is in DIR/root.pem. Each case comes with the words that ask it:
    tlsight diagnose --roots DIR/root.pem --ct-logs DIR/logs.json WORDS
    """
    from detector.lab.cases import CASES, case
    from detector.lab.stopping import run_stoppable

    if public_ip is not None and not yes:
        remedy = "add --i-know-what-i-do"
        raise ConfigError("--public-ip", "would show broken servers to others", remedy=remedy)
    if grade is not None:
        own = _own(certificate, key, grade)
        address = public_ip or "127.0.0.1"
        with suppress(KeyboardInterrupt):
            run_stoppable(_serve_graded(grade, folder, address, port, own, json=json))
        return exit_codes.CLEAN
    if certificate is not None or key is not None or port:
        raise ConfigError("--grade", "is what --cert, --key and --port are for")
    wanted: list[Case] = []
    for name in cases or [one.id for one in CASES]:
        found = case(name)
        if found is None:
            raise ConfigError("lab serve", f"no case {name!r}", remedy="see tlsight lab list")
        wanted.append(found)
    with suppress(KeyboardInterrupt):
        run_stoppable(_serve(wanted, folder, public_ip, json=json))
    return exit_codes.CLEAN


async def _serve(cases: list[Case], folder: Path, address: str | None, *, json: bool) -> None:
    import asyncio
    from contextlib import AsyncExitStack

    from detector.lab.loopback import Loopback
    from detector.lab.world import open_world

    async with AsyncExitStack() as stack:
        pki = await stack.enter_async_context(open_world(folder))
        asked: list[list[str]] = []
        for one in cases:
            server = one.make(pki)
            if address is not None and isinstance(server, Loopback):
                server.host = address
            try:
                started = await stack.enter_async_context(server)
            except OSError as error:  # no IPv6 here, or an address that is not this machine's
                why = error.strerror or str(error)
                say(f"{one.id} is not served: {why}")
                continue
            words = one.words(started.port, folder)
            asked.append(words)
            if json:
                write_json(
                    {
                        "case": one.id, "host": one.host, "port": started.port, "cause": one.cause,
                        "roots": str(folder / "root.pem"), "words": words,
                    }
                )  # fmt: skip
            else:
                print(f"{one.id:27} {one.cause:28} {shlex.join(words)}", flush=True)
        if not json:
            print(f"\nask: {_asking(folder, asked)}")
            print(f"root: {folder / 'root.pem'}; stop with Ctrl-C", flush=True)
        await asyncio.Event().wait()


def _asking(folder: Path, asked: list[list[str]]) -> str:
    """The whole command for one case; for several, with WORDS in the place of the last words of each line."""
    known = ["--roots", str(folder / "root.pem"), "--ct-logs", str(folder / "logs.json")]
    words = asked[0] if len(asked) == 1 else ["WORDS"]
    return shlex.join(["tlsight", "diagnose", *known, *words])


def _own(certificate: Path | None, key: Path | None, name: str) -> Credential | None:
    """Raises ConfigError where one is given without the other, or they do not fit."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("--cert", "goes with --key, and the other way round")
    from detector.lab.graded.shown_certificate import shown_certificate
    from detector.model.targets import normal_host

    return shown_certificate(certificate, key, normal_host(name))


async def _serve_graded(
    name: str, folder: Path, address: str, port: int, own: Credential | None, *, json: bool
) -> None:
    """Raises ConfigError for a name that is none."""
    import asyncio

    import msgspec

    from detector.knowledge.whole_file import write_whole
    from detector.lab.graded.servers import Place, grade_servers
    from detector.lab.world import open_world
    from detector.model.targets import normal_host

    place = Place(normal_host(name), address, port)
    async with (
        open_world(folder, address) as pki,
        grade_servers(pki, place, say, own=own) as servers,
    ):
        write_whole(folder / "grade.json", msgspec.json.encode(servers) + b"\n")
        hosts = " ".join(servers.host(label) for label in servers.leaves)
        if json:
            write_json(servers)
        else:
            print(
                f"{len(servers.leaves)} servers on {address}:{servers.port}, told to clients by {folder / 'grade.json'}"
            )
            print(f"root for the proxy to trust: {folder / 'root.pem'}")
            print(
                f"names, where no DNS has *.{servers.name}, for the proxy's /etc/hosts:\n{address} {hosts}",
                flush=True,
            )
        await asyncio.Event().wait()
