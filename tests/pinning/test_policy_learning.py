"""An entry's place in the policy file."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest

from detector.errors import ConfigError
from detector.knowledge.hosts import key_digest
from detector.knowledge.pins import curl_digest
from detector.pinning.policy_learning import Entry, PresentedCa, answered_for, with_entry

KEY = "ab" * 32
CA = PresentedCa("Gate CA", "CN=Gate CA", "cd" * 32, KEY)


def added(text: str, entry: Entry) -> str:
    return with_entry(text, entry, curl_digest, partial(key_digest, "policy"))


def test_comments_and_other_entries_stay() -> None:
    before = "# ours\ninternal = []\n\n[[private]]\nspki = '00' # theirs\nnames = ['x']\n"
    text = added(before.replace("'00'", f"'{'00' * 32}'"), Entry("sanctioned", "Gate", KEY, ("*",)))
    assert text.startswith("# ours\n")
    assert "# theirs" in text
    assert text.rstrip().endswith('decrypt = ["*"]')


@pytest.mark.parametrize(
    "written", [KEY, KEY.upper(), curl_digest(KEY), curl_digest(KEY).replace("//", "/")]
)
@pytest.mark.parametrize("field", ["spki = '{}'", "spki = '" + "00" * 32 + "'\nalso = ['{}']"])
def test_a_key_that_stands_there_in_whatever_form_gets_no_second_entry(
    written: str, field: str
) -> None:
    before = f"[[sanctioned]]\nname = 'Old'\n{field.format(written)}\ndecrypt = ['a.example']\n"
    text = added(before, Entry("sanctioned", "New", KEY, ("b.example",)))
    assert text.count("[[sanctioned]]") == 1
    assert "'a.example', " in text or '"a.example", ' in text
    assert "b.example" in text
    assert "New" not in text


HAD = f"[[sanctioned]]\nname = 'Old'\nspki = '{KEY}'\ndecrypt = ['a.example']\n"


def test_a_name_and_an_owner_that_were_chosen_take_the_place_of_the_old_ones() -> None:
    entry = Entry("sanctioned", "Gate", KEY, ("b.example",), owner="net", renames=True)
    text = added(HAD + "owner = 'nobody'\n", entry)
    assert 'name = "Gate"' in text
    assert 'owner = "net"' in text
    assert "Old" not in text
    assert "nobody" not in text


def test_a_last_day_touches_no_host_that_is_not_named_with_it() -> None:
    day = date(2027, 1, 1)
    with pytest.raises(ConfigError, match=r"would become the last day of a\.example too"):
        added(HAD, Entry("sanctioned", "Gate", KEY, ("b.example",), expires=day))
    both = ("a.example", "b.example")
    for text in (
        added(HAD, Entry("sanctioned", "Gate", KEY, both, expires=day)),
        added(f"{HAD}expires = {day}\n", Entry("sanctioned", "Gate", KEY, both[1:], expires=day)),
    ):
        assert f"expires = {day}" in text
        assert "b.example" in text


def test_a_name_that_an_interceptor_chose_cannot_leave_its_string() -> None:
    name = 'x"\n[[private]]\nspki = "' + "\u202e"
    text = added("", Entry("sanctioned", name, KEY, ("*",)))
    assert text.count("[[") == text.count("[[sanctioned]]") + text.count("\\U0000000a[[")
    assert "\u202e" not in text


def test_what_is_no_toml_is_an_error() -> None:
    with pytest.raises(ConfigError):
        added("= =", Entry("sanctioned", "x", KEY, ("*",)))
    with pytest.raises(ConfigError, match=r"no .*sanctioned.* rows"):
        added("sanctioned = 3", Entry("sanctioned", "x", KEY, ("*",)))


def test_a_digest_is_of_the_certificate_or_of_the_key_and_of_nobody_else() -> None:
    assert answered_for((CA,), "CD" * 32) == CA
    assert answered_for((CA,), ":".join(["ab"] * 32)) == CA
    assert answered_for((CA,), "00" * 32) is None
    unsent = PresentedCa("Gate CA", "", "", KEY)
    assert answered_for((unsent,), KEY) == unsent
    for bad in ("", "ab", "zz" * 32, "ab" * 33):
        with pytest.raises(ConfigError, match="is no SHA-256"):
            answered_for((CA,), bad)
