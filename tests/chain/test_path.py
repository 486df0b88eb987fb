"""Paths are signatures; names, order and appended certificates prove nothing."""

from datetime import timedelta
from hashlib import sha256
from time import process_time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.chain.anchors import ProgramRoots, TrustAnchors
from detector.chain.certificate import Certificate
from detector.chain.path import build_path
from detector.lab.pki import Authority, LabPki, _builder, _key_usage
from tests.chain.resigning import extensions_changed, name, resigned, spelt_out


def read(*ders: bytes) -> list[Certificate]:
    return [Certificate(data) for data in ders]


def sub_ca(parent: Authority, *extensions: x509.ExtensionType, name: str = "Sub CA") -> Authority:
    """A CA below `parent` whose certificate carries exactly `extensions`."""
    child = Authority(name, parent=parent)
    start = child.now - timedelta(days=30)
    builder = _builder(child.subject, parent.subject, child.key, start, 3650)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    child.certificate = builder.sign(parent.key, hashes.SHA256())
    return child


CA = x509.BasicConstraints(True, None)


def kind(authority: Authority, pki: LabPki, host: str = "a.example") -> str:
    leaf = authority.issue(host)
    return build_path(read(*leaf.chain), host, pki.anchors).kind


def test_leaf_intermediate_root(pki: LabPki) -> None:
    path = build_path(read(*pki.issue("a.example").chain), "a.example", pki.anchors)
    assert path.kind == "public"
    assert [c.subject_text.split(",")[0] for c in path.certificates] == [
        "CN=a.example",
        "CN=Lab Public Intermediate",
        "CN=Lab Public Root",
    ]


def test_reversed_and_padded_chains_are_still_public(pki: LabPki, corporate: Authority) -> None:
    leaf = pki.issue("a.example")
    strangers = [corporate.der, Authority("Stranger").der]
    sent = read(leaf.der, *strangers, pki.root.der, pki.intermediate.der, leaf.der)
    assert build_path(sent, "a.example", pki.anchors).kind == "public"


def test_genuine_certificates_behind_a_forged_leaf_do_not_help_it(
    pki: LabPki, corporate: Authority
) -> None:
    genuine, forged = pki.issue("a.example"), corporate.issue("a.example")
    sent = read(forged.der, *genuine.chain, pki.root.der)
    path = build_path(sent, "a.example", pki.anchors)
    assert path.kind == "incomplete"
    assert len(path.certificates) == 1


def test_a_ca_of_the_same_name_and_another_key_is_not_the_issuer(pki: LabPki) -> None:
    impostor = Authority("Lab Public Root")
    leaf = impostor.issue("a.example")
    path = build_path(read(leaf.der, pki.root.der, impostor.der), "a.example", pki.anchors)
    assert path.kind == "private"
    assert path.certificates[-1].der == impostor.der


def test_a_cross_signed_intermediate_is_public_by_either_way(pki: LabPki) -> None:
    unknown = Authority("Retired Root")
    intermediate = Authority("Crossed", parent=pki.root)
    twin = Authority("Crossed", parent=unknown, key=intermediate.key)
    leaf = intermediate.issue("a.example")
    for order in ([twin.der, intermediate.der], [intermediate.der, twin.der]):
        path = build_path(read(leaf.der, *order, unknown.der), "a.example", pki.anchors)
        assert path.kind == "public"


def test_a_genuine_leaf_cannot_sign_another_leaf(pki: LabPki) -> None:
    leaf = pki.issue("evil.example")
    puppet = Authority("Puppet")
    puppet.key, puppet.certificate, puppet.subject = (
        leaf.key,
        leaf.certificate,
        leaf.certificate.subject,
    )
    forged = puppet.issue("bank.example")
    sent = read(forged.der, leaf.der, pki.intermediate.der)
    assert build_path(sent, "bank.example", pki.anchors).kind == "incomplete"


def test_an_issuer_without_basic_constraints_makes_no_public_path(pki: LabPki) -> None:
    assert kind(sub_ca(pki.root, CA), pki) == "public"
    assert kind(sub_ca(pki.root), pki) != "public"


