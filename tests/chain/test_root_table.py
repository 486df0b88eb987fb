from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.chain.certificate import Certificate
from detector.chain.root_table import RootEnd, RootTable
from detector.knowledge.trust_tables import root_table
from detector.lab.pki import Authority

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MADE = date(2026, 10, 18)


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T12:00:00+00:00")


def issued(root: Authority, when: str) -> tuple[list[Certificate], Certificate]:
    """A leaf of that day, and its root."""
    leaf = root.issue("a.example.com", start=day(when), days=400)
    return [Certificate(leaf.der)], Certificate(root.der)


def ending(root: Authority, **how: object) -> RootTable:
    digest = Certificate(root.der).sha256
    end = RootEnd(roots=(digest,), source="here", **{"kind": "distrusted"} | how)  # type: ignore[arg-type]
    return RootTable({digest: "Root"}, [end], MADE)


@pytest.fixture
def root() -> Authority:
    return Authority("Root", days=20000)


def test_a_root_without_an_end_is_public_whenever_its_leaf_is_from(root: Authority) -> None:
    table = RootTable({Certificate(root.der).sha256: "Root"}, [], MADE)
    assert table.standing(*issued(root, "2026-11-01"), NOW) == "public"
    assert Certificate(root.der).sha256 in table
    assert table.end("0" * 64) is None


@pytest.mark.parametrize(
    ("when", "standing"),
    [("2016-10-20", "once-public"), ("2016-10-21", "once-public"), ("2016-10-22", "ended")],
)
def test_a_distrust_leaves_what_was_issued_until_its_day(
    root: Authority, when: str, standing: str
) -> None:
    table = ending(root, until=date(2016, 10, 21))
    assert table.standing(*issued(root, when), NOW) == standing


@pytest.mark.parametrize(
    ("when", "standing"),
    [("2020-01-31", "once-public"), ("2020-02-15", "unknown"), ("2020-03-02", "ended")],
)
def test_between_the_last_list_with_it_and_the_first_without_nobody_can_tell(
    root: Authority, when: str, standing: str
) -> None:
    table = ending(root, kind="removed", seen=date(2020, 1, 31), until=date(2020, 3, 1))
    assert table.standing(*issued(root, when), NOW) == standing


def test_an_end_that_no_list_tells_of_is_unknown(root: Authority) -> None:
    table = ending(root, kind="unknown", seen=date(2020, 1, 31))
    assert table.standing(*issued(root, "2020-01-01"), NOW) == "once-public"
    assert table.standing(*issued(root, "2026-01-01"), NOW) == "unknown"


def test_where_a_browser_asks_for_the_sct_its_time_counts(root: Authority) -> None:
    path = issued(root, "2024-06-01")
    table = ending(root, until=date(2024, 6, 30), by="sct")
    assert table.standing(*path, NOW, logged=day("2024-07-02")) == "ended"
    assert table.standing(*path, NOW, logged=day("2024-06-29")) == "once-public"
    assert table.standing(*path, NOW) == "once-public"
    by_date = ending(root, until=date(2024, 6, 30))
    assert by_date.standing(*path, NOW, logged=day("2024-07-02")) == "once-public"


def test_what_one_browser_alone_distrusts_stays_public(root: Authority) -> None:
    table = ending(root, until=date(2025, 7, 31), elsewhere=("Mozilla",))
    assert table.standing(*issued(root, "2026-01-01"), NOW) == "public"


def test_an_expired_root_excuses_no_leaf_from_after_it() -> None:
    old = Authority("Old", days=10)
    table = ending(old, kind="expired")
    expires = Certificate(old.der).not_after
    before, after = expires.replace(year=expires.year - 1), expires.replace(year=expires.year + 1)
    assert table.standing(*issued(old, before.date().isoformat()), NOW) == "once-public"
    assert table.standing(*issued(old, after.date().isoformat()), NOW) == "ended"


