"""The options `bypass_*`: declared to mitmproxy, and read as values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import get_args

import msgspec
from mitmproxy import ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import OptionsError

from addons.bypass.binding import Verify
from addons.bypass.clients import networks
from addons.bypass.weighing import LearningOptions
from addons.proxy.resolver import Server, read_servers
from addons.store.keeper import KeeperOptions
from addons.store.webhook import webhook_of
from addons.store.whereabouts import (
    GIVEN_VARIABLE,
    RULES_VARIABLE,
    STORE_VARIABLE,
    whereabouts,
)
from detector.errors import TlsightError
from detector.model.no_json import NO_JSON

_MODES = ("observe", "suggest", "auto")
_STRINGS = {
    "bypass_rules": ("", "TOML file of rules kept by hand; empty for none."),
    "bypass_store": (
        "",
        "SQLite file of rules, attempts, candidates and decisions; empty for none.",
    ),
    "bypass_mode": (
        "observe",
        "observe: record; suggest: keep candidates for a person; auto: also let them through on trial.",
    ),
    "bypass_review": (
        "",
        "ADDRESS:PORT on loopback at which the review page is served; empty for none.",
    ),
    "bypass_devices": (
        "",
        "Networks, between commas, of one address a device; mode auto counts them and users alone.",
    ),
    "bypass_weight": ("3", "Weight of refusals that makes a candidate; one by an alert weighs 1."),
    "bypass_half_life": ("7", "Days after which evidence weighs half."),
    "bypass_resolver": (
        "",
        "DNS servers (ADDRESS[:PORT], with commas between) that say where names are; empty for the system's resolver.",
    ),
    "bypass_verify": (
        "learned",
        "Names that the server must prove by its certificate too: learned, always, never.",
    ),
    "bypass_cut": (
        "60",
        "Seconds that an open connection goes on when its rule ended, was removed, or inspects; or never.",
    ),
    "bypass_webhook": (
        "",
        "https address that is told of what breaks, or a file of mode 0600 that holds it; empty for none.",
    ),
    "bypass_webhook_token": ("", "File of mode 0600 with the token that the webhook asks for."),
    "bypass_webhook_roots": (
        "",
        "PEM file of the only roots to trust there; empty for the system's.",
    ),
}
_CHOICES: dict[str, Sequence[str]] = {"bypass_mode": _MODES, "bypass_verify": get_args(Verify)}
_NUMBERS = {
    "bypass_clients": (
        2,
        "Distinct clients that trust the proxy elsewhere and must refuse a host.",
    ),
    "bypass_trial": (30, "Minutes that a trial lasts in mode auto."),
    "bypass_pause": (24, "Hours between two trials of one host."),
    "bypass_keep_days": (30, "Days for which attempts are kept one by one."),
    "bypass_recheck": (
        0,
        "Hours between two looks at whether the rules are still needed; 0 for none.",
    ),
}
_LONGEST = timedelta(days=36_500)
NAMES = frozenset((*_STRINGS, *_NUMBERS))


def declare(loader: Loader) -> None:
    """Tell mitmproxy of them."""
    defaults = {
        "bypass_store": os.environ.get(STORE_VARIABLE) or str(whereabouts(os.environ).path),
        "bypass_rules": os.environ.get(RULES_VARIABLE, ""),
    }
    for name, (default, text) in _STRINGS.items():
        value = defaults.get(name, default)
        loader.add_option(name, str, value, text, _CHOICES.get(name))
    for name, (number, text) in _NUMBERS.items():
        loader.add_option(name, int, number, text)


def settle() -> None:
    """Values that were given before the options were there; `tlsight bypass run`'s own last. Raises OptionsError."""
    ctx.options.process_deferred()
    try:
        given = msgspec.json.decode(os.environ.get(GIVEN_VARIABLE, "{}"), type=dict[str, str])
    except NO_JSON:
        return
    ctx.options.set(*(f"{name}={value}" for name, value in given.items() if name in NAMES))


def second_store() -> str | None:
    """What a person should know where the usual store is used, and another one is there."""
    found = whereabouts(os.environ)
    return found.warning() if ctx.options.bypass_store == str(found.path) else None


def read() -> KeeperOptions:
    """As values. Raises OptionsError."""
    o = ctx.options
    _check_choices()
    try:
        weight, half_life = float(o.bypass_weight), float(o.bypass_half_life)
        if weight <= 0 or half_life <= 0 or o.bypass_clients < 1 or o.bypass_keep_days < 1:
            raise ValueError("must be above zero")
        _check_length(days=max(half_life, o.bypass_keep_days))
        _check_length(minutes=o.bypass_trial)
        _check_length(hours=o.bypass_pause)
        _check_length(hours=o.bypass_recheck)
        learning = LearningOptions(
            clients=o.bypass_clients, weight=weight, half_life=timedelta(days=half_life),
            devices=networks(o.bypass_devices),
        )  # fmt: skip
        return KeeperOptions(
            rules=_file(o.bypass_rules),
            store=_file(o.bypass_store),
            mode=o.bypass_mode,
            learning=learning,
            trial=timedelta(minutes=o.bypass_trial),
            pause=timedelta(hours=o.bypass_pause),
            keep_days=o.bypass_keep_days,
            cut=_grace(o.bypass_cut),
            webhook=webhook_of(o.bypass_webhook, o.bypass_webhook_token, o.bypass_webhook_roots),
        )
    except (ValueError, OverflowError, TlsightError) as error:
        raise OptionsError(f"bypass_*: {error}") from None  # type: ignore[no-untyped-call]


class BindingOptions(msgspec.Struct, frozen=True):
    """How names are bound to addresses.

    Attributes:
        servers: DNS servers to ask, the system's resolver when there are none.
        verify: which names the server must prove too.

    """

    servers: tuple[Server, ...] = ()
    verify: Verify = "learned"


def read_binding() -> BindingOptions:
    """As values. Raises OptionsError."""
    _check_choices()
    try:
        return BindingOptions(read_servers(ctx.options.bypass_resolver), ctx.options.bypass_verify)
    except ValueError as error:
        raise OptionsError(f"bypass_resolver: {error}") from None  # type: ignore[no-untyped-call]


def _check_choices() -> None:
    """Mitmproxy keeps the choices for its menus alone."""
    for name, choices in _CHOICES.items():
        value = getattr(ctx.options, name)
        if value not in choices:
            why = f"{name}: {value!r} is none of {', '.join(choices)}"
            raise OptionsError(why)  # type: ignore[no-untyped-call]


def _check_length(**length: float) -> None:
    """Far from today there are no dates. Raises ValueError."""
    if not timedelta() <= timedelta(**length) <= _LONGEST:
        raise ValueError(f"no length of time is above {_LONGEST.days} days, or below zero")


def _grace(text: str) -> timedelta | None:
    """Raises ValueError."""
    if text == "never":
        return None
    if not text.isdecimal() or not text.isascii():
        raise ValueError(f"bypass_cut is seconds, or never, and not {text!r}")
    return timedelta(seconds=int(text[:10]))


def _file(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
