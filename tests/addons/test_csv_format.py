"""Tables of other people: which column is what, and which row is refused."""

from __future__ import annotations

import pytest

from addons.bypass.rule import rule_of
from addons.formats.exported import Imported, ReadOptions
from addons.formats.registry import read
from detector.errors import ConfigError


def table(text: str, **columns: str) -> Imported:
    return read("csv", text, "sheet.csv", ReadOptions(columns=columns))


def patterns(found: Imported) -> list[str]:
    return [rule_of(one.row).pattern for one in found.entries]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_head_says_what_separates_cells(separator: str) -> None:
    found = table(f"Owner{separator}Domain\nit{separator}a.example\n")
    assert patterns(found) == ["a.example"]
    assert found.entries[0].row.owner == "it"
    assert found.notes[0] == "host is column 2 'Domain', owner is column 1 'Owner'"


def test_a_table_without_a_head_has_its_hosts_where_its_names_are() -> None:
    found = table("it,a.example\nhr,.b.example\n")
    assert patterns(found) == ["a.example", ".b.example"]
    assert [one.line for one in found.entries] == [1, 2]
    assert found.entries[0].row.owner == ""


def test_a_person_says_which_column_is_which() -> None:
    text = "Spalte1,Spalte2,Spalte3\nx,a.example,it\n"
    found = table(text, owner="Spalte3", host="2")
    assert (patterns(found), found.entries[0].row.owner) == (["a.example"], "it")
    turned = table(text, Spalte3="owner", Spalte2="host")
    assert turned.entries == found.entries


@pytest.mark.parametrize("columns", [{"owner": "9"}, {"owner": "nowhere"}, {"x": "y"}])
def test_a_column_that_is_not_there_is_an_error(columns: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        table("domain,owner\na.example,it\n", **columns)


def test_a_table_without_names_is_an_error_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="no column is one of hosts") as raised:
        table("colour,size\nred,1\nblue,2\n")
    assert "--map" in str(raised.value.remedy)


@pytest.mark.parametrize(
    "day", ["31/03/2027", "03/04/2027", "3.4.27", "03.31.2027", "46112", "2027-13-01", "soon"]
)
def test_a_day_that_is_not_plain_refuses_its_row_alone(day: str) -> None:
    found = table(f"domain,expires\na.example,{day}\nb.example,2027-03-31\n")
    assert patterns(found) == ["b.example"]
    assert [(one.line, one.text) for one in found.unread] == [(2, "a.example")]


@pytest.mark.parametrize(
    ("day", "said"),
    [("2027-03-31", "2027-03-31"), ("31 Mar 2027", "2027-03-31"), ("March 31, 2027", "2027-03-31"), ("31.03.2027", "2027-03-31"), ("3.4.2027", "2027-04-03"),
     ("2027-03-31 00:00:00", "2027-03-31"), ("2027-03-31T10:00Z", "2027-03-31T10:00Z"), ("never", ""), ("", "")],
)  # fmt: skip
def test_a_plain_day_is_the_last_one(day: str, said: str) -> None:
    found = table(f'domain,expires\na.example,"{day}"\n')
    assert [rule_of(one.row).until for one in found.entries] == [said]


@pytest.mark.parametrize(
    ("word", "action"),
    [("Bypass", "pass"), ("do not decrypt", "pass"), ("Decrypt", "inspect"), ("deny", "block")],
)
def test_actions_are_words_that_people_use(word: str, action: str) -> None:
    found = table(f"domain,action\na.example,{word}\n")
    assert [one.row.action for one in found.entries] == [action]


@pytest.mark.parametrize("word", ["", "allow", "maybe"])
def test_an_action_that_may_mean_two_things_passes_nothing(word: str) -> None:
    found = table(f"domain,action,x\na.example,{word},y\n")
    assert (found.entries, len(found.unread)) == ((), 1)


def test_a_row_that_is_not_in_force_is_told() -> None:
    found = table("domain,exclude from decryption\na.example,yes\nb.example,no\n")
    assert patterns(found) == ["a.example"]
    assert found.unread[0].line == 3


@pytest.mark.parametrize(
    ("head", "off"), [("Estado", "Deshabilitado"), ("Stato", "disattivato"), ("Statut", "inactif"), ("Actief", "nee?")]
)  # fmt: skip
def test_a_row_that_is_off_in_another_language_is_told(head: str, off: str) -> None:
    found = table(f"Dominio,{head},x\na.example,{off},y\n")
    assert (found.entries, [one.text for one in found.unread]) == ((), ["a.example"])


@pytest.mark.parametrize("head", ["Vence", "Scadenza", "Échéance", "Gültig bis", "Validade"])
def test_an_end_is_one_in_another_language(head: str) -> None:
    found = table(f"Host;{head}\na.example;2027-03-31\n")
    assert [rule_of(one.row).until for one in found.entries] == ["2027-03-31"]


@pytest.mark.parametrize(
    "kind", ["Category", "URL category", "Kategorie", "Application", "Country"]
)
def test_a_name_that_its_column_calls_no_host_is_none(kind: str) -> None:
    found = table(f"Type,Value\n{kind},Finance\nFQDN,a.example\n")
    assert patterns(found) == ["a.example"]
    assert [(one.line, one.text) for one in found.unread] == [(2, "Finance")]