def test_an_issuer_whose_key_usage_forbids_signing_makes_no_public_path(pki: LabPki) -> None:
    assert kind(sub_ca(pki.root, CA, _key_usage(ca=False)), pki) != "public"


def test_an_issuer_for_mail_makes_no_public_path(pki: LabPki) -> None:
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    assert kind(sub_ca(pki.root, CA, mail), pki) != "public"


def test_a_path_length_of_zero_allows_no_further_ca(pki: LabPki) -> None:
    narrow = sub_ca(pki.root, x509.BasicConstraints(True, 0), name="Narrow")
    assert kind(narrow, pki) == "public"
    assert kind(sub_ca(narrow, CA, name="Below"), pki) != "public"


def test_name_constraints_hold_the_issuer_to_its_names(pki: LabPki) -> None:
    limits = x509.NameConstraints(
        [x509.DNSName("good.example")], [x509.DNSName("bad.good.example")]
    )
    issuer = sub_ca(pki.root, CA, limits)
    assert kind(issuer, pki, "www.good.example") == "public"
    assert kind(issuer, pki, "www.bad.good.example") != "public"
    assert kind(issuer, pki, "other.example") != "public"


def test_a_root_of_the_machine_is_local_not_public(pki: LabPki, corporate: Authority) -> None:
    local = TrustAnchors((corporate.der,), "this machine")
    leaf = corporate.issue("a.example")
    path = build_path(read(leaf.der), "a.example", pki.anchors, local)
    assert (path.kind, path.anchor_store) == ("local", "this machine")


def test_a_self_signed_leaf_is_its_own_kind(pki: LabPki) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "router")])
    key = Authority("x").key
    start = pki.root.now - timedelta(days=1)
    made = _builder(name, name, key, start, 30).sign(key, hashes.SHA256())
    path = build_path(read(made.public_bytes(Encoding.DER)), "router", pki.anchors)
    assert path.kind == "self-signed"


def test_a_leaf_right_under_the_root_needs_nothing_between(pki: LabPki) -> None:
    leaf = pki.root.issue("a.example")
    for sent in ([leaf.der], [leaf.der, pki.root.der]):
        path = build_path(read(*sent), "a.example", pki.anchors)
        assert (path.kind, len(path.certificates)) == ("public", 2)


def test_a_hundred_strangers_of_one_name_cost_a_bounded_number_of_checks(pki: LabPki) -> None:
    crowd = [Authority("Lab Public Intermediate").der for _ in range(80)]
    leaf = pki.issue("a.example")
    path = build_path(read(leaf.der, *crowd), "a.example", pki.anchors)
    assert path.kind == "incomplete"


def test_expired_issuers_are_named_but_still_honest(pki: LabPki) -> None:
    path = build_path(read(*pki.issue("a.example").chain), "a.example", pki.anchors)
    late = path.certificates[1].not_after + timedelta(days=1)
    assert path.kind == "public"
    assert [c.subject_text for c in path.expired(late)] == [path.certificates[1].subject_text]


def test_a_root_that_a_program_had_makes_a_path_public_sent_or_in_the_store(pki: LabPki) -> None:
    retired = Authority("Retired Root")
    below = Authority("Below", parent=retired)
    leaf = below.issue("a.example")
    digests = {sha256(retired.der).hexdigest()}
    machine = TrustAnchors((retired.der,), "this machine")
    ways = (
        ((retired.der,), ProgramRoots(lambda: digests), None),
        ((), ProgramRoots(lambda: digests, machine), machine),
    )
    for sent, programs, local in ways:
        chain = read(*leaf.chain, *sent)
        assert build_path(chain, "a.example", pki.anchors, local).kind != "public"
        path = build_path(chain, "a.example", pki.anchors, local, programs)
        assert (path.kind, path.certificates[-1].der) == ("public", retired.der)


def test_a_programs_root_from_before_basic_constraints_is_an_anchor_too(pki: LabPki) -> None:
    old = bare_root()
    leaf = old.issue("a.example")
    programs = ProgramRoots(lambda: {sha256(old.der).hexdigest()})
    chain = read(leaf.der, old.der)
    assert build_path(chain, "a.example", pki.anchors, None, programs).kind == "public"


