"""The sinks of the settings, opened, and the delivery that brings events to them."""

from __future__ import annotations

import importlib
import secrets
from functools import partial
from typing import TYPE_CHECKING

from detector import clock
from detector.agent.delivery import Deliveries
from detector.agent.identity import FLEET
from detector.agent.own_hosts import guarded
from detector.agent.retold import standing
from detector.agent.settings import SinkSettings
from detector.agent.sinks import KINDS, Sink, Surroundings

if TYPE_CHECKING:
    from detector.agent.core import Core


def opened(core: Core) -> Deliveries:
    """All sinks of the settings, and the fleet's where this device is in one. Raises ConfigError, StoreError."""
    sinks: dict[str, Sink] = {}
    for row in with_fleet_sink(core):
        module = importlib.import_module(row.module)
        surroundings = Surroundings(
            core.who.device,
            core.folder,
            clock.now,
            core.say,
            partial(core.look_at_sink, row.name),
            core.settings.agent.proxy,
        )
        opened_one = module.open_sink(row.settings, surroundings)
        sinks[row.name] = guarded(
            opened_one,
            row.kind,
            lambda: core.settings,
            core.canaries,
            core.state,
            secrets.token_bytes,
        )
    found = Deliveries(
        core.state.database, sinks, clock.now, core.sink_told, standing=partial(standing, core)
    )
    core.wake = found.wake
    core.wake_again = partial(found.wake, again=True)
    core.sinks = found.state
    core.past.give = found.past_the_spool
    return found


def with_fleet_sink(core: Core) -> tuple[SinkSettings, ...]:
    """The sinks of the settings; a device that is enrolled tells its fleet, whatever they say."""
    rows = core.settings.sinks
    if not (core.folder / FLEET).exists() or any(row.kind == "nats" for row in rows):
        return rows
    module = KINDS["nats"]
    settings = importlib.import_module(module).Settings()
    return (*rows, SinkSettings("fleet", "nats", module, settings))
