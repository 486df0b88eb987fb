from detector.chain.anchors import TrustAnchors
from detector.lab.pki import Authority


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
