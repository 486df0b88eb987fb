"""What a hostile client can bring about with one device, or many addresses, as the proxy records it.

`bound` is the proxy's finding, so here it is the truth: the attacker's server is not the victim's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from addons.bypass.attempt import Attempt

START = datetime(2026, 11, 23, tzinfo=UTC)
VICTIM, THEIRS, EVIL = "bank.example", "198.51.100.7", "203.0.113.66"
APP, BROWSER = "t13d-app", "t13d-browser"


def trusts(client: str, at: datetime = START, host: str = "shop.test", **more: object) -> Attempt:
    fields = {"ja4": BROWSER, "address": "192.0.2.1", "bound": True, **more}
    return Attempt(at, "client", host, 443, client, "accepted", **fields)  # type: ignore[arg-type]


def refuses(client: str, at: datetime = START, host: str = VICTIM, **more: object) -> Attempt:
    fields = {
        "ja4": APP,
        "address": THEIRS,
        "bound": True,
        "alert": 46,
        "alert_by": "client",
        **more,
    }
    return Attempt(at, "client", host, 443, client, "failed", **fields)  # type: ignore[arg-type]


def fails(client: str, at: datetime = START, host: str = VICTIM, **more: object) -> Attempt:
    """The server's own failure."""
    fields = {"ja4": APP, "address": THEIRS, "bound": True, **more}
    return Attempt(at, "server", host, 443, client, "failed", **fields)  # type: ignore[arg-type]


def honest(*users: str, at: datetime = START) -> list[Attempt]:
    """Users whose app pins: they trust the proxy elsewhere and refuse it there, several times."""
    found = [trusts(f"10.0.0.{n}", at, user=user) for n, user in enumerate(users, 1)]
    for turn in range(3):
        later = at + timedelta(minutes=turn)
        found += [refuses(f"10.0.0.{n}", later, user=user) for n, user in enumerate(users, 1)]
    return found


def one_device_many_ipv6() -> Iterator[Attempt]:
    """A device takes an address of its /64, and of the neighbouring ones of its /56, for each connection."""
    for n in range(500):
        client = f"2001:db8:0:{0x4200 + n % 256:x}::{n + 1:x}"
        yield trusts(client)
        yield refuses(client)
        yield refuses(client)


def alert_40_by_another_server() -> Iterator[Attempt]:
    """SNI of the victim towards a server of the attacker, which answers alert 40."""
    for n in range(2):
        yield fails("10.0.0.66", START + timedelta(seconds=n), address=EVIL, bound=False, alert=40,
                    alert_by="server")  # fmt: skip


def self_signed_at_a_claimed_name() -> Iterator[Attempt]:
    """One connection to a self-signed server with the victim's name keeps the victim off the list."""
    yield fails(
        "10.0.0.66", address=EVIL, bound=False, error="Certificate verify failed: self-signed"
    )
    yield from honest("ann", "ben")


def success_at_a_claimed_name() -> Iterator[Attempt]:
    """The app's fingerprint, copied, succeeds at a server of the attacker under the victim's name."""
    yield from honest("ann", "ben")
    yield trusts(
        "10.0.0.66", START + timedelta(hours=1), VICTIM, ja4=APP, address=EVIL, bound=False
    )


def one_visit_to_mtls() -> Iterator[Attempt]:
    """A server asks one user for a certificate, now and again."""
    for n in range(5):
        yield fails("10.0.0.1", START + timedelta(minutes=n), "mtls.test", user="ann",
                    asked_certificate=True, alert=116, alert_by="server")  # fmt: skip


def everybody_at_mtls() -> Iterator[Attempt]:
    """A server asks everybody for a certificate."""
    for n in range(10):
        yield fails(f"10.0.0.{n}", START, "mtls.test", user=f"user{n}", asked_certificate=True,
                    alert=116, alert_by="server")  # fmt: skip


def made_up_names(count: int = 210_000, *, bound: bool = False) -> Iterator[Attempt]:
    """Names that nobody has asked for before; `bound`: below a domain that answers for all of them."""
    yield from honest("ann", "ben")
    for n in range(count):
        at = START + timedelta(hours=1, milliseconds=n * 400)
        yield refuses("10.0.0.66", at, f"h{n}.made-up{n % 7}.test", address=EVIL, bound=bound)


def many_addresses(count: int = 50_000, *, bound: bool = False) -> Iterator[Attempt]:
    """As many clients as addresses, each with a name of its own and at the victim's."""
    yield from honest("ann", "ben")
    for n in range(count):
        client, at = f"10.{1 + n // 65536}.{n // 256 % 256}.{n % 256}", START + timedelta(seconds=n)
        yield trusts(client, at, f"h{n}.made-up.test", bound=bound)
        yield refuses(client, at, f"h{n}.made-up.test", address=EVIL, bound=bound)
        yield refuses(client, at, address=EVIL if not bound else THEIRS, bound=bound, ja4=f"t{n}")


def many_faces(count: int = 500) -> Iterator[Attempt]:
    """Browsers succeed at the victim's; a device with many fingerprints pushes them out of memory, then
    refuses there with a browser's.
    """
    for n in range(1, 4):
        yield trusts(f"10.0.0.{n}", host=VICTIM, user=f"user{n}")
    for n in range(count):
        client = f"2001:db8:0:42{n % 16:02x}::1"
        yield trusts(client, START, VICTIM, ja4=f"t13d{n:04}")
    for n in range(count):
        client = f"2001:db8:{n % 8:x}::1"
        yield trusts(client)
        yield refuses(client, ja4=BROWSER)


def one_person_twice() -> Iterator[Attempt]:
    """One person, logged in and not, on a network of one address a device."""
    for more in ({"user": "ann"}, {}):
        yield trusts("10.0.0.1", **more)
        for _ in range(5):
            yield refuses("10.0.0.1", **more)


def loud_and_glitch() -> Iterator[Attempt]:
    """One client refuses a hundred times, and another has one bad moment."""
    yield trusts("10.0.0.1", user="ann")
    yield trusts("10.0.0.2", user="ben")
    for n in range(100):
        yield refuses("10.0.0.1", START + timedelta(seconds=n), user="ann")
    yield refuses("10.0.0.2", user="ben", alert=None, error="connection closed")
