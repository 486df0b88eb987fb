"""`tlsight echo`: what of a hello arrives, and a server that tells it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.default_group import DefaultGroup
from detector.cli.ending import say
from detector.cli.options import Argument, Option
from detector.cli.output import Json, Verbose
from detector.cli.way import Connect, NoProxy, Proxy, Timeout
from detector.errors import ConfigError, TargetError

if TYPE_CHECKING:
    import ssl

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from detector.net.echoed import EchoServer
    from detector.serving.echo import Place
    from detector.serving.front import Limits

app = DefaultGroup(
    no_args_is_help=True,
    help="What of your hello arrives at a server: unchanged, edited, or another program's.",
)
_FRAGMENT = re.compile(r"#ed25519=([0-9A-Fa-f]{64})")
_HEX = re.compile(r"[0-9A-Fa-f]{64}")


@app.command("ask")
def ask(
    url: Annotated[
        str, Argument(help="https://HOST:PORT/#ed25519=KEY, as the server's console says it.")
    ],
    key: Annotated[
        str | None,
        Option(metavar="HEX", help="The server's key, where the URL has none in it."),
    ] = None,
    with_: Annotated[
        str | None,
        Option(
            "--with",
            metavar="NAMES",
            help="Programs of this machine that ask too: curl, openssl, python, chromium; all for those it has.",
        ),
    ] = None,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    connect: Connect = None,
    timeout: Timeout = 5.0,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Send known hellos to an echo server, and compare byte by byte what left and what arrived.

    Our own handshake is first, then hellos as browsers send them and as middleboxes dislike them, then the programs of
    --with. What the server says counts by its signature: without its key the answer is shown, and not proven. No
    certificate is verified, because whoever stands in between is asked too.

    Examples

      tlsight echo https://echo.example:8443/#ed25519=KEY
      tlsight echo URL --proxy http://proxy.example:3128 --with curl,chromium

    Exit codes: 0 unchanged, 1 changed on its way, 2 usage, 3 nothing came, 4 unexpected.
    """
    import asyncio

    from detector.cli.waiting import Waiting
    from detector.cli.way import probe_options, routing
    from detector.knowledge.browser_hellos import browser_hellos
    from detector.runs.echo import ask_echo
    from detector.runs.echo_programs import chosen

    server = server_of(url, key)
    programs = chosen(with_) if with_ else ()
    options = probe_options(routing(proxy, no_proxy=no_proxy), connect, timeout)
    with Waiting("asking {}", shown=not json) as waiting, waiting.on(server.host):
        found = asyncio.run(ask_echo(server, options, browser_hellos(), programs))
    if json:
        from detector.cli.streams import write_json

        write_json(found)
    else:
        from detector.report.check_text import stdout_console
        from detector.report.echo_text import render

        stdout_console().print(render(found, verbose=verbose))
    if found.fate == "nothing":
        return exit_codes.INCONCLUSIVE
    changed = found.fate != "unchanged" or bool(found.headers)
    return exit_codes.FOUND if changed else exit_codes.CLEAN


