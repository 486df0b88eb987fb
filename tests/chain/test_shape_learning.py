"""What two leaves of one program teach, and when that is too little."""

import pytest

from detector.chain.shape_learning import HonestShape, learn
from detector.chain.shape_rule import HOST, Features
from detector.errors import CertificateError

DAY = 86_400


def minted(**changes: object) -> Features:
    plain: dict[str, object] = {
        "extensions": ("SAN", "BC"),
        "key": "rsa2048",
        "serial_bits": 157,
        "validity_seconds": 90 * DAY,
        "issuer": {"CN": ["Gateway"]},
        "subject": {"CN": [HOST]},
        "rsa_exponent": 65537,
    }
    return Features(**{**plain, **changes})  # type: ignore[arg-type]


def test_habits_are_asked_for_and_choices_are_not() -> None:
    learned = learn([minted(leaf_key_is_issuer_key=True), minted(leaf_key_is_issuer_key=True)], [])
    rule = learned.rule
    assert learned.characteristic
    assert not rule.weak
    assert (rule.extensions, rule.leaf_key_is_issuer_key) == ((("SAN", "BC"),), True)
    assert (rule.key, rule.rsa_exponent, rule.subject) == (None, None, None)
    assert rule.matches(minted(leaf_key_is_issuer_key=True, key="ec-secp256r1", serial_bits=149))


@pytest.mark.parametrize("days", [47, 100, 197, 397])
def test_a_lifetime_below_the_browsers_limit_is_bounded_so_that_it_may_follow_them(
    days: int,
) -> None:
    pair = [minted(dates_of_issuer=True, validity_seconds=days * DAY)] * 2
    rule = learn(pair, []).rule
    for later in (7, 47, 100, 200, 398):
        assert rule.matches(minted(dates_of_issuer=True, validity_seconds=later * DAY))


def test_what_differs_is_not_asked_for() -> None:
    one = minted(serial_clock="seconds", validity_seconds=DAY, only_host_named=True)
    other = minted(serial_clock="seconds", validity_seconds=9 * DAY, extensions=("SAN",))
    rule = learn([one, other], []).rule
    assert (rule.validity_days, rule.only_host_named) == (None, None)
    assert rule.extensions == (("SAN", "BC"), ("SAN",))
    assert rule.serial_clock == "seconds"
    assert rule.serial_bits is None  # the clock says it all


def test_a_row_without_a_habit_is_weak() -> None:
    learned = learn([minted(), minted()], [])
    assert (learned.characteristic, learned.rule.weak) == (False, True)


def test_a_row_that_hits_an_honest_shape_is_weak_and_says_which() -> None:
    honest = [
        HonestShape("a lazy CA", minted(leaf_key_is_issuer_key=True)),
        HonestShape("a careful CA", minted()),
    ]
    learned = learn([minted(leaf_key_is_issuer_key=True)] * 2, honest)
    assert [known.origin for known in learned.hits] == ["a lazy CA"]
    assert (learned.measured, learned.rule.weak) == (2, True)


def test_subjects_say_the_programs_words_and_not_the_operators() -> None:
    issuer = {"CN": ["Gateway"], "O": ["Corp"], "OU": ["x"]}
    subject = {"CN": [HOST], "O": ["Corp"], "OU": [HOST], "L": ["Nowhere (x)"], "C": ["CZ"]}
    one = minted(issuer=issuer, subject=subject)
    other = minted(issuer=issuer, subject={**subject, "C": ["DE"]})
    rule = learn([one, other], []).rule
    assert rule.subject == {"OU": HOST, "L": r"Nowhere\ \(x\)"}
    assert rule.matches(one)


def test_one_leaf_teaches_nothing_and_nobody_minted_a_self_signed_one() -> None:
    with pytest.raises(CertificateError, match="no habits"):
        learn([minted()], [])
    with pytest.raises(CertificateError, match="self-signed"):
        learn([minted(), minted(self_issued=True)], [])
