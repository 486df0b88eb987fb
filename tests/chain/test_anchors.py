from hashlib import sha256

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from detector.chain.anchors import ProgramRoots, SelectedRoots, TrustAnchors, without
from detector.chain.certificate import Certificate
from detector.lab.pki import Authority
from tests.chain.resigning import joined, name, parts


def test_two_roots_of_one_name_are_both_found_by_it() -> None:
    one, two = Authority("Twin"), Authority("Twin")
    anchors = TrustAnchors((one.der, two.der), "twins")
    found = anchors.named(one.subject.public_bytes())
    assert {root.der for root in found} == {one.der, two.der}
    assert anchors.has_key(found[0].spki_sha256)


def test_what_is_no_certificate_is_counted_and_left_out() -> None:
    anchors = TrustAnchors((Authority("A").der, b"junk"), "mixed")
    assert len(anchors.certificates) == 1
    assert anchors.skipped == 1
    assert anchors.named(b"nobody") == ()


def listed(*authorities: Authority) -> frozenset[str]:
    return frozenset(sha256(one.der).hexdigest() for one in authorities)


def test_a_programs_root_is_found_in_the_store_or_recognised_when_sent() -> None:
    kept, sent, added = Authority("Kept"), Authority("Sent"), Authority("Added")
    store = TrustAnchors((kept.der, added.der), "machine")
    programs = ProgramRoots(lambda: listed(kept, sent), store)
    assert [root.der for root in programs.certificates] == [kept.der]
    assert programs.is_anchor(Certificate(sent.der))
    assert not programs.is_anchor(Certificate(added.der))


def test_a_programs_root_is_one_certificate_not_a_name_or_a_key() -> None:
    real = Authority("Root")
    twin, again = Authority("Root"), Authority("Root", key=real.key, days=10)
    programs = ProgramRoots(lambda: listed(real))
    assert programs.is_anchor(Certificate(real.der))
    assert not programs.is_anchor(Certificate(twin.der))
    assert not programs.is_anchor(Certificate(again.der))


def test_a_listed_root_that_is_not_for_servers_is_none() -> None:
    code = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
    signing = Authority("Code Signing Root", extra=((code, False),))
    store = TrustAnchors((signing.der,), "machine")
    programs = ProgramRoots(lambda: listed(signing), store)
    assert not programs.is_anchor(Certificate(signing.der))
    assert programs.certificates == ()


def test_what_was_tried_before_is_left_out_and_the_list_is_asked_late() -> None:
    root = Authority("Root")
    asked: list[str] = []

    def ask() -> frozenset[str]:
        asked.append("once")
        return listed(root)

    public = TrustAnchors((root.der,), "public")
    programs = ProgramRoots(ask, public, public)
    assert asked == []
    assert programs.certificates == ()
    assert asked


def test_a_root_is_found_by_its_name_however_it_is_written_and_by_its_key_identifier() -> None:
    root = Authority("Some Root", organization="Some Trust")
    anchors = TrustAnchors((root.der, Authority("Other").der), "two")
    loud = name(("C", 0x13, "us"), ("O", 0x1E, "SOME  TRUST"), ("CN", 0x0C, "some root"))
    turned = joined(0x30, parts(loud)[::-1])
    assert [found.der for found in anchors.named(loud)] == [root.der]
    assert anchors.named(turned) == ()
    assert [found.der for found in anchors.read_as(turned)] == [root.der]
    key_id = Certificate(root.der).subject_key_id
    assert key_id
    assert [found.der for found in anchors.keyed(key_id)] == [root.der]
    assert anchors.keyed(b"\x00" * 20) == ()


def test_selected_roots_are_found_by_name_and_the_others_are_not() -> None:
    kept, left = Authority("Kept"), Authority("Left")
    store = TrustAnchors((kept.der, left.der), "machine")
    selected = SelectedRoots(store, lambda digest: digest in listed(kept))
    assert (len(selected), selected.ders, selected.name) == (1, (kept.der,), "machine")
    assert selected.named(kept.subject.public_bytes())
    assert not selected.named(left.subject.public_bytes())
    assert not selected.is_anchor(Certificate(left.der), leaf=False)


def test_roots_can_be_left_out_of_a_store_and_of_what_programs_have() -> None:
    one, two = Authority("One"), Authority("Two")
    store = TrustAnchors((one.der, two.der), "machine")
    assert [c.der for c in without(store, listed(one)).certificates] == [two.der]
    programs = without(ProgramRoots(lambda: listed(one, two), store), listed(one))
    assert [c.der for c in programs.certificates] == [two.der]
    assert not programs.is_anchor(Certificate(one.der), leaf=False)
    assert programs.is_anchor(Certificate(two.der), leaf=False)
