"""`tlsight bypass sync`: one list for many gateways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given, sync_shelves
from detector.cli import exit_codes
from detector.cli.numbers import finite
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json
from detector.cli.way import NoProxy, Proxy

if TYPE_CHECKING:
    from addons.store.bypass_store import BypassStore
    from addons.sync.centre import Centre
    from addons.sync.shelf import CentreShelf

_TEXT = """
One list for many gateways: the centre's rules go down, signed; attempts and passages go up, and candidates come from
all gateways together. A gateway that is alone keeps the last good list.

  at the centre:    tlsight bypass sync enrol north --shelf https://centre.example:8443 --out north.json
                    tlsight bypass sync serve --listen 192.0.2.1:8443 --certificate centre.pem
  at the gateway:   tlsight bypass sync run --enrolment north.json --roots centre-root.pem

A shared folder does instead of HTTPS: --shelf FOLDER everywhere, and `sync run --shelf FOLDER` at the centre. So does
a fleet's bus, where a change is there within a second: --shelf FILE, with the file of `tlsight fleet gateway NAME` for
`sync enrol NAME`, and that of `tlsight fleet centre` for `sync run` at the centre.
"""
sync = Verbs(no_args_is_help=True, help=_TEXT)
Enrolment = Annotated[
    Path | None,
    Option("--enrolment", help="File that the centre made for this gateway, for its owner alone."),
]
Folder = Annotated[
    Path | None,
    Option(
        "--shelf",
        help="Shared folder, or file of tlsight fleet centre; with it, and no --enrolment, this is the centre.",
    ),
]
Roots = Annotated[
    Path | None,
    Option(help="PEM of the only roots that vouch for the centre; the system's when left out."),
]
Every = Annotated[
    float, Option(min=0.1, max=86_400, callback=finite, help="Seconds between two rounds.")
]
Timeout = Annotated[
    float, Option(min=0.1, max=600, callback=finite, help="Seconds for each answer.")
]


@sync.command("enrol")
def enrol(
    name: Annotated[str, Argument(help="The gateway's: a-z, 0-9 and -.")],
    shelf: Annotated[
        str,
        Option(
            help="https://HOST:PORT of the centre, a shared folder, or the gateway's file of tlsight fleet gateway."
        ),
    ],
    out: Annotated[Path, Option(help="File to carry to the gateway; holds its token.")],
    site: Annotated[
        str | None,
        Option(
            help="Whose private addresses are its own; without one, the same address at two gateways is one client."
        ),
    ] = None,
    store: given.Store = None,
) -> int:
    """Make a gateway at the centre, or give one another token."""
    from addons.sync import enrolment
    from detector.errors import ConfigError

    if shelf.startswith("http:"):
        raise ConfigError("--shelf", "a token goes over https:// alone")
    fleet = sync_shelves.member_of(Path(shelf), name) if Path(shelf).is_file() else None
    shelf = fleet.servers[0] if fleet is not None else shelf
    with given.open_store(store) as opened:
        opened.note(
            "enrol", name, {"shelf": shelf, "site": site}
        )  # makes the key, where there is none
        key = opened.trail.seal.public_key()
        assert key is not None
        token = enrolment.enrol(opened.path, name, site)
        enrolment.write_enrolment(out, enrolment.Enrolment(name, key, token, shelf, fleet))
    given.say(f"{name}: its file is {out}; carry it there, and remove it here")
    return exit_codes.CLEAN


@sync.command("revoke")
def revoke(
    name: Annotated[str, Argument(help="The gateway's.")],
    why: given.Why,
    store: given.Store = None,
) -> int:
    """End a gateway at the centre: it is told nothing any more, and what it says is refused."""
    from addons.sync import enrolment

    with given.open_store(store) as opened:
        enrolment.revoke(opened.path, name)
        opened.note("revoke", name, {"why": why})
    given.say(
        f"{name} is no gateway any more; there the last list stays in force until `sync leave`"
    )
    return exit_codes.CLEAN


@sync.command("once")
def once(
    enrolment: Enrolment = None,
    shelf: Folder = None,
    roots: Roots = None,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    timeout: Timeout = 20.0,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """One round: of a gateway with --enrolment, of the centre with --shelf."""
    import msgspec

    from addons.cli import running

    way = sync_shelves.Way(enrolment, shelf, roots, proxy, no_proxy, timeout)

    async def go() -> int:
        if _is_centre(enrolment, shelf):
            with given.open_store(store) as opened:
                async with sync_shelves.laid_on(_folder(shelf)) as over:
                    done = await _centre(opened, over).round()
            if json:
                given.print_json(msgspec.to_builtins(done))
            elif done.serial is not None:
                given.say(f"list {done.serial} is published; {done.batches} batches taken")
            return _told(done.trouble, reached=done.serial is not None or not done.trouble)
        with given.open_store(store) as opened:
            async with way.gateway(opened) as (gateway, _):
                did = await gateway.round()
            joined = opened.gateways.joined()
            running.tell_readers(opened)
        serial = joined.serial if joined is not None else None
        if json:
            given.print_json({**msgspec.to_builtins(did), "serial": serial})
        else:
            in_force = "no list" if serial is None else f"list {serial}"
            given.say(f"{in_force} in force; {did.sent} batches sent")
        return _told(did.trouble, reached=did.reached)

    return asyncio.run(go())


@sync.command("run")
def run(
    enrolment: Enrolment = None,
    shelf: Folder = None,
    roots: Roots = None,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    timeout: Timeout = 20.0,
    every: Every = 15.0,
    store: given.Store = None,
) -> int:
    """Rounds until it is ended, beside the proxy; what goes wrong is told once."""
    from addons.sync.loop import rounds

    way = sync_shelves.Way(enrolment, shelf, roots, proxy, no_proxy, timeout)

    async def go() -> None:
        if _is_centre(enrolment, shelf):
            with given.open_store(store) as opened:
                async with sync_shelves.laid_on(_folder(shelf)) as over:
                    news = sync_shelves.decided(opened) if _folder(shelf).is_file() else None
                    await rounds(_steps(_centre(opened, over)), every, given.tell, news)
        with given.open_store(store) as opened:
            async with way.gateway(opened) as (gateway, news):

                async def step() -> tuple[tuple[str, ...], bool]:
                    done = await gateway.round()
                    if done.taken is not None:
                        given.tell(f"list {done.taken} is in force")
                    return done.trouble, done.more

                await rounds(step, every, given.tell, news)

    return _until_interrupted(go())


@sync.command("serve")
def serve(
    listen: Annotated[str, Option(help="ADDRESS:PORT; 0 for any free port.")],
    certificate: Annotated[Path, Option(help="PEM with certificate and key.")],
    shelf: Annotated[
        Path | None, Option(help="Folder behind it; STORE.shelf when left out.")
    ] = None,
    every: Every = 5.0,
    store: given.Store = None,
) -> int:
    """The centre over HTTPS: publish the list, take what the gateways say."""
    from addons.sync.enrolment import enrolled
    from addons.sync.loop import rounds
    from addons.sync.server import Counter, prepared
    from addons.sync.shelf import FolderShelf
    from detector.errors import StoreError

    async def go() -> None:
        with given.open_store(store) as opened:
            folder = shelf or opened.path.with_name(f"{opened.path.name}.shelf")
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise StoreError(str(folder), f"cannot be made: {error.strerror}") from None
            counter = Counter(FolderShelf(folder), lambda: enrolled(opened.path))
            server, start, url = prepared(counter, listen, certificate)
            print(f"centre: {url}", flush=True)
            serving = start()
            working = asyncio.ensure_future(
                rounds(_steps(_centre(opened, FolderShelf(folder))), every, given.tell)
            )
            try:
                await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                server.should_exit = True
                working.cancel()
                await asyncio.gather(serving, working, return_exceptions=True)

    return _until_interrupted(go())


@sync.command("status")
def status(store: given.Store = None, json: Json = False) -> int:
    """What this machine knows: of every gateway at the centre, of the centre at a gateway."""
    import msgspec

    from addons.sync.telling import lines_of_centre, lines_of_gateway

    with given.read_store(store) as opened:
        known, joined, now = opened.gateways.known(), opened.gateways.joined(), given.now()
        waiting = opened.gateways.waiting()[0] if joined is not None else 0
        revision = opened.revision()
    if json:
        if joined is not None:
            given.print_json({"role": "gateway", "waiting": waiting, **msgspec.to_builtins(joined)})
        for one in known.values():
            given.print_json({"role": "centre", "revision": revision, **msgspec.to_builtins(one)})
        return exit_codes.CLEAN
    lines = lines_of_gateway(joined, waiting, now) if joined is not None else []
    lines += [line for one in known.values() for line in lines_of_centre(one, revision, now)]
    for line in lines or ["neither a gateway nor, so far, a centre that one has spoken to"]:
        given.say(line)
    return exit_codes.CLEAN


@sync.command("advance")
def advance(
    why: given.Why,
    shelf: Folder = None,
    store: given.Store = None,
) -> int:
    """At the centre, after a backup was put back: lift the list's serial above all that gateways have taken."""
    from addons.sync.centre import serials_seen

    with given.open_store(store) as opened:
        folder = shelf or opened.path.with_name(f"{opened.path.name}.shelf")
        key = opened.trail.seal.public_key()

        async def look() -> list[int]:
            async with sync_shelves.laid_on(folder) as over:
                return list(await serials_seen(over, key or "", opened.gateways.known()))

        seen = asyncio.run(look())
        serial = max([opened.revision(), *seen]) + 1
        opened.gateways.advance(serial, why)
    given.say(f"the list's serial is {serial} from now on")
    return exit_codes.CLEAN