def test_a_short_key_excuses_nothing_after_such_keys_were_given_up() -> None:
    weak = Authority("Weak", key=rsa.generate_private_key(65537, 1024), days=20000)
    table = ending(weak, kind="removed", seen=date(2015, 1, 1), until=date(2015, 6, 1))
    path = issued(weak, "2012-05-05")
    assert table.standing(*path, day("2012-06-01")) == "once-public"
    assert table.standing(*path, NOW) == "ended"
    held = RootTable({path[1].sha256: "A program holds it still"}, [], MADE)
    assert held.standing(*path, NOW) == "ended"


def md5_signed(leaf: Certificate) -> Certificate:
    """The leaf as if MD5 had been used; the digest in its signature is of no account here."""
    sha256_with_rsa, md5_with_rsa = (bytes.fromhex(f"2a864886f70d0101{n}") for n in ("0b", "04"))
    assert sha256_with_rsa in leaf.der
    return Certificate(leaf.der.replace(sha256_with_rsa, md5_with_rsa))


def test_a_signature_by_md5_excuses_nothing_after_it_was_given_up() -> None:
    root = Authority("Root", key=rsa.generate_private_key(65537, 2048), days=20000)
    (leaf,), top = issued(root, "2008-05-05")
    table = RootTable({top.sha256: "Root"}, [], MADE)
    assert table.standing([md5_signed(leaf)], top, day("2009-01-01")) == "public"
    assert table.standing([md5_signed(leaf)], top, NOW) == "ended"
    assert (
        table.standing([leaf], md5_signed(top), NOW) == "public"
    )  # nobody asks how a root signs itself


# The shipped table: who must be in it, and how.


def ends_of(owner: str) -> list[RootEnd]:
    table = root_table()
    found = {id(end): end for d in table.names if (end := table.end(d)) and end.owner == owner}
    return list(found.values())


@pytest.mark.parametrize(
    ("owner", "until", "by"),
    [
        ("DigiNotar", date(2011, 7, 9), "not-before"),
        ("CNNIC", date(2015, 3, 31), "not-before"),
        ("WoSign", date(2016, 10, 21), "not-before"),
        ("StartCom", date(2016, 10, 21), "not-before"),
        ("Symantec", date(2017, 11, 30), "not-before"),
        ("TrustCor", date(2022, 11, 30), "not-before"),
        ("Entrust", date(2024, 11, 30), "not-before"),
        ("e-commerce monitoring", date(2024, 6, 30), "sct"),
        ("Chunghwa Telecom", date(2025, 7, 31), "sct"),
        ("NetLock", date(2025, 7, 31), "sct"),
    ],
)
def test_each_distrust_is_in_the_table_with_its_day_and_measure(
    owner: str, until: date, by: str
) -> None:
    (end,) = ends_of(owner)
    assert (end.kind, end.until, end.by) == ("distrusted", until, by)
    assert end.source.startswith(("https://", "certdata.txt"))


@pytest.mark.parametrize("owner", ["Camerfirma", "Certinomis", "PROCERT", "E-Tugra"])
def test_a_distrust_without_a_day_is_bounded_by_lists(owner: str) -> None:
    (end,) = ends_of(owner)
    assert end.kind == "distrusted"
    assert end.seen is not None
    assert end.until is not None
    assert end.seen < end.until


def test_every_end_has_a_source_and_stands_for_roots_that_are_listed() -> None:
    table = root_table()
    ends = [end for digest in table.names if (end := table.end(digest))]
    assert len(table) > 600
    assert len(ends) > 200
    for end in ends:
        assert end.source
        assert all(digest in table for digest in end.roots)
        assert end.kind == "expired" or end.seen or end.until


@pytest.mark.parametrize(
    "digest",
    [
        "a6a2217c1d192fe71fce87870167011c26e1a9b8582f5f08d8ecb9b3209f5fdb",  # DigiNotar Services CA
        "77dece8000964a74aeed685c0c9301f081a29b6f1803b14230dbd0bac7a39cfc",  # Trustwave's, for a client
    ],
)
def test_what_a_program_blocked_is_not_in_it(digest: str) -> None:
    assert digest not in root_table()


def test_roots_for_email_alone_are_not_in_it() -> None:
    names = " ".join(root_table().names.values())
    for text in ("Secure Mail", "SMIME", "Code Signing", "Email Protection", "Time Stamping"):
        assert text not in names
