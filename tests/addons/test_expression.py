"""Regexes of rules: as Python takes them where both can say it, in time by the length of a name."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from addons.bypass.expression import (
    MAX_REGEX,
    Expressions,
    asks_for_colon,
    fault,
    has_alternatives,
    holds,
    plain,
)

# What both engines are asked about: atoms, sets, groups and repeats, put together at random.
ATOMS = st.sampled_from(
    ("a", "b", "-", "0", r"\.", "[.]", ".", r"\d", r"\w", r"\W", r"\s", r"\b", r"\B", "[a-c]", "[^.]", "[^a-c]",
     "[]a]", "[^]a]", r"[\w-]", r"[\d.]", "[a-]", "[-a]", "A", "[A-C]", "^", "$", r"\A", r"\-", r"\x61", "")
)  # fmt: skip
REPEATS = st.sampled_from(("", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,}", "{2}?"))
REGEXES = st.recursive(
    st.tuples(ATOMS, REPEATS).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(st.sampled_from(("(", "(?:", "(?i:", "(?P<n>")), inner, st.just(")"), REPEATS).map("".join),
    ),
    max_leaves=6,
)  # fmt: skip
NAMES = st.text("ab-0.zc", min_size=1, max_size=12)


@settings(max_examples=500, deadline=None)
@given(REGEXES, NAMES)
@example("(?:a|b)*[.]?", "ab.")
def test_a_regex_means_what_it_means_to_python(regex: str, name: str) -> None:
    try:
        python = re.compile(regex, re.IGNORECASE | re.ASCII)
    except re.error:
        return
    if fault(regex) is None:
        assert holds(regex, name) == (python.fullmatch(name) is not None)


@settings(max_examples=150, deadline=None)
@given(st.lists(REGEXES, max_size=8), NAMES)
def test_many_at_once_say_what_each_says_alone(regexes: list[str], name: str) -> None:
    found = Expressions(regexes)
    assert sorted(found.matching(name)) == [n for n, one in enumerate(regexes) if holds(one, name)]
    assert found.faults == {n: why for n, one in enumerate(regexes) if (why := fault(one))}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=MAX_REGEX + 5))
def test_whatever_is_written_has_an_answer(regex: str) -> None:
    why = fault(regex)
    assert why is None or (why and "\n" not in why.replace(regex, ""))
    Expressions([regex]).matching("www.example.com")
    asks_for_colon(regex)
    has_alternatives(regex)
    plain(regex)


@pytest.mark.parametrize(
    ("regex", "why"),
    [
        ("a(?=b)", "a look ahead"),
        ("a(?!b)", "a look ahead"),
        ("(?<=a)b", "a look behind"),
        ("(?<!a)b", "a look behind"),
        (r"(a)\1", "a back reference"),
        ("(?P<n>a)(?P=n)", "a back reference"),
        (r"()()()()()()()()()()\10", "a back reference"),
        ("(?>a+)b", "an atomic group"),
        ("(a)?(?(1)b|c)", "a condition"),
        ("a++", "bad repetition"),
        (r"a\Z", "which \\$ says"),
        ("a{,3}", "write {0,3}"),
        ("[^A-Z]", r"write \[\^a-z\]"),
        ("b\u00fccher", "xn--"),
        ("(?x)a b", "invalid perl operator"),
        ("a{1001}", "invalid repetition size"),
        ("[a-z]{1,1000}", "steps for each letter"),
        ("a" * (MAX_REGEX + 1), "at most 200"),
        ("(", "missing \\)"),
    ],
)
def test_what_cannot_be_in_force_is_told_with_the_reason(regex: str, why: str) -> None:
    assert re.search(why, fault(regex) or "") is not None
    assert not holds(regex, "a")
    assert Expressions(["a", regex]).matching("a") == [0]


def test_names_are_compared_in_any_case() -> None:
    assert holds(r"API[0-9]\.Example\.COM", "api1.example.com")


@pytest.mark.parametrize(
    ("regex", "name"),
    [
        (r"((?:[a-z]+)-?)+[.]cdn[.]example", "a" * 57),
        ("(a|a)*", "a" * 57 + "b"),
        ("(a|b|ab)*c", "ab" * 120),
        ("(?:(?:[a-z.]*)*)*x", "a." * 126),
        (".*.*.*.*.*.*.*.*.*.*z", "a" * 253),
    ],
)
def test_no_name_takes_long(regex: str, name: str) -> None:
    asked = Expressions([regex])
    start = time.process_time()
    assert asked.matching(name) == []
    assert time.process_time() - start < 5  # a thousandth of one; by backtracking, years


def test_regexes_that_any_name_may_lie_in_are_bounded_together_and_told() -> None:
    loose = [rf"(?:.*[.])?[a-z0-9-]{{1,60}}{n}[.].*[.]x{n}[.].*com" for n in range(700)]
    tight = [rf"api{n}-[0-9]+[.].*com" for n in range(800)]
    found = Expressions([*loose, *tight])
    assert 200 < len(found.faults) < 700
    assert max(found.faults) < 700  # those with a beginning of their own are all in force
    assert set(found.faults.values()) == {
        "too many regexes that begin with anything: together they would slow every name down"
    }
    assert found.matching("q.a17.b.x17.c.com") == [17]
    assert found.matching("api799-1.x.com") == [700 + 799]
    same = Expressions([rf"api[.][a-z]{{1,60}}{n}[.].*com" for n in range(700)])
    assert "begin with 'api.'" in next(iter(same.faults.values()))


def test_no_name_takes_long_whatever_regexes_there_are() -> None:
    """All of those that one name may lie in, and the worst names for them, each seen for the first time."""
    found = Expressions(
        [rf"(?:.*[.])?a[a-z]{{1,{1 + n % 20}}}{n}[.].*example[.]com" for n in range(800)]
    )
    longest = 0.0
    for turn in range(5):
        name = (".".join(f"{'abcde'[turn]}b{k}a{turn}" for k in range(50)))[:240] + ".example.com"
        start = time.thread_time()
        found.matching(name)
        longest = max(longest, time.thread_time() - start)
    assert longest < 0.3


def test_an_automaton_beyond_its_memory_is_halved() -> None:
    regexes = [f"{n:x}[.]" + "[a-z0-9]{1,9}x" * 9 + "[.]com" for n in range(300)]
    found = Expressions(regexes, 1 << 20)
    assert len(found._sets) > 1
    assert found.faults == {}
    for n in (0, 150, 299):
        assert found.matching(f"{n:x}." + "abx" * 9 + ".com") == [n]
    tiny = Expressions(["a" + "[a-z0-9]{1,9}x" * 9, "b"], 1 << 12)
    assert list(tiny.faults) == [0]
    assert "more memory than there is" in tiny.faults[0]


def test_the_engine_is_loaded_where_a_rule_has_a_regex() -> None:
    code = (
        "import sys; from addons.bypass.matcher import Matcher; from addons.bypass.rule import Rule;"
        "Matcher([Rule(host='a.com')]); assert 're2' not in sys.modules;"
        "Matcher([Rule(regex='a')]); assert 're2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_anchors_are_implied_and_an_escaped_dollar_is_none() -> None:
    assert plain("^a$") == plain("a") == "a"
    assert plain(r"a\$") == r"a\$"
    assert plain(r"a\\$") == r"a\\"


def test_colons_and_alternatives_are_seen_outside_of_sets_and_groups() -> None:
    assert [asks_for_colon(one) for one in ("a:b", r"a\:b", "[^:]+", "(?:a)", "(?i:a)")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [has_alternatives(one) for one in ("a|b", "(a|b)", "[a|b]", r"a\|b", "(a)|b")] == [
        True, False, False, False, True,
    ]  # fmt: skip