@sync.command("leave")
def leave(why: given.Why, store: given.Store = None) -> int:
    """At a gateway: take away what came from the centre, and put back what was put aside for it."""
    from addons.sync.gateway import left

    with given.open_store(store) as opened:
        count = left(opened, why)
    given.say(f"{count} rules of the centre's are gone; the gateway's own stay")
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    app.add_command(sync, "sync")


def _is_centre(enrolment: Path | None, shelf: Path | None) -> bool:
    from detector.errors import ConfigError

    if enrolment is None and shelf is None:
        raise ConfigError("sync", "give --enrolment at a gateway, or --shelf at the centre")
    return enrolment is None


def _folder(shelf: Path | None) -> Path:
    assert shelf is not None
    return shelf


def _centre(opened: BypassStore, shelf: CentreShelf) -> Centre:
    from addons.sync.centre import Centre
    from addons.sync.enrolment import enrolled

    return Centre(opened, shelf, lambda: enrolled(opened.path), given.now)


def _steps(centre: Centre) -> Callable[[], Awaitable[tuple[tuple[str, ...], bool]]]:
    async def step() -> tuple[tuple[str, ...], bool]:
        done = await centre.round()
        for host in done.candidates:
            given.tell(f"candidate {host}, from all gateways together")
        return done.trouble, done.batches > 0

    return step


def _told(trouble: tuple[str, ...], *, reached: bool) -> int:
    for line in trouble:
        given.tell(line)
    if not trouble:
        return exit_codes.CLEAN
    return exit_codes.FOUND if reached else exit_codes.ENVIRONMENT


def _until_interrupted(work: Coroutine[None, None, None]) -> int:
    with suppress(KeyboardInterrupt):
        asyncio.run(work)
    return exit_codes.CLEAN
