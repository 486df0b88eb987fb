"""In what a hello is not one of a rule's, told as sentences."""

from __future__ import annotations

import msgspec

from detector.capture.connection import HelloFacts
from detector.forensics.browser_rules import BrowserRule
from detector.forensics.hello_differences import impossible, unusual

RULE = BrowserRule(
    "Some", 3, 5, "tcp", (1, 2, 0xCCA8, 3), (0, 10, 11, 13, 35, 16), "here", grease=True, ordered=True,
    required=(10,), usual=(16, 35), usual_suites=(1,), groups=(23,), schemes=(0x0403,),
)  # fmt: skip
FITTING = HelloFacts(
    0x0303, (), (1, 2, 3), (0x0A0A, 0, 10, 16, 35), (23,), (0x0403,), (), (), "a", "t12d", (0,)
)


def changed(**fields: object) -> HelloFacts:
    return msgspec.structs.replace(FITTING, **fields)


def test_what_fits_differs_in_nothing() -> None:
    assert (impossible(RULE, FITTING), unusual(RULE, FITTING)) == ([], [])


def test_each_field_that_does_not_fit_has_its_sentence() -> None:
    for fields, sentence in (
        ({"extensions": (0, 10, 16, 35)}, "Some 3-5 sends GREASE."),
        ({"ciphers": (1, 9)}, "Some 3-5 never offers the suites 0009."),
        ({"ciphers": (2, 1)}, "Some 3-5 offers its suites in another order than 0002, 0001."),
        ({"extensions": (0x0A0A, 10, 15, 22)}, "Some 3-5 never sends the extensions 15, 22."),
        ({"extensions": (0x0A0A, 0)}, "Some 3-5 always sends the extensions 10; they are missing."),
        ({"groups": (23, 29)}, "Some 3-5 never offers the groups 29."),
        ({"schemes": (0x0201,)}, "Some 3-5 never offers the signature schemes 0201."),
        (
            {"formats": (0, 1, 2)},
            "Some 3-5 offers uncompressed points alone; this hello 0, 1, 2.",
        ),
        ({"compressions": (1, 0)}, "Some 3-5 offers no compression; this hello 1, 0."),
    ):
        assert impossible(RULE, changed(**fields)) == [sentence]


def test_less_is_possible_but_not_usual() -> None:
    less = changed(ciphers=(2, 3), extensions=(0x0A0A, 10))
    assert impossible(RULE, less) == []
    assert unusual(RULE, less) == [
        "Some 3-5 usually sends the extensions 16, 35; they are missing.",
        "Some 3-5 usually offers the suites 0001; they are missing.",
    ]


def test_chacha20_stands_anywhere_and_a_fallback_is_no_suite() -> None:
    assert impossible(RULE, changed(ciphers=(0xCCA8, 1, 2, 0x5600))) == []


def test_who_resumes_asks_for_no_other_ticket() -> None:
    assert unusual(RULE, changed(extensions=(0x0A0A, 10, 16, 41))) == []


def test_a_long_list_is_told_by_its_beginning() -> None:
    (told,) = impossible(RULE, changed(ciphers=tuple(range(100, 120))))
    assert told.endswith("0064, 0065, 0066, 0067, 0068, 0069 and 14 more.")


def test_a_build_for_one_country_is_possible_but_not_usual() -> None:
    gost = changed(ciphers=(0xC102, 1, 2, 3), groups=(34, 23), schemes=(0x0709, 0x0403))
    assert impossible(RULE, gost) == []
    assert unusual(RULE, gost) == ["Only Some 3-5 built for one country offers the suites c102."]
