"""`tlsight bypass feed`: lists of rules that vendors, or one's own organisation, keep."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from addons.cli import feed_text, given
from detector.cli import exit_codes
from detector.cli.asking import NoProxy, Proxy, Timeout
from detector.cli.knowledge import Roots
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.bypass.feed import Settings
    from detector.net.fetch import FetchOptions

feed = Verbs(
    no_args_is_help=True,
    help="Lists of rules that somebody else keeps: a layer beneath your own, where each change waits for you.",
)
Name = Annotated[str, Argument(help="As feed list shows it.")]
Older = Annotated[bool, Option("--older", help="Also a list that is older than the last good one.")]
Auto = Annotated[
    int | None,
    Option(
        min=0,
        max=10_000,
        metavar="N",
        help="Accept a change by itself that adds at most N names and widens nothing else.",
    ),
]
MaxAge = Annotated[
    int | None, Option(min=1, max=3650, metavar="DAYS", help="Stale after so many days.")
]
WhenStale = Annotated[str | None, Option(help="keep its rules when it is stale, or end them.")]
Key = Annotated[
    Path | None,
    Option(help="Public key of its signature: minisign's file, PEM, or a file of 64 hex digits."),
]
Shared = Annotated[
    bool | None,
    Option(
        "--shared/--no-shared",
        help="Also names below which a service's customers have theirs, as .sharepoint.com: strangers' would pass.",
    ),
]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MOST = 40
_MAX_KEY = 1 << 14
# A page that was read once is no list that is asked every day.
_SHIPPED_AGE, _FETCHED_AGE = 400, 30


@feed.command("sources")
def feed_sources(json: Json = False) -> int:
    """List the lists that vendors publish, and what each vendor asks for."""
    from addons.bypass.feed_sources import sources

    for one in sources().values():
        if json:
            given.print_json({**feed_text.fields(one), "rules": len(one.rows())})
            continue
        given.say(f"{one.name:22} {one.kind:11} {one.title}: {one.text}")
        given.say(f"{'':34} {one.page}, read on {one.read}")
    return exit_codes.CLEAN


@feed.command("add")
def feed_add(
    source: Annotated[
        str,
        Argument(help="A name that feed sources lists, an https:// URL, or a file."),
    ],
    owner: Annotated[str, Option(help="Who answers for its rules.")],
    name: Annotated[str | None, Option(help="What to call it.")] = None,
    form: Annotated[
        str | None,
        Option("--format", help="list, m365, or one that bypass formats can read."),
    ] = None,
    key: Key = None,
    auto: Auto = None,
    max_age: MaxAge = None,
    when_stale: WhenStale = None,
    shared: Shared = None,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    timeout: Timeout = 60.0,
    roots: Roots = None,
    store: given.Store = None,
) -> int:
    """Keep a list. It is fetched, and in force once you accept it."""
    import msgspec

    found, settings = _settings_of(source, name, form, key)
    settings = msgspec.structs.replace(settings, owner=owner)
    settings = _with_options(
        settings, auto=auto, max_age=max_age, when_stale=when_stale, shared=shared
    )
    options = _asking(settings, proxy, timeout, roots, no_proxy=no_proxy)
    with given.open_store(store) as opened:
        opened.feeds.add(found, settings)
    return _update([found], options, store, older=False)


@feed.command("set")
def feed_set(
    name: Name,
    owner: Annotated[str | None, Option(help="Who answers for its rules.")] = None,
    key: Key = None,
    auto: Auto = None,
    no_auto: Annotated[bool, Option("--no-auto", help="Every change waits for a person.")] = False,
    max_age: MaxAge = None,
    when_stale: WhenStale = None,
    shared: Shared = None,
    store: given.Store = None,
) -> int:
    """Keep a list in another way."""
    import msgspec

    with given.open_store(store) as opened:
        settings = _with_options(
            opened.feeds.one(name).settings, owner=owner, key=_key(key) if key is not None else None,
            auto=auto, max_age=max_age, when_stale=when_stale, shared=shared,
        )  # fmt: skip
        if no_auto:
            settings = msgspec.structs.replace(settings, auto=None)
        opened.feeds.set(name, settings)
    given.say(f"set {name}")
    return exit_codes.CLEAN


@feed.command("list")
def feed_list(store: given.Store = None, json: Json = False) -> int:
    """List the feeds: what is in force, what waits, what is stale."""
    with given.read_store(store) as opened:
        found = opened.feeds.all()
    now = given.now()
    for name, one in found.items():
        if json:
            given.print_json(feed_text.record(name, one, now))
            continue
        given.say(f"{name:22} {feed_text.state(one, now):60} {one.settings.owner}")
    return exit_codes.CLEAN


@feed.command("show")
def feed_show(name: Name, store: given.Store = None, json: Json = False) -> int:
    """Say all that is known of a feed, and what of its list became no rule."""
    from addons.bypass.feed import remarks, shown_source

    with given.read_store(store) as opened:
        one = opened.feeds.one(name)
    now = given.now()
    if json:
        given.print_json(feed_text.record(name, one, now))
        return exit_codes.CLEAN
    settings = one.settings
    given.say(f"{name}  {feed_text.state(one, now)}")
    given.say(f"  from {shown_source(settings)} ({settings.form}), owner {settings.owner}")
    by_itself = f"up to {settings.auto} new names" if settings.auto is not None else "none"
    given.say(
        f"  changes accepted by themselves: {by_itself}; signature: {'asked for' if settings.key else 'none'}"
    )
    if settings.shared:
        given.say("  names below which a service's customers have theirs are taken")
    given.say(f"  stale after {settings.max_age} days, and then its rules {settings.when_stale}")
    for what, edition in (("in force", one.accepted), ("waits", one.waiting)):
        if edition is not None:
            feed_text.show_edition(what, edition)
    for _, identity, text in remarks({name: one}, now):
        given.say(f"  {text} ({identity})")
    return exit_codes.CLEAN


@feed.command("diff")
def feed_diff(
    name: Name,
    every: Annotated[bool, Option("--all", "-a", help="All of it.")] = False,
    store: given.Store = None,
) -> int:
    """Show what accepting the list that waits would change: 1 where it would."""
    with given.read_store(store) as opened:
        one = opened.feeds.one(name)
        if one.waiting is None:
            given.say(f"{name}: nothing waits")
            return exit_codes.CLEAN
        change = opened.feeds.change(name)
    feed_text.tell_change(change, None if every else _MOST)
    given.say(f"accept it: tlsight bypass feed accept {name} --digest {one.waiting.digest[:16]}")
    return exit_codes.FOUND if change else exit_codes.CLEAN


@feed.command("update")
def feed_update(
    names: Annotated[
        list[str] | None, Argument(help="Only these feeds.", metavar="[NAME]...")
    ] = None,
    file: Annotated[
        Path | None,
        Option(help="Take the list from this file, for machines without internet."),
    ] = None,
    signature: Annotated[
        Path | None,
        Option(help="Its signature; beside the file with .minisig or .sig when left out."),
    ] = None,
    older: Older = False,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    timeout: Timeout = 60.0,
    roots: Roots = None,
    store: given.Store = None,
) -> int:
    """Ask the sources: what they changed waits, or is accepted within the bounds that you set."""
    from addons.cli.feed_asking import file_answer, take
    from detector.errors import ConfigError

    with given.read_store(store) as opened:
        known = opened.feeds.all()
        for one in names or ():
            opened.feeds.one(one)
    wanted = names or list(known)
    if file is not None:
        if len(names or ()) != 1:
            raise ConfigError(str(file), "is the list of one feed: name it")
        with given.open_store(store) as opened:
            answer = file_answer(file, known[wanted[0]].settings, signature)
            given.say(
                f"{wanted[0]}: {take(opened.feeds, wanted[0], answer, given.now(), older=older)}"
            )
        return exit_codes.CLEAN
    asked = any(known[one].settings.source.startswith("https://") for one in wanted)
    options = _options(proxy, timeout, roots, no_proxy=no_proxy) if asked else None
    return _update(wanted, options, store, older=older)


@feed.command("accept")
def feed_accept(
    name: Name,
    digest: Annotated[
        str | None,
        Option(help="Only this list, by its SHA-256 or the beginning, as feed diff shows it."),
    ] = None,
    store: given.Store = None,
) -> int:
    """Put the list that waits in force; a running proxy takes it up within a second."""
    from addons.cli.running import tell_readers

    with given.open_store(store) as opened:
        change = opened.feeds.accept(name, digest)
        count = len(opened.feeds.rows(name))
        tell_readers(opened)
    feed_text.tell_change(change, _MOST)
    given.say(f"{name}: {count} rules in force")
    return exit_codes.CLEAN


@feed.command("remove")
def feed_remove(name: Name, reason: given.Why = "", store: given.Store = None) -> int:
    """Keep a list no more; its rules are in force no more."""
    with given.open_store(store) as opened:
        opened.feeds.remove(name, reason)
    given.say(f"removed {name}")
    return exit_codes.CLEAN


def _settings_of(
    source: str, name: str | None, form: str | None, key: Path | None
) -> tuple[str, Settings]:
    """A name and the settings for what a person named. Raises ConfigError."""
    from addons.bypass.feed import Settings
    from addons.bypass.feed_sources import sources
    from addons.cli.feed_asking import SHIPPED, check_url
    from addons.store.feed_list import forms
    from detector.errors import ConfigError

    known = sources().get(source)
    signed = _key(key) if key is not None else None
    if known is not None and known.kind == "allow-only":
        why = f"{known.title} {known.text}; it does not ask that nobody inspects"
        raise ConfigError(source, why, remedy=f"see {known.page}")
    if known is not None and known.kind == "shipped":
        if name not in (None, source) or form is not None or key is not None:
            raise ConfigError(
                source, "its names stand in tlsight itself: no other name, format or key"
            )
        return source, Settings(SHIPPED, "toml", max_age=_SHIPPED_AGE)
    if known is not None:
        where, proposed, form = known.url, source, form or known.form
    elif "://" in source:
        check_url(source)
        where, proposed = source, urlsplit(source).hostname or ""
    else:
        path = Path(source)
        if not path.is_file():
            remedy = "tlsight bypass feed sources lists names; else give an https:// URL or a file"
            raise ConfigError(source, "is no list that is known, and no file", remedy=remedy)
        where, proposed = str(path.absolute()), path.stem.lower()
    chosen = name or proposed
    if not _NAME.fullmatch(chosen):
        remedy = "--name gives another: small letters, digits, dots and dashes"
        raise ConfigError(chosen, "is no name for a feed", remedy=remedy)
    form = form or ("toml" if urlsplit(where).path.endswith(".toml") else "list")
    if form not in forms():
        raise ConfigError(form, f"is none of {', '.join(forms())}")
    return chosen, Settings(where, form, key=signed, max_age=_FETCHED_AGE)


def _with_options(settings: Settings, **options: object) -> Settings:
    """Those that were given. Raises ConfigError."""
    import msgspec

    from detector.errors import ConfigError

    if options["when_stale"] not in (None, "keep", "end"):
        raise ConfigError("--when-stale", f"{options['when_stale']!r} is none of keep, end")
    said = {name: one for name, one in options.items() if one is not None}
    return msgspec.structs.replace(settings, **said)


def _key(path: Path) -> str:
    """The text of a key that can be used. Raises ConfigError."""
    from addons.bypass.feed_signature import read_key
    from detector.bounded import read_whole
    from detector.errors import ConfigError

    try:
        text = read_whole(path, _MAX_KEY).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no text"
        raise ConfigError(str(path), why or str(error)) from None
    read_key(text)
    return text


def _asking(
    settings: Settings, proxy: str | None, timeout: float, roots: Path | None, *, no_proxy: bool
) -> FetchOptions | None:
    if not settings.source.startswith("https://"):
        return None
    return _options(proxy, timeout, roots, no_proxy=no_proxy)


def _options(
    proxy: str | None, timeout: float, roots: Path | None, *, no_proxy: bool
) -> FetchOptions:
    from detector.cli.way import fetch_options, routing

    return fetch_options(routing(proxy, no_proxy=no_proxy, trust=roots), timeout, roots)


def _update(
    names: Iterable[str], options: FetchOptions | None, store: Path | None, *, older: bool
) -> int:
    """Each in turn; what fails with one is told and hinders no other."""
    from addons.cli.feed_asking import update
    from detector.errors import ConfigError, FetchError
    from detector.net.fetch import Fetcher

    code = exit_codes.CLEAN

    async def run() -> None:
        nonlocal code
        with given.open_store(store) as opened:
            async with Fetcher(options) as fetch:
                for name in names:
                    try:
                        text = await update(opened.feeds, name, fetch, given.now(), older=older)
                        given.say(f"{name}: {text}")
                    except (ConfigError, FetchError) as error:
                        kept = opened.feeds.one(name).accepted
                        stays = f"; the {kept.count} rules in force stay" if kept else ""
                        text = str(error).removeprefix(f"{name}: ")
                        given.tell(f"{name}: {text}{stays}")
                        code = exit_codes.FOUND

    asyncio.run(run())
    return code


def register(app: Verbs) -> None:
    app.add_command(feed, "feed")
