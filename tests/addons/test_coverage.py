"""What passes unseen because one certificate covers it: told of the rule that passes, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from addons.bypass.coverage import MAX_NAMES, Leaf, foretold, kept_names, remarks
from addons.bypass.matcher import Matcher
from addons.bypass.rule import RuleRow, rule_of

TODAY = date(2026, 11, 30)
AT = datetime(2026, 11, 30, tzinfo=UTC)


def leaf(*names: str, address: str | None = "203.0.113.10") -> Leaf:
    return Leaf(AT, names[0].replace("*", "www"), address, 443, tuple(sorted(names)))


def told(leaves: Sequence[Leaf], seen: str, *rows: RuleRow) -> dict[str, str]:
    """Pattern of a rule -> what is said of it."""
    found = remarks([rule_of(row) for row in rows], leaves, seen.split(), TODAY)
    assert {one.id for one in found} <= {"covers-inspected"}
    return {one.rule.pattern: one.text for one in found}


def test_a_rule_that_passes_a_name_tells_the_inspected_ones_on_its_leaf() -> None:
    found = told([leaf("bank.test", "shop.test")], "shop.test", RuleRow(host="bank.test"))
    assert list(found) == ["bank.test"]
    assert found["bank.test"].startswith("Passing bank.test also hides shop.test, which this proxy")


def test_names_that_nobody_asked_for_or_that_pass_or_are_blocked_are_not_told() -> None:
    one = [leaf("bank.test", "shop.test", "www.bank.test", "bad.test")]
    rules = (
        RuleRow(suffix="bank.test"),
        RuleRow(host="bad.test", action="block"),
        RuleRow(host="other.test"),
    )
    assert told(one, "bank.test www.bank.test bad.test other.test", *rules) == {}
    assert list(told(one, "www.bank.test shop.test", *rules)) == [".bank.test"]


def test_a_wildcard_covers_the_names_of_the_traffic_that_are_right_below() -> None:
    found = told(
        [leaf("*.corp.test")], "shop.corp.test a.shop.corp.test", RuleRow(host="bank.corp.test")
    )
    assert found == {}  # bank.corp.test was never seen, so nothing says that this leaf is its
    found = told([leaf("*.corp.test")], "shop.corp.test bank.corp.test a.shop.corp.test",
                 RuleRow(host="bank.corp.test"))  # fmt: skip
    assert "hides shop.corp.test, which" in found["bank.corp.test"]


def test_a_range_that_passes_tells_what_the_leaf_of_its_server_covers() -> None:
    rules = RuleRow(cidr="203.0.113.0/24"), RuleRow(host="shop.test", action="inspect")
    found = told([leaf("bank.test", "shop.test")], "shop.test", *rules)
    assert list(found) == ["203.0.113.0/24"]
    assert told([leaf("bank.test", "shop.test", address=None)], "shop.test", *rules) == {}


def test_a_rule_that_is_not_there_yet_is_foretold() -> None:
    def text(row: RuleRow, *others: RuleRow) -> str:
        there = Matcher(rule_of(one) for one in others)
        return foretold(rule_of(row), there, leaves, ["shop.test", "x.corp.test"], TODAY)

    leaves = [leaf("bank.test", "shop.test"), leaf("*.corp.test")]
    assert text(RuleRow(host="bank.test")).startswith("Passing bank.test also hides shop.test,")
    assert text(RuleRow(host="bank.test"), RuleRow(host="shop.test")) == ""
    assert text(RuleRow(host="other.test"), RuleRow(host="bank.test")) == ""
    assert text(RuleRow(host="www.corp.test")).startswith("Passing www.corp.test also hides x.corp")
    assert text(RuleRow(suffix="bank.test")).startswith("Passing bank.test also hides shop.test,")


def test_many_names_are_counted_and_not_listed() -> None:
    names = [f"n{number}.test" for number in range(9)]
    found = told([leaf("bank.test", *names)], " ".join(names), RuleRow(host="bank.test"))
    assert "hides n0.test, n1.test, n2.test, n3.test and 5 more, which" in found["bank.test"]


def test_leaves_with_the_same_names_are_one() -> None:
    first = leaf("bank.test", "shop.test")
    assert first.digest == leaf("bank.test", "shop.test", address="198.51.100.1").digest
    assert first.digest != leaf("bank.test").digest


def test_a_leaf_is_kept_in_bounds_and_only_where_it_covers_its_host() -> None:
    many = [f"n{number:05}.test" for number in range(5000)]
    assert len(kept_names("n00001.test", many)) == MAX_NAMES
    assert "n04999.test" in kept_names("n04999.test", many)
    assert kept_names("shop.test", ["SHOP.test", "bank.test", "x" * 300, ""]) == (
        "bank.test", "shop.test",
    )  # fmt: skip
    assert kept_names("www.corp.test", ["*.corp.test"]) == ("*.corp.test",)
    assert kept_names("shop.test", ["shop.test"]) == ()
    assert kept_names("victim.test", ["evil.test", "bank.test"]) == ()
    assert kept_names("no host", ["no host", "bank.test"]) == ()
