"""Which stores a program reads, and whether they hold a root."""

from __future__ import annotations

import msgspec
import pytest

from detector.auditing.model import Place, Root, Setting, SettingUse, StoreChoice
from detector.auditing.why import FixLine, Sought, StoreRead, fix_lines, held, stores_read
from detector.chain.certificate import Certificate
from detector.lab.pki import Authority, LabPki
from detector.model.programs import Program, ProgramFix, Reads

OS = Reads("os", "the system's bundle")
TOOL = Program("tool", "Tool", "x", (), (OS,), ("tool",))


def store(kind: str, path: str, *authorities: Authority, used_by: str = "") -> Place:
    return Place(kind, path, tuple(Root(Certificate(a.der)) for a in authorities), used_by)


def use(
    value: str,
    effect: str = "replaces",
    *,
    counts: bool = True,
    missing: bool = False,
    store: str = "",
) -> SettingUse:
    names = "" if store else value
    setting = Setting("env:X", value, "environment", missing=missing, names=names)
    return SettingUse(setting, effect, counts, "", store, "tool")


@pytest.fixture
def sought(corporate: Authority) -> Sought:
    return Sought(Certificate(corporate.der))


def read(
    choice: StoreChoice, places: list[Place], sought: Sought, public: frozenset[str] = frozenset()
) -> list[StoreRead]:
    return [*stores_read(TOOL, choice, places, sought, public)]


def test_the_default_counts_where_nothing_replaces_it(
    pki: LabPki, corporate: Authority, sought: Sought
) -> None:
    places = [store("os", "/bundle", pki.root, corporate), store("java", "/cacerts", pki.root)]
    (found,) = read(StoreChoice(OS, ()), places, sought)
    assert (found.path, found.because, found.holds) == ("/bundle", "default", True)
    (found,) = read(StoreChoice(Reads("java", "cacerts"), ()), places, sought)
    assert (found.path, found.holds) == ("/cacerts", False)


def test_what_replaces_is_read_instead_and_what_adds_besides(
    pki: LabPki, corporate: Authority, sought: Sought
) -> None:
    places = [
        store("os", "/bundle", pki.root), store("file", "/own", pki.root), store("file", "/extra", corporate),
    ]  # fmt: skip
    choice = StoreChoice(OS, (use("/own"), use("/extra", "adds"), use("/weak", counts=False)))
    assert [(one.path, one.holds) for one in read(choice, places, sought)] == [
        ("/own", False), ("/extra", True),
    ]  # fmt: skip
    choice = StoreChoice(OS, (use("/extra", "adds"),))
    assert [one.path for one in read(choice, places, sought)] == ["/bundle", "/extra"]


def test_a_switch_leads_to_the_store_that_it_names(pki: LabPki, sought: Sought) -> None:
    places = [store("os", "/bundle", pki.root)]
    choice = StoreChoice(
        Reads("node", "built in"), (use("--use-openssl-ca", "switches", store="os"),)
    )
    assert [one.path for one in read(choice, places, sought)] == ["/bundle"]


def test_a_missing_file_holds_nothing_and_an_unread_one_may(sought: Sought) -> None:
    (missing,) = read(StoreChoice(OS, (use("/gone", missing=True),)), [], sought)
    assert (missing.holds, missing.trouble) == (False, "is not there")
    (unread,) = read(StoreChoice(OS, (use("/there"),)), [], sought)
    assert (unread.holds, unread.trouble) == (None, "was not read")


def test_built_in_roots_hold_public_ones_alone(sought: Sought) -> None:
    choice = StoreChoice(Reads("mozilla", "built in"), ())
    assert read(choice, [], sought)[0].holds is False
    assert sought.ca is not None
    assert read(choice, [], sought, frozenset((sought.ca.sha256,)))[0].holds is True
    assert read(StoreChoice(Reads("none", "nothing"), ()), [], sought)[0].holds is None


def test_a_chain_is_compared_by_its_issuer_also_where_the_root_is_not_sent(
    pki: LabPki, corporate: Authority
) -> None:
    leaf = Certificate(corporate.issue("a.test").der)
    root, other = Certificate(corporate.der), Certificate(pki.root.der)
    namesake = Certificate(Authority("Example Corp CA", organization="Example Corp").der)
    assert Sought(chain=(leaf,)).is_in([other, root])
    assert Sought(chain=(leaf, root)).is_in([root])
    assert not Sought(chain=(leaf,)).is_in([other, namesake])
    assert Sought(chain=(leaf,)).name == root.subject_text


def test_one_store_that_holds_it_is_enough() -> None:
    def reads(*answers: bool | None) -> list[StoreRead]:
        return [StoreRead("/x", "default", answer) for answer in answers]

    assert held(reads(False, True, None)) is True
    assert held(reads(False, None)) is None
    assert held(reads(False)) is False
    assert held([]) is None


def test_lines_are_the_programs_own_else_of_what_is_beneath() -> None:
    fix = ProgramFix(sets="X_CA", value="CA_FILE")
    below = Program(
        "below", "B", "x", (), (OS,), fix=(fix, ProgramFix(sets="Y", value="z", until="2"))
    )
    above = Program("above", "A", "x", (), (OS,), under="below")
    found = fix_lines(above, {"below": below, "above": above}, "/ca.pem", "/b.pem", "linux", "")
    assert [type(one) for one in found] == [FixLine]
    assert found[0].lines["sh"] == "export X_CA=/ca.pem"
    assert found[0].lines["powershell"] == '$env:X_CA = "/ca.pem"'


def test_a_setting_that_keeps_the_store_leaves_it_beside(
    pki: LabPki, corporate: Authority, sought: Sought
) -> None:
    places = [store("os", "/bundle", corporate), store("file", "/own", pki.root)]
    keeping = msgspec.structs.replace(use("/own"), keeps=True)
    found = read(StoreChoice(OS, (keeping,)), places, sought)
    assert [(one.path, one.holds) for one in found] == [("/own", False), ("/bundle", True)]


def test_a_file_in_openssls_place_leaves_its_folder(
    pki: LabPki, corporate: Authority, sought: Sought
) -> None:
    places = [store("file", "/own", pki.root)]
    hashed = [store("os", "/etc/ssl/certs", corporate)]
    leaving = msgspec.structs.replace(use("/own"), leaves_folder=True)
    found = stores_read(TOOL, StoreChoice(OS, (leaving,)), places, sought, frozenset(), hashed)
    assert [(one.path, one.holds) for one in found] == [("/own", False), ("/etc/ssl/certs", True)]
    folder = SettingUse(
        Setting("env:SSL_CERT_DIR", "/d", "environment"), "adds", True, "", "", "tool"
    )
    found = stores_read(
        TOOL, StoreChoice(OS, (leaving, folder)), places, sought, frozenset(), hashed
    )
    assert "/etc/ssl/certs" not in [one.path for one in found]