def test_what_a_genuine_leaf_signed_is_not_public_under_a_dropped_root_either(pki: LabPki) -> None:
    programs = ProgramRoots(lambda: {sha256(pki.root.der).hexdigest()})
    sent = (*puppet_leaf(pki), pki.root.der)
    nobody = TrustAnchors((), "nobody")
    path = build_path(read(*sent), "bank.example", nobody, None, programs)
    assert path.kind != "public"


def bare_root() -> Authority:
    """A self-signed root without extensions."""
    root = Authority("Old Root")
    start = root.now - timedelta(days=30)
    builder = _builder(root.subject, root.subject, root.key, start, 3650)
    root.certificate = builder.sign(root.key, hashes.SHA256())
    return root


def puppet_leaf(pki: LabPki) -> tuple[bytes, ...]:
    """A leaf for bank.example that a genuine one of evil.example signed, and what is above.

    As many public leaves do, the genuine one says nothing on BasicConstraints.
    """
    evil = sub_ca(pki.intermediate, name="evil.example")
    return (evil.issue("bank.example").der, evil.der, pki.intermediate.der)


def test_trust_rests_on_what_may_issue_and_not_on_what_stands_above_it(pki: LabPki) -> None:
    path = build_path(read(*puppet_leaf(pki)), "bank.example", pki.anchors)
    assert len(path.certificates) == 3
    assert path.lawful("bank.example") == path.certificates[:1]


def test_trust_rests_on_a_whole_path_of_cas(pki: LabPki, corporate: Authority) -> None:
    below = Authority("Issuing", parent=corporate)
    leaf = below.issue("a.example")
    for sent in ((*leaf.chain, corporate.der), leaf.chain):
        path = build_path(read(*sent), "a.example", pki.anchors)
        assert path.lawful("a.example") == path.certificates
    public = build_path(read(*pki.issue("a.example").chain), "a.example", pki.anchors)
    assert public.lawful("a.example") == public.certificates


def test_trust_in_a_private_ca_keeps_its_path_length_names_and_usage(
    pki: LabPki, corporate: Authority
) -> None:
    names = x509.NameConstraints([x509.DNSName("good.example")], None)
    narrow = sub_ca(corporate, x509.BasicConstraints(True, 0), name="Narrow")
    cases = [
        (sub_ca(corporate, CA), "a.example", True),
        (sub_ca(corporate, CA, names), "www.good.example", True),
        (sub_ca(corporate, CA, names), "a.example", False),
        (sub_ca(corporate, CA, _key_usage(ca=False)), "a.example", False),
        (sub_ca(narrow, CA, name="Below"), "a.example", False),
    ]
    for issuer, host, holds in cases:
        path = build_path(read(*issuer.issue(host).chain, corporate.der), host, pki.anchors)
        assert path.certificates[-1].der == corporate.der
        assert (path.lawful(host) == path.certificates) is holds, host


def test_trust_rests_on_an_old_root_but_not_on_a_bare_certificate_below_one(pki: LabPki) -> None:
    old = bare_root()
    path = build_path(read(old.issue("a.example").der, old.der), "a.example", pki.anchors)
    assert path.lawful("a.example") == path.certificates
    bare = sub_ca(old)
    path = build_path(read(*bare.issue("a.example").chain, old.der), "a.example", pki.anchors)
    assert len(path.certificates) == 3
    assert path.lawful("a.example") == path.certificates[:1]


def renamed(authority: Authority, issuer: bytes, parent: Authority | None = None) -> bytes:
    """The CA's certificate, its issuer's name written in another way."""
    signer = parent or authority
    return resigned(authority.der, signer, lambda fields: [*fields[:3], issuer, *fields[4:]])


LOUD_ROOT = name(
    ("C", 0x0C, "us"), ("O", 0x1E, "LAB PUBLIC TRUST"), ("CN", 0x0C, "lab  public root")
)