@pytest.mark.parametrize("head", ["\u30c9\u30e1\u30a4\u30f3", "Domain to spare"])
def test_a_head_in_words_that_are_not_known_is_no_host(head: str) -> None:
    found = table(f"{head},\u671f\u9650\na.example,x\nb.example,y\n")
    assert (patterns(found), found.unread) == (["a.example", "b.example"], ())
    assert found.notes[-1] == "not used: column 2 '\u671f\u9650'"


def test_lines_are_those_of_the_file_also_behind_quoted_line_ends() -> None:
    found = table('\ufeffsep=,\r\ndomain,reason\r\na.example,"x\r\ny"\r\n\r\nb.example,z\r\n')
    assert [one.line for one in found.entries] == [3, 6]


def test_a_cell_of_several_hosts_is_a_rule_for_each() -> None:
    found = table('domain,port\n"a.example, .b.example\n10.0.0.0/8",8443\n')
    assert patterns(found) == ["a.example:8443", ".b.example:8443", "10.0.0.0/8:8443"]


def test_two_ports_for_one_host_are_refused() -> None:
    found = table("domain,port\na.example:443,8443\n")
    assert found.entries == ()
    assert "port 443" in found.unread[0].why


def test_a_formula_is_no_host_and_a_remark_that_looks_like_one_stays_text() -> None:
    found = table('domain,reason\n"=HYPERLINK(""x"")",a\na.example,=1+1\n')
    assert [one.why for one in found.unread] == ["a formula, not a host"]
    assert found.entries[0].row.reason == "=1+1"


@pytest.mark.parametrize(
    ("head", "cell"),
    [("disabled", "yes"), ("Is Disabled", "true"), ("deleted", "x"), ("exception", "no"), ("Enabled", "no"),
     ("status", "pending"), ("active", ""), ("user", "alice"), ("AD group", "hr"), ("Department", "hr"),
     ("source zone", "lan"), ("Application", "bank"), ("deviceName", "pc1"), ("location", "Bonn"),
     ("SSL Inspection Status", "on"), ("valid from", "2027-01-01"), ("enabled", "perhaps")],
)  # fmt: skip
def test_a_row_that_is_off_or_for_some_alone_is_left_out_with_its_column(
    head: str, cell: str
) -> None:
    found = table(f"domain,{head},reason\nbank.example,{cell},r\n")
    assert (found.entries, [one.line for one in found.unread]) == ((), [2])
    assert head in found.unread[0].why


@pytest.mark.parametrize(
    ("head", "cell"),
    [("disabled", "no"), ("disabled", ""), ("enabled", "Yes"), ("exception", "x"), ("user", "any"), ("group", ""),
     ("status", "active"), ("decrypt", "no"), ("inspect", "bypass")],
)  # fmt: skip
def test_a_row_that_is_in_force_for_all_passes(head: str, cell: str) -> None:
    found = table(f"domain,{head},reason\nbank.example,{cell},r\n")
    assert [(one.row.host, one.row.action) for one in found.entries] == [("bank.example", "pass")]


@pytest.mark.parametrize("head", ["decrypt", "inspect", "SSL Inspection", "decryption"])
def test_a_column_that_says_decrypt_is_the_action_the_other_way_round(head: str) -> None:
    found = table(
        f"domain,{head}\n.bank.example,no\npay.bank.example,yes\nx.example,\ny.example,?\n"
    )
    assert [one.row.action for one in found.entries] == ["pass", "inspect"]
    assert [one.line for one in found.unread] == [4, 5]


def test_all_columns_of_yes_and_no_must_let_a_row_stand() -> None:
    found = table(
        "domain,bypass,enabled,deleted\na.example,yes,yes,no\nb.example,yes,no,no\nc.example,yes,yes,yes\n"
    )
    assert patterns(found) == ["a.example"]


def test_a_second_column_for_one_condition_leaves_its_rows_out() -> None:
    found = table("domain,source,src ip\na.example,10.0.0.1,10.0.0.2\nb.example,10.0.0.1,\n")
    assert patterns(found) == ["b.example from 10.0.0.1/32"]


def test_a_person_says_which_columns_are_no_conditions() -> None:
    text = "domain,group,department\na.example,hr,it\n"
    assert patterns(table(text, ignore="group", department="owner")) == ["a.example"]
    assert patterns(table(text, group="ignore", department="ignore")) == ["a.example"]
    assert table(text, ignore="group").entries == ()
    second = "domain,source,client\na.example,10.0.0.1,10.0.0.2\n"
    assert patterns(table(second, source="ignore")) == ["a.example from 10.0.0.2/32"]
    assert patterns(table(second, client="ignore")) == ["a.example from 10.0.0.1/32"]


def test_columns_of_no_use_and_columns_that_leave_rows_out_are_told() -> None:
    found = table("domain,colour,user,enabled\na.example,red,any,yes\n")
    assert "column 2 'colour'" in found.notes[-1]
    assert any("left out: column 3 'user'" in note for note in found.notes)


def test_two_rows_of_one_host_that_end_on_two_days_are_both_read() -> None:
    found = table("domain,expires\na.example,2027-01-01\na.example,2028-01-01\n")
    assert [str(row.expires) for row in found.rows] == ["2027-01-01", "2028-01-01"]


def test_a_name_is_the_host_only_where_no_other_column_is() -> None:
    assert patterns(table("Name;Ziel\nBank;bank.example\n")) == ["bank.example"]
    assert patterns(table("name,reason\nbank.example,r\n")) == ["bank.example"]
