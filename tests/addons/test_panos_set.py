"""PAN-OS's configuration as `set` commands: the same rules and reasons as of its XML."""

from __future__ import annotations

import pytest

from addons.bypass.rule import rule_of
from addons.formats import panos, panos_set
from addons.formats.exported import Imported
from detector.errors import ConfigError

CATEGORY = """
set profiles custom-url-category pinned list [ bank.example/ "*.pay.example/" ]
set profiles custom-url-category pinned type "URL List"
set profiles custom-url-category idle list idle.example/
"""
RULES = """
set rulebase decryption rules spare category pinned
set rulebase decryption rules spare action no-decrypt
set rulebase decryption rules all action decrypt
set rulebase decryption rules all type ssl-forward-proxy
"""


def read(text: str) -> Imported:
    return panos.read(text, "running.set")


def passed(text: str) -> list[str]:
    found = read(text)
    return [rule_of(one).pattern for one in found.rows if one.action == "pass"]


def whys(text: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.text, one.why) for one in read(text).unread]


def test_a_category_passes_where_a_rule_that_does_not_decrypt_names_it() -> None:
    assert passed(CATEGORY + RULES)[0] == "bank.example"
    assert not any("idle" in one for one in passed(CATEGORY + RULES))
    assert passed(CATEGORY + RULES.replace("no-decrypt", "decrypt")) == []


def test_entries_of_the_exclusion_list_say_whether_they_are_excluded() -> None:
    text = (
        "set shared ssl-decrypt ssl-exclude-cert a.example exclude yes\n"
        'set shared ssl-decrypt ssl-exclude-cert a.example description "pinned app"\n'
        "set shared ssl-decrypt ssl-exclude-cert b.example exclude no\n"
        "set shared ssl-decrypt disabled-ssl-exclude-cert-from-predefined [ c.example ]\n"
    )
    assert passed(text) == ["a.example"]
    assert read(text).rows[0].reason == "pinned app"
    told = {one.line: one.why for one in read(text).unread}
    assert told[3] == "not excluded from decryption"
    assert told[4].endswith("by its own list: c.example")


@pytest.mark.parametrize(
    "copied",
    [
        "admin@fw01# {}", "admin@fw01(active)> {}", "  {}", "{} ",
    ],
)  # fmt: skip
def test_a_session_is_read_behind_its_prompt(copied: str) -> None:
    lines = (CATEGORY + RULES).strip().splitlines()
    assert passed("\n".join(map(copied.format, lines)) + "\nadmin@fw01# commit\n") == passed(
        CATEGORY + RULES
    )


def test_several_settings_stand_in_one_command_and_go_on_behind_a_backslash() -> None:
    one = "set rulebase decryption rules spare from any to any category pinned action no-decrypt\n"
    broken = one.replace(" category", " \\\n    category")
    more = "set rulebase decryption rules all from any action decrypt type ssl-forward-proxy\n"
    assert passed(CATEGORY + one + more) == passed(CATEGORY + RULES)
    assert passed(CATEGORY + broken + more) == passed(CATEGORY + RULES)


def test_rules_are_asked_in_the_order_to_which_they_were_moved() -> None:
    turned = (
        RULES.replace("spare", "x")
        .replace("rules all", "rules spare")
        .replace("rules x", "rules all")
    )
    assert passed(CATEGORY + turned) == passed(CATEGORY + RULES)
    last = "move rulebase decryption rules spare bottom\n"
    first = "move rulebase decryption rules spare before all\n"
    assert passed(CATEGORY + RULES + last) == []
    assert passed(CATEGORY + RULES + last + first) == passed(CATEGORY + RULES)


def test_what_was_deleted_or_renamed_is_so() -> None:
    gone = "delete rulebase decryption rules spare\n"
    assert passed(CATEGORY + RULES + gone) == []
    named = "rename profiles custom-url-category pinned to other\n"
    assert passed(CATEGORY + RULES + named) == []
    both = f"{named}set rulebase decryption rules spare category other\n"
    assert "bank.example" in passed(CATEGORY + RULES + both)