def test_a_root_is_found_whatever_string_type_and_case_its_child_names_it_in(pki: LabPki) -> None:
    odd = renamed(pki.intermediate, LOUD_ROOT, pki.root)
    leaf = pki.issue("a.example").der
    path = build_path(read(leaf, odd), "a.example", pki.anchors)
    assert (path.kind, len(path.certificates)) == ("public", 3)
    sent = build_path(read(leaf, odd, pki.root.der), "a.example", TrustAnchors((), "nobody"))
    assert (sent.kind, len(sent.certificates)) == ("private", 3)


def test_a_root_is_found_by_its_key_identifier_under_another_name_too(pki: LabPki) -> None:
    stranger = name(("O", 0x0C, "Renamed Since"), ("CN", 0x0C, "Something Else"))
    odd = renamed(pki.intermediate, stranger, pki.root)
    path = build_path(read(pki.issue("a.example").der, odd), "a.example", pki.anchors)
    assert path.kind == "public"


def test_a_strict_parser_has_no_say_in_what_is_public(pki: LabPki) -> None:
    change = extensions_changed(spelt_out)
    odd = resigned(pki.intermediate.der, pki.root, change)
    leaf = resigned(pki.issue("a.example").der, pki.intermediate, change)
    assert build_path(read(leaf, odd), "a.example", pki.anchors).kind == "public"


def test_the_constraints_of_an_anchor_hold_whether_it_is_sent_or_not() -> None:
    limits = x509.NameConstraints([x509.DNSName("good.example")], None)
    root = Authority("Narrow Root", extra=((limits, True),))
    below = Authority("Below", parent=root)
    anchors = TrustAnchors((root.der,), "public")
    for host, public in (("www.good.example", True), ("bank.example", False)):
        leaf = below.issue(host)
        for sent in (leaf.chain, (*leaf.chain, root.der)):
            path = build_path(read(*sent), host, anchors)
            assert (path.kind == "public") is public
            assert (len(path.lawful(host)) == 3) is public


def test_a_ca_that_changes_its_key_keeps_its_path_length(pki: LabPki) -> None:
    """PKITS 4.6.15: a self-issued certificate adds no CA to the path."""
    narrow = sub_ca(pki.root, x509.BasicConstraints(True, 0), name="Roll")
    again = sub_ca(narrow, CA, name="Roll")
    leaf = again.issue("a.example")
    path = build_path(read(leaf.der, again.der, narrow.der), "a.example", pki.anchors)
    assert (path.kind, len(path.certificates)) == ("public", 4)


def test_no_trust_rests_on_what_is_out_of_date_though_its_chain_is_honest(pki: LabPki) -> None:
    old = Authority("Old", parent=pki.root, now=pki.root.now - timedelta(days=400), days=200)
    leaf = old.issue("a.example", start=pki.root.now - timedelta(days=1))
    path = build_path(read(*leaf.chain), "a.example", pki.anchors)
    assert path.kind == "public"
    assert path.lawful("a.example") == path.certificates
    assert path.lawful("a.example", pki.root.now) == path.certificates[:1]
    end = path.certificates[1].not_after
    assert path.lawful("a.example", end + timedelta(microseconds=1)) == path.certificates
    assert path.lawful("a.example", end + timedelta(seconds=1)) == path.certificates[:1]


def test_a_crowd_of_costly_issuers_is_refused_in_bounded_time() -> None:
    """Thirty CAs of one name and key, each with a thousand constraints of its own."""
    root = Authority("Forger Root")
    key = Authority("x").key
    crowd = [
        Authority(
            "Crowd",
            parent=root,
            key=key,
            extra=(
                (
                    x509.NameConstraints(
                        None, [x509.DNSName(f"x{n}.y{number}.org") for n in range(1000)]
                    ),
                    True,
                ),
            ),
        )
        for number in range(30)
    ]
    leaf = crowd[0].issue(*(f"h{n}.a.example" for n in range(800)))
    sent = read(leaf.der, *(one.der for one in crowd))
    start = process_time()
    path = build_path(sent, "h1.a.example", TrustAnchors((Authority("Forger Root").der,), "other"))
    path.lawful("h1.a.example")
    assert process_time() - start < 5
    assert path.kind == "incomplete"
