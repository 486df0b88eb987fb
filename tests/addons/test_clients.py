"""Who counts as one client."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from addons.bypass.clients import Client, client_of, largest, networks, user_name
from tests.addons.learning_attacks import refuses


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:4201::1", "2001:db8:0:4200::/56"),
        ("2001:db8:0:42ff:1:2:3:4", "2001:db8:0:4200::/56"),
        ("2001:db8:0:4300::1", "2001:db8:0:4300::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_a_network_is_one_client_and_proves_nothing(address: str, name: str) -> None:
    assert client_of(refuses(address)) == Client(name, proven=False)


def test_a_user_is_one_client_wherever_he_is() -> None:
    for address in ("10.0.0.1", "2001:db8::1"):
        assert client_of(refuses(address, user="ann")) == Client("user:ann", proven=True)


def test_a_declared_device_is_its_address() -> None:
    devices = networks("10.1.0.0/16, 2001:db8::/64")
    assert client_of(refuses("10.1.2.3"), devices) == Client("10.1.2.3", proven=True)
    assert client_of(refuses("::ffff:10.1.2.3"), devices) == Client("10.1.2.3", proven=True)
    assert client_of(refuses("2001:db8::7"), devices) == Client("2001:db8::7", proven=True)
    assert client_of(refuses("2001:db8:0:1::7"), devices) == Client("2001:db8::/56", proven=False)
    assert not client_of(refuses("10.2.0.1"), devices).proven


def test_no_client_passes_for_a_user_by_its_address() -> None:
    assert not client_of(replace(refuses("x"), client="user:ann")).proven


def test_networks_that_are_none_are_refused() -> None:
    for text in ("10.0.0.0/33", "10.0.0.1/8", "lan"):
        with pytest.raises(ValueError, match=r".+"):
            networks(text)
    assert networks("") == ()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ann", "ann"),
        ("Ann", "ann"),
        (" ann ", "ann"),
        ("\uff41nn", "ann"),  # a letter of full width
        ("ann@corp.example", "ann@corp.example"),
        ("a*", None),
        ("an\u200bn", None),
        ("ann)(cn=*", None),
        ("two words", None),
        ("", None),
        ("x" * 65, None),
    ],
)
def test_spellings_that_a_directory_takes_for_one_user_are_one_or_none(
    given: str, name: str | None
) -> None:
    assert user_name(given) == name


def test_users_and_addresses_are_not_added_up() -> None:
    ann, ben, device = Client("user:ann", True), Client("user:ben", True), Client("10.0.0.1", True)
    assert largest([ann, device]) == {"user:ann"}
    assert largest([ann, ben, device]) == {"user:ann", "user:ben"}
    assert largest([ann, device, Client("10.0.0.2", False)]) == {"10.0.0.1", "10.0.0.2"}