@pytest.mark.parametrize(
    "change",
    ["move rulebase decryption rules none top", "delete rulebase decryption rules all profile",
     "rename profiles custom-url-category none to other", "set address a fqdn", "set address g tag [ a"],
)  # fmt: skip
def test_a_command_that_is_not_understood_is_told_with_its_line(change: str) -> None:
    text = (CATEGORY + RULES).strip()
    at = len(text.splitlines()) + 1
    assert [(line, said) for line, said, _ in whys(f"{text}\n{change}") if line == at] == [
        (at, change)
    ]


@pytest.mark.parametrize(
    "change",
    ["delete rulebase decryption rules all action x y", "move rulebase decryption rules all before none",
     "copy rulebase decryption rules all to more", "delete profiles custom-url-category pinned list x.example",
     "rename rulebase decryption rules all"],
)  # fmt: skip
def test_a_change_that_is_not_understood_ends_the_reading(change: str) -> None:
    text = (CATEGORY + RULES).strip()
    line = len(text.splitlines()) + 1
    with pytest.raises(ConfigError, match=rf":{line}: .*give the configuration as XML"):
        passed(f"{text}\n{change}")


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ("delete rulebase decryption rules", CATEGORY),
        ("delete rulebase decryption", CATEGORY),
        ("delete rulebase", CATEGORY),
        ("delete profiles custom-url-category pinned", CATEGORY.splitlines()[-1] + RULES),
        ("delete profiles", RULES),
    ],
)
def test_what_is_deleted_is_gone_with_all_that_is_in_it(gone: str, left: str) -> None:
    whole = CATEGORY + RULES
    assert passed(f"{whole}{gone}\n") == passed(left)
    assert passed(f"{whole}{gone}\n{whole}") == passed(whole)


def test_a_name_is_deleted_from_a_list() -> None:
    first, *others = passed(CATEGORY + RULES)
    listed = next(word for word in CATEGORY.split() if first in word)
    gone = f"delete profiles custom-url-category pinned list {listed}\n"
    assert passed(CATEGORY + RULES + gone) == others


def test_changes_of_what_is_not_read_here_are_no_concern() -> None:
    others = "delete rulebase security rules x\nmove rulebase nat rules y top\ndelete network interface ethernet1/1\n"
    assert passed(CATEGORY + RULES + others) == passed(CATEGORY + RULES)
    assert whys(CATEGORY + RULES + others) == whys(CATEGORY + RULES)


def test_what_a_stranger_writes_costs_no_more_than_its_length() -> None:
    rules = "".join(f"set rulebase decryption rules r{n} action decrypt\n" for n in range(6000))
    moves = "".join(f"move rulebase decryption rules r{n} top\n" for n in range(6000))
    with pytest.raises(ConfigError, match="more than 5000 changes"):
        passed(rules + moves)
    assert passed('set "' + '\\"' * 100_000) == []
    assert passed("set " + "a " * 100_000) == []


def test_addresses_and_groups_are_what_they_hold() -> None:
    text = (
        "set address a fqdn a.example\nset address n ip-netmask 198.51.100.0/24\n"
        "set address-group g static [ a n ]\n"
        "set rulebase decryption rules spare destination g action no-decrypt\n"
        "set rulebase decryption rules all action decrypt\n"
    )
    assert passed(text) == ["a.example", "198.51.100.0/24"]


@pytest.mark.parametrize(
    "condition", ["from trust", "source-user boss", "schedule office", "negate-source yes", "target devices 0071"]
)  # fmt: skip
def test_a_rule_under_a_condition_that_no_rule_says_passes_nothing(condition: str) -> None:
    more = f"set rulebase decryption rules spare {condition}\n"
    assert passed(CATEGORY + RULES + more) == []


def test_a_rule_that_is_switched_off_passes_nothing_and_is_told() -> None:
    off = "set rulebase decryption rules spare disabled yes\n"
    assert passed(CATEGORY + RULES + off) == []
    assert "switched off" in [why for _, _, why in whys(CATEGORY + RULES + off)]


def test_rules_of_other_policies_are_nobodys_loss() -> None:
    text = "set rulebase security rules web source any destination any action allow\n"
    assert panos_set.is_commands(text)
    assert read(text + CATEGORY + RULES).rows == read(CATEGORY + RULES).rows
    assert whys(text) == []


def test_a_rule_of_panoramas_stands_in_its_device_group() -> None:
    text = CATEGORY.replace("set ", "set device-group branch ") + RULES.replace(
        "set rulebase", "set device-group branch pre-rulebase"
    )
    assert "bank.example" in passed(text)
