"""A centre and its gateways: what each fault costs, and what is said of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from addons.bypass.change import StaleError
from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow
from addons.store.auditing import audited
from addons.store.bypass_store import BypassStore
from addons.store.seal import Seal
from addons.sync.conflict import Central, settled
from addons.sync.enrolment import revoke
from addons.sync.listed import Head, digest_of, list_of
from addons.sync.sealed import signed, stamped
from tests.addons.conftest import START, Clock
from tests.addons.learning_attacks import refuses
from tests.addons.sync_places import CentrePlace, GatewayPlace, both

HEAD = "centre/head"


# Rules go down.


def test_the_list_comes_down_and_its_entry_is_in_the_trail_of_the_gateway(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    centre.passes("bank.example", "app.example")
    north.store.add_rule(RuleRow(host="own.example"))
    centre.round()
    before = north.store.revision()
    assert north.round().taken == centre.store.revision()
    assert north.patterns == {"bank.example", "app.example", "own.example"}
    assert north.store.revision() > before  # which is how a running proxy hears of it
    assert [one.action for one in north.store.audit()] == ["add", "sync"]
    centre.store.remove_rule("bank.example")
    centre.round()
    north.round()
    assert north.patterns == {"app.example", "own.example"}
    assert audited(north.store, clock()).faults == ()


def test_drafts_stay_where_they_are_and_trials_end_alike(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    from tests.addons.test_bypass_store import candidate

    centre.store.draft_rule(RuleRow(host="draft.example"))
    centre.store.propose(candidate("tried.example"))
    centre.store.try_out(
        candidate("tried.example"), RuleRow(host="tried.example"), clock() + timedelta(minutes=30)
    )
    centre.round()
    north.round()
    assert north.patterns == {"tried.example"}
    clock.at += timedelta(minutes=31)
    assert north.patterns == set()
    centre.round()
    assert north.round().trouble == ()


def test_a_list_of_thousands_of_rules_is_taken_whole(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    centre.store.import_rules([RuleRow(host=f"h{n}.example") for n in range(1200)], "list")
    centre.round()
    north.round()
    assert len(north.patterns) == 1200
    assert audited(north.store, clock()).faults == ()


def test_a_list_that_was_taken_can_be_taken_back_and_stays_so_until_the_centre_changes_those_rules(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    centre.passes("bank.example")
    centre.round()
    north.round()
    assert north.store.undo(1, "not here") == 1
    centre.passes("app.example")
    both(centre, north)
    assert north.patterns == {"app.example"}
    assert audited(north.store, clock()).faults == ()
    joined = north.store.gateways.joined()
    assert joined is not None
    assert joined.kept == ("bank.example",)


def test_a_rule_that_is_decided_on_while_a_list_is_taken_is_not_lost(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    centre.passes("bank.example")
    both(centre, north)
    before = north.store.gateways.central()
    known = {pattern: Central(*said) for pattern, said in before.items()}
    change = settled(north.store.tables()[0], known, {})
    with BypassStore(north.path, clock) as other:
        other.expire_rule("bank.example", "on the spot")
    joined = north.store.gateways.joined()
    assert joined is not None
    with pytest.raises(StaleError, match=r"bank\.example: is no longer what was shown"):
        north.store.gateways.take_list(joined, change.changes, before, change.central)
    assert north.store.gateways.central() == before
    centre.store.remove_rule("bank.example")
    both(centre, north)
    # Somebody changed it here, and the centre says nothing of it any more: it is the gateway's own.
    (kept,) = north.store.rules()
    assert kept.rule.expires is not None
    assert audited(north.store, clock()).faults == ()


# What is no list of the centre's.


def other_key(blob: bytes, tmp: Path) -> bytes:
    content = blob.partition(b"\n")[2]
    head = msgspec.json.decode(content, type=Head)
    head = msgspec.structs.replace(head, serial=head.serial + 5)
    seal = Seal(tmp / "other.key", tmp)
    return signed("head", msgspec.json.encode(head), seal.sign_text)


def forged(blob: bytes, _: Path) -> bytes:
    line, _, content = blob.partition(b"\n")
    head = msgspec.json.decode(content, type=Head)
    return line + b"\n" + msgspec.json.encode(msgspec.structs.replace(head, serial=head.serial + 5))


def of_a_gateway(blob: bytes, _: Path) -> bytes:
    return stamped("head", "north", blob.partition(b"\n")[2], b"x" * 32)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (forged, "its signature is wrong"),
        (other_key, "it is signed with another key"),
        (of_a_gateway, "it is signed with another key"),
        (lambda blob, _: blob[:-20], "its signature is wrong"),
        (lambda blob, _: blob[:40], "it is damaged, or nothing of tlsight's"),
        (lambda blob, _: b"", "it is damaged, or nothing of tlsight's"),
        (lambda blob, _: b"\xff\x00" * 3000, "it is damaged, or nothing of tlsight's"),
        (lambda blob, _: b"[" * 900 + b"\n", "it is damaged, or nothing of tlsight's"),
        (lambda blob, _: blob.replace(b"sync/1", b"sync/2"), "this version reads"),
        (lambda blob, _: blob.replace(b'"head"', b'"list"'), "it is a list, and no head"),
    ],
)
def test_what_is_not_the_centres_is_refused_and_the_last_good_list_stays(
    change: Callable[[bytes, Path], bytes],
    said: str,
    centre: CentrePlace,
    north: GatewayPlace,
    tmp_path: Path,
) -> None:
    centre.passes("bank.example")
    both(centre, north)
    head = centre.shelf / HEAD
    good = head.read_bytes()
    head.write_bytes(change(good, tmp_path))
    done = north.round()
    assert len(done.trouble) == 1
    assert said in done.trouble[0]
    assert "last good one stays in force" in done.trouble[0]
    north.open()
    assert north.patterns == {"bank.example"}
    head.write_bytes(good)
    assert north.round().trouble == ()


def test_an_old_list_shown_again_is_refused(centre: CentrePlace, north: GatewayPlace) -> None:
    centre.passes("bank.example")
    both(centre, north)
    old = (centre.shelf / HEAD).read_bytes()
    centre.store.remove_rule("bank.example")
    both(centre, north)
    (centre.shelf / HEAD).write_bytes(old)
    assert "2 was taken before" in north.round().trouble[0] or "3 was" in north.round().trouble[0]
    assert north.patterns == set()


def test_a_list_that_is_cut_short_or_exchanged_is_refused(
    centre: CentrePlace, north: GatewayPlace
) -> None:
    centre.passes("bank.example", "app.example")
    centre.round()
    (path,) = (centre.shelf / "centre").glob("list-*")
    good = path.read_bytes()
    for bad in (good[:-3], good.splitlines(keepends=True)[0], good + good, b"", good.upper()):
        path.write_bytes(bad)
        assert "it is damaged or half there" in north.round().trouble[0]
        assert north.patterns == set()
    path.unlink()
    assert "is not there yet" in north.round().trouble[0]
    path.write_bytes(good)
    assert north.round().trouble == ()
    assert len(north.patterns) == 2


@pytest.mark.parametrize(
    "line",
    [
        b'{"row":{"host":"x.example","later":1}}',
        b'{"row":{"host":"x.example"},"state":"draft"}',
        b'{"row":{"host":"x.example"},"state":"trial"}',
        b'{"row":{"host":"x.example"},"until":"2026-12-01T00:00:00"}',
        b'{"row":{"host":"*"}}',
        b'{"row":{}}',
        b"[]",
        b'{"row":{"host":"bank.example"}}',
    ],
)
def test_half_a_list_is_not_taken(
    line: bytes, centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    content = list_of({"bank.example": Placed(RuleRow(host="bank.example"))}) + line + b"\n"
    head = Head(7, clock(), digest_of(content), len(content))
    sign = centre.store.trail.seal.sign_text
    (centre.shelf / "centre").mkdir()
    (centre.shelf / "centre" / f"list-{head.digest}").write_bytes(content)
    (centre.shelf / HEAD).write_bytes(signed("head", msgspec.json.encode(head), sign))
    assert "is refused" in north.round().trouble[0]
    assert north.patterns == set()


# Two centres, and one that was put back.


def test_two_centres_on_one_shelf_are_told_and_the_first_ones_list_stays(
    centre: CentrePlace, north: GatewayPlace, tmp_path: Path, clock: Clock
) -> None:
    centre.passes("bank.example")
    both(centre, north)
    second = CentrePlace(tmp_path / "second", clock, centre.shelf)
    second.passes("evil.example", "more.example", "again.example")
    done = second.round()
    assert done.serial is None
    assert "another centre, with another key, publishes on this shelf" in done.trouble[0]
    assert north.round().trouble == ()
    assert north.patterns == {"bank.example"}


def test_a_centre_put_back_from_a_backup_publishes_nothing_until_a_person_says_that_it_is_the_one(
    centre: CentrePlace, north: GatewayPlace
) -> None:
    centre.passes("bank.example")
    backup = centre.path.with_name("backup")
    centre.store.close()
    shutil.copy(centre.path, backup)
    centre.open()
    centre.passes("app.example")
    both(centre, north)
    centre.store.close()
    shutil.copy(backup, centre.path)
    centre.open()
    done = centre.round()
    assert done.serial is None
    assert "put back from a backup" in done.trouble[0]
    # Its next change has the serial that is known with another content: a fork, not a list.
    centre.passes("other.example")
    assert "put back from a backup" in centre.round().trouble[0]
    assert north.round().trouble == ()
    assert north.patterns == {"bank.example", "app.example"}
    centre.store.gateways.advance(9, "restored")
    assert centre.store.revision() == 9
    assert centre.round().serial == 9
    assert north.round().taken == 9
    assert north.patterns == {"bank.example", "other.example"}


def test_a_copied_store_that_publishes_elsewhere_is_found_out_by_the_gateway(
    centre: CentrePlace, north: GatewayPlace, clock: Clock
) -> None:
    centre.passes("bank.example")
    both(centre, north)
    content = list_of({"evil.example": Placed(RuleRow(host="evil.example"))})
    head = Head(centre.store.revision(), clock(), digest_of(content), len(content))
    sign = centre.store.trail.seal.sign_text
    (centre.shelf / HEAD).write_bytes(signed("head", msgspec.json.encode(head), sign))
    assert "there are two centres with one key" in north.round().trouble[0]
    assert north.patterns == {"bank.example"}


# Clocks.


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400), timedelta(hours=3)])
def test_a_clock_that_jumps_at_a_gateway_costs_no_list_and_is_told(
    jump: timedelta, centre: CentrePlace, tmp_path: Path
) -> None:
    own = Clock()
    north = GatewayPlace(tmp_path / "north", own, centre.enrol("north"))
    centre.passes("bank.example")
    both(centre, north)
    own.at += jump
    centre.passes("app.example")
    north.sees([refuses("10.0.0.1", own(), "a.example")])
    both(centre, north)
    assert north.patterns == {"bank.example", "app.example"}
    known = centre.store.gateways.known()["north"]
    assert known.skew == jump.total_seconds()
    # What it says of the future is of now; what lies before all that is kept is left out.
    seen = [one.at for one in centre.store.traffic.attempts("a.example")]
    assert seen == ([] if jump < -timedelta(days=30) else [START])
    own.at -= jump
    assert north.round().trouble == ()


def test_a_clock_that_jumps_at_the_centre_and_back_costs_nothing(
    centre: CentrePlace, north: GatewayPlace, clock: Clock, tmp_path: Path
) -> None:
    theirs = Clock()
    other = CentrePlace(tmp_path / "jumping", theirs)
    gateway = GatewayPlace(tmp_path / "of it", clock, other.enrol("north"))
    for jump in (timedelta(days=900), timedelta(days=-900)):
        theirs.at += jump
        other.passes(f"h{abs(jump.days) + theirs.at.year}.example")
        both(other, gateway)
    assert len(gateway.patterns) == 2
    assert gateway.round().trouble == ()


# Who is no gateway.


def test_a_revoked_gateway_is_heard_no_more_and_keeps_its_list(
    centre: CentrePlace, north: GatewayPlace, south: GatewayPlace, clock: Clock
) -> None:
    centre.passes("bank.example")
    both(centre, north, south)
    revoke(centre.path, "north")
    north.sees([refuses("10.0.0.1", clock(), "a.example")])
    both(centre, north, south)
    assert centre.count("a.example") == 0
    assert set(centre.store.gateways.known()) == {"south"}
    assert north.patterns == {"bank.example"}
    # With another token what waited comes, too.
    again = GatewayPlace(north.path.parent, clock, centre.enrol("north"))
    both(centre, again)
    assert centre.count("a.example") == 1


def test_a_gateway_cannot_speak_for_another_one(
    centre: CentrePlace, north: GatewayPlace, south: GatewayPlace, clock: Clock
) -> None:
    both(centre, north, south)
    north.sees([refuses("10.0.0.1", clock(), "a.example")])
    north.round()
    folder = centre.shelf / "gateways"
    for name in ("report", "batch-1"):
        (folder / "south" / name).write_bytes((folder / "north" / name).read_bytes())
    done = centre.round()
    assert any(line.startswith("south: ") and "another gateway" in line for line in done.trouble)
    assert {one.via for one in centre.store.traffic.attempts()} <= {"north"}


def test_another_centres_enrolment_is_refused_until_the_gateway_has_left(
    centre: CentrePlace, north: GatewayPlace, clock: Clock, tmp_path: Path
) -> None:
    from addons.sync.gateway import left
    from detector.errors import ConfigError

    centre.passes("bank.example")
    north.store.add_rule(RuleRow(host="bank.example", reason="own"))
    both(centre, north)
    second = CentrePlace(tmp_path / "second", clock)
    second.passes("other.example")
    second.round()
    moved = GatewayPlace(north.path.parent, clock, second.enrol("north"))
    with pytest.raises(ConfigError, match="this enrolment is of another one"):
        moved.round()
    assert left(moved.store, "moved") == 1
    assert [one.rule.reason for one in moved.store.rules()] == ["own"]
    moved.round()
    assert moved.patterns == {"bank.example", "other.example"}
    assert audited(moved.store, clock()).faults == ()
