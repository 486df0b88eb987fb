"""The configuration of the fleet's nats-server, read by the real one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from addons.fleet.accounts import account_tokens, operator_token, system_token
from addons.fleet.embedded import ServerSettings, accounts_part, configuration
from addons.fleet.home import FleetHome, program
from addons.fleet.members import Members
from addons.fleet.serving import Serving, _settings
from detector import clock
from detector.wire.nkey import NKey


def home_in(folder: Path) -> FleetHome:
    home = FleetHome(folder / "fleet", make=True)
    home.certify(("fleet.example", "localhost"), clock.now())
    return home


def settings_of(home: FleetHome, **how: bool) -> ServerSettings:
    members = Members(home.members)
    try:
        return _settings(home, Serving("127.0.0.1", 4222, **how), members, clock.now())  # type: ignore[arg-type]
    finally:
        members.close()


def is_taken(home: FleetHome, text: str) -> bool:
    """Whether nats-server itself calls the configuration valid."""
    config = home.folder / "tried.conf"
    config.write_text(text)
    done = subprocess.run(
        [str(program({})), "-t", "-c", str(config)], capture_output=True, text=True, timeout=20
    )
    return done.returncode == 0 and "is valid" in done.stdout + done.stderr


def test_the_server_takes_its_configuration_and_a_message_is_on_the_disk_before_it_is_acknowledged(
    tmp_path: Path,
) -> None:
    home = home_in(tmp_path)
    text = configuration(settings_of(home))
    said = json.loads(text)
    assert is_taken(home, text)
    assert said["jetstream"]["sync_interval"] == "always"
    assert (
        "sync_interval"
        not in json.loads(configuration(settings_of(home, always=False)))["jetstream"]
    )
    assert said["tls"]["handshake_first"] is True
    assert home.keys.operator not in text
    assert all(seed not in text for seed in home.keys.roles.values())


def test_a_server_of_somebody_elses_includes_the_accounts(tmp_path: Path) -> None:
    home, now = home_in(tmp_path), 1
    system = NKey.read(home.keys.system).public
    accounts = {
        system: system_token(home.keys, now),
        **account_tokens(home.keys, {}, now),
    }
    part = home.folder / "accounts.conf"
    part.write_text(accounts_part(operator_token(home.keys, now), system, accounts))
    assert is_taken(
        home, f'port: 4222\njetstream {{ store_dir: "{tmp_path}/js" }}\ninclude ./{part.name}\n'
    )


def test_a_fleets_files_are_its_owners_alone_and_a_second_look_changes_no_key(
    tmp_path: Path,
) -> None:
    home = home_in(tmp_path)
    for one in home.folder.iterdir():
        if not one.name.endswith(".lock"):
            assert one.stat().st_mode & 0o077 == 0, one
    ca = home.ca()
    again = FleetHome(home.folder, make=True)
    assert again.keys == home.keys
    assert again.certify(("fleet.example", "localhost"), clock.now()) is False
    assert again.certify(("other.example", "localhost"), clock.now()) is True
    assert again.ca() == ca
