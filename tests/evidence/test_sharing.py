from cryptography import x509

from detector.evidence.examination import Examination
from detector.evidence.sharing import MAX_KEYS, SharedKey, Sharing, Use, use_of
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from detector.model.observation import Target
from tests.conftest import Observe

KEY = SharedKey("leaf", "k")


def test_others_are_unrelated_hosts_only() -> None:
    sharing = Sharing()
    one, two = Use("www.a.com", "a.com", None), Use("b.org", "b.org", None)
    sharing.add(KEY, one)
    sharing.add(KEY, Use("mail.a.com", "a.com", None))
    assert sharing.others(KEY, one) == ()
    sharing.add(KEY, two)
    sharing.add(KEY, Use("www.a.de", "a.de", None))
    assert [use.host for use in sharing.others(KEY, one)] == ["b.org"], "a.de is the owner's too"
    assert [use.host for use in sharing.others(KEY, two)] == ["www.a.com", "www.a.de"]


def test_what_decides_finds_room_in_a_busy_key() -> None:
    sharing = Sharing()
    for number in range(100):
        sharing.add(KEY, Use(f"h{number}.com", f"h{number}.com", None))
    sharing.add(KEY, Use("www.h3.com", "h3.com", None, public=True))
    sharing.add(KEY, Use("public.org", "public.org", None, public=True))
    hosts = {use.host for use in sharing.others(KEY, Use("x.org", "x.org", None))}
    assert len(hosts) == 4
    assert {"public.org", "www.h3.com"} <= hosts


def test_a_name_that_its_address_makes_internal_is_accused_where_names_are_led_astray(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    """Twelve canaries at 10.66.0.1 are a lie; a company's CA on its intranet is none."""

    def company(canary_at: str) -> str:
        def shown(host: str, ip: str) -> Examination:
            chain = (corporate.issue(host).der, corporate.der)
            return Examination(observe(host, chain, target=Target(host, ip=ip)), known)

        sharing = Sharing()
        sharing.note(shown("www.google.com", canary_at))
        found = sharing.company(shown("steam.com", "10.0.0.9"), "issuer")
        return found.strength if found is not None else "none"

    assert (company("10.0.0.1"), company("203.0.113.1"), company("8.8.8.8")) == (
        "strong", "strong", "none",
    )  # fmt: skip


def test_a_million_keys_do_not_grow_without_bound() -> None:
    sharing = Sharing()
    for number in range(MAX_KEYS + 10):
        sharing.add(SharedKey("leaf", str(number)), Use("a.com", "a.com", None))
    assert sharing.full
    assert len(sharing._uses) == MAX_KEYS


def test_a_busy_key_keeps_a_few_hosts() -> None:
    sharing = Sharing()
    for number in range(100):
        sharing.add(KEY, Use(f"h{number}.com", f"h{number}.com", None))
    assert len(sharing.others(KEY, Use("x.org", "x.org", None))) == 4


def test_an_address_says_nothing_about_a_canary_that_the_leaf_names(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    def address(host: str, named: str) -> str | None:
        target = Target(host, ip="203.0.113.1")
        chain = (corporate.issue(named).der, corporate.der)
        return use_of(Examination(observe(host, chain, target=target), known)).ip

    assert address("www.google.com", "www.google.com") is None
    assert address("www.google.com", "default.hoster.com") == "203.0.113.1"
    assert address("a.com", "a.com") == "203.0.113.1"


def test_names_that_cannot_be_read_name_no_canary(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    names = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x31\x00")
    leaf = corporate.issue("www.google.com", san=False, extra=[(names, False)])
    target = Target("www.google.com", ip="203.0.113.1")
    seen = observe("www.google.com", (leaf.der, corporate.der), target=target)
    assert use_of(Examination(seen, known)).ip == "203.0.113.1"
    (judgement,) = judge_all([seen], known)
    assert judgement.verdict in ("suspect", "intercepted")


def test_one_certificate_at_several_addresses_is_no_portal(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    """Of who asks by an address, or in a capture without a name, nobody knows whom the leaf should name."""
    leaf = corporate.issue("default.example")

    def portal(*hosts: str) -> tuple[str, ...]:
        seen = [Examination(observe(host, (leaf.der, corporate.der)), known) for host in hosts]
        sharing = Sharing()
        for one in seen:
            sharing.note(one)
        return sharing.one_for_all(seen[-1])

    assert portal("www.a.com", "www.b.org") == ("www.a.com",)
    assert portal("192.0.2.1", "198.51.100.2") == ()
    assert portal("192.0.2.1", "www.b.org") == ()
    assert portal("www.a.com", "2001:db8::1") == ()