@app.command("serve")
def serve(
    name: Annotated[
        str, Option("--name", metavar="NAME", help="By which it is reached; a name, or an address.")
    ],
    listen: Annotated[
        str, Option(metavar="ADDRESS:PORT", help="Where to listen; port 0 for any free one.")
    ] = "0.0.0.0:8443",
    certificate: Annotated[
        Path | None,
        Option(
            "--certificate",
            "--cert",
            metavar="FILE",
            help="PEM with the chain; read again at SIGHUP.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        Option("--key", metavar="FILE", help="PEM with its key, where that lies apart."),
    ] = None,
    state: Annotated[
        Path | None,
        Option(
            "--state", metavar="FOLDER", help="Where its keys are kept; a folder of the user's own."
        ),
    ] = None,
    per_minute: Annotated[
        int, Option("--per-minute", min=0, help="Connections of one address; 0 for any number.")
    ] = 120,
    most: Annotated[int, Option("--most", min=1, max=10_000, help="Connections at once.")] = 1024,
    json: Json = False,
) -> int:
    """Tell whoever connects, signed, what arrived of his hello; browsers get a page. Ends with SIGINT or SIGTERM.

    Without --certificate one is made, whose root is in FOLDER/root.pem. Nothing is kept and nothing logged; hellos
    with a random label are held in memory for a minute, so that their sender can ask for them.

    Examples

      tlsight echo serve --name echo.example --certificate fullchain.pem --key privkey.pem
      tlsight echo serve --name 192.0.2.1

    Exit codes: 0 ended, 2 usage, 4 cannot write.
    """
    import os
    import ssl
    from contextlib import suppress

    from detector import clock
    from detector.knowledge.folders import state_folder
    from detector.lab.own_certificate import loaded, own_certificate, signing_key
    from detector.lab.stopping import run_stoppable
    from detector.model.targets import normal_host
    from detector.net.answering import listen_address
    from detector.serving.echo import HTTP, LIMITS, Place
    from detector.serving.front import Limits

    if key is not None and certificate is None:
        raise ConfigError("--key", "is of no --certificate")
    place = Place(*listen_address(listen))
    host = normal_host(name)
    folder = state or state_folder(os.environ) / "echo"
    signing = signing_key(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Without tickets every hello is a whole one, and none differs from another by what was before.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.set_alpn_protocols(list(HTTP))

    def load() -> None:
        shown = certificate or own_certificate(folder, host, clock.now())
        loaded(context, shown, key)

    load()
    limits = Limits(most, min(most, LIMITS.most_of_one), per_minute)
    with suppress(KeyboardInterrupt):
        run_stoppable(_serve(host, place, context, signing, limits, load, json=json))
    return exit_codes.CLEAN


async def _serve(
    host: str,
    place: Place,
    context: ssl.SSLContext,
    signing: Ed25519PrivateKey,
    limits: Limits,
    load: object,
    *,
    json: bool,
) -> None:
    import asyncio
    import signal
    from contextlib import suppress

    from detector.cli.streams import write_json
    from detector.knowledge.browser_hellos import browser_hellos
    from detector.model.targets import socket_text
    from detector.serving.echo import server_of
    from detector.serving.speaker import OpenSslSpeaker

    def again() -> None:
        assert callable(load)
        try:
            load()
        except ConfigError as error:
            say(f"the certificate stays what it was: {error}")

    with suppress(NotImplementedError, AttributeError):  # Windows has no SIGHUP
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again)
    public = signing.public_key().public_bytes_raw().hex()
    async with server_of(
        place, lambda: OpenSslSpeaker(context), signing, browser_hellos(), limits
    ) as port:
        url = f"https://{socket_text(host, port)}/#ed25519={public}"
        if json:
            write_json({"url": url, "name": host, "port": port, "key": public})
        else:
            print(f"echo server: {url}\nstop with Ctrl-C", flush=True)
        await asyncio.Event().wait()


def server_of(url: str, key: str | None = None) -> EchoServer:
    """The one that a URL names, with the key in its fragment or the one given. Raises ConfigError, TargetError."""
    from detector.model.targets import parse_target
    from detector.net.echoed import EchoServer

    target = parse_target(url)
    if target.starttls is not None:
        raise TargetError(url, "is no https:// URL of an echo server")
    return EchoServer(target.host, target.port, _key(url, key))


def _key(url: str, given: str | None) -> str | None:
    if given is not None:
        if not _HEX.fullmatch(given):
            raise ConfigError("--key", "is no Ed25519 key: 64 hex digits")
        return given.lower()
    if "#" not in url:
        return None
    if (found := _FRAGMENT.fullmatch(url[url.index("#") :])) is None:
        raise TargetError(url, "has a fragment that is no #ed25519= with 64 hex digits")
    return found[1].lower()
