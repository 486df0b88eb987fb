"""`tlsight lab`: servers that are broken on purpose, for teaching and for testing clients."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import exit_codes
from detector.cli import options as o
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.lab.cases import Case

app = typer.Typer(
    no_args_is_help=True, help="Broken servers on loopback, each with the cause it should be given."
)


@app.command("list")
def list_(json: o.Json = False) -> int:
    """List the cases with the cause that should be named."""
    from detector.lab.cases import CASES

    for one in CASES:
        if json:
            _print_json({"case": one.id, "cause": one.cause, "text": one.text})
        else:
            print(f"{one.id:22} {one.cause:28} {one.text}")
    return exit_codes.CLEAN


@app.command("serve")
def serve(
    cases: Annotated[
        list[str] | None, typer.Argument(help="Only these; all of them when left out.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where root.pem and logs.json are written.")
    ] = Path("tlsight-lab"),
    json: o.Json = False,
) -> int:
    """Serve cases on loopback until interrupted; say host, port and expected cause of each.

    The lab's root is in DIR/root.pem: tlsight check --roots DIR/root.pem --ct-logs DIR/logs.json
    localhost:PORT
    """
    import asyncio

    from detector.lab.cases import CASES, case

    wanted: list[Case] = []
    for name in cases or [one.id for one in CASES]:
        found = case(name)
        if found is None:
            raise ConfigError("lab serve", f"no case {name!r}", remedy="see tlsight lab list")
        wanted.append(found)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(wanted, folder, json=json))
    return exit_codes.CLEAN


async def _serve(cases: list[Case], folder: Path, *, json: bool) -> None:
    import asyncio
    from contextlib import AsyncExitStack

    from detector.knowledge.whole_file import write_whole
    from detector.lab.cases import HOST
    from detector.lab.pki import LabPki

    pki = LabPki()
    write_whole(folder / "root.pem", pki.root.pem.encode())
    write_whole(folder / "logs.json", pki.ct_logs_json.encode())
    async with AsyncExitStack() as stack:
        for one in cases:
            server = await stack.enter_async_context(one.make(pki))
            if json:
                _print_json(
                    {
                        "case": one.id, "host": HOST, "port": server.port, "cause": one.cause,
                        "roots": str(folder / "root.pem"),
                    }
                )  # fmt: skip
            else:
                print(f"{one.id:22} {HOST}:{server.port:<6} {one.cause}", flush=True)
        if not json:
            print(f"\nroot: {folder / 'root.pem'}; stop with Ctrl-C", flush=True)
        await asyncio.Event().wait()


def _print_json(record: dict[str, object]) -> None:
    import msgspec

    print(msgspec.json.encode(record).decode(), flush=True)
