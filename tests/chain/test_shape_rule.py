"""What rows ask, asked of leaves and of what is kept of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from detector.chain.certificate import Certificate
from detector.chain.shape import LeafShape
from detector.chain.shape_rule import Features, ShapeRule, features_of
from detector.knowledge.shipped import engines
from detector.lab.pki import Authority, _key_usage

HOST = "www.shop.com"
START = datetime(2026, 11, 20, 9, 8, 7, tzinfo=UTC)


@dataclass
class Made:
    """A leaf as some program would make it."""

    serial: int = 1 << 100
    organization: str | None = None
    names: tuple[str, ...] = (HOST,)
    start: datetime = START
    lifetime: timedelta = timedelta(days=47)
    own_key: bool = False
    extensions: tuple[x509.ExtensionType, ...] = ()
    after: tuple[x509.ExtensionType, ...] = ()
    critical: tuple[type, ...] = ()

    def signed_by(self, ca: Authority) -> LeafShape:
        key = ca.key if self.own_key else ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, HOST)]
        if self.organization:
            subject += [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, self.organization),
                x509.NameAttribute(NameOID.COUNTRY_NAME, "CZ"),
            ]
        builder = x509.CertificateBuilder(
            ca.subject, x509.Name(subject), key.public_key(), self.serial, self.start, self.start + self.lifetime
        )  # fmt: skip
        named = x509.SubjectAlternativeName([x509.DNSName(name) for name in self.names])
        for extension in (*self.extensions, named, *self.after):
            builder = builder.add_extension(extension, type(extension) in self.critical)
        der = builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.DER)
        return LeafShape(Certificate(der), [Certificate(der), Certificate(ca.der)], HOST)


@pytest.fixture(params=["p256", "p384", "rsa3072"])
def ca(request: pytest.FixtureRequest) -> Authority:
    """A CA of whatever key its operator chose."""
    keys = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    }
    return Authority("Corp Gateway", organization="Corp", key=keys[request.param](), profile=False)


def engine_of(shape: LeafShape) -> str | None:
    return next(
        (e.id for e in engines() for r in e.shapes if not r.weak and r.matches(shape)), None
    )


USAGE = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
NO_CA = x509.BasicConstraints(False, None)


@pytest.mark.parametrize("days", [7, 47, 100, 197, 397])
def test_mitmproxy_is_known_whatever_its_cas_key_and_however_long_browsers_allow(
    ca: Authority, days: int
) -> None:
    made = Made(
        own_key=True, lifetime=timedelta(days=days), extensions=(USAGE,), after=(ca.key_identifier,)
    )
    assert engine_of(made.signed_by(ca)) == "mitmproxy"


def test_the_same_leaf_with_a_key_of_its_own_is_no_interceptors(ca: Authority) -> None:
    assert engine_of(Made(extensions=(USAGE,), after=(ca.key_identifier,)).signed_by(ca)) is None


@pytest.mark.parametrize("mimicked", [(0, 1, 2), (0, 2), (1, 2), (2,)])
def test_squid_is_known_whatever_its_cas_key_and_whatever_the_origin_has(
    ca: Authority, mimicked: tuple[int, ...]
) -> None:
    origins = (_key_usage(ca=False), USAGE, NO_CA)
    after = tuple(origins[n] for n in mimicked)
    critical = (x509.KeyUsage, x509.BasicConstraints)
    made = Made(serial=1 << 155, own_key=True, after=after, critical=critical)
    assert engine_of(made.signed_by(ca)) == "squid"
    made.own_key = False
    assert engine_of(made.signed_by(ca)) is None


@pytest.mark.parametrize("days", [90, 365, 397])
def test_a_lazy_owners_one_key_for_ca_and_server_is_no_interceptors(
    ca: Authority, days: int
) -> None:
    for extensions, names in (
        ((), (HOST,)),
        ((), (HOST, f"*.{HOST}")),
        ((USAGE,), (HOST,)),
        ((NO_CA,), (HOST,)),
    ):
        made = Made(
            own_key=True,
            lifetime=timedelta(days=days),
            extensions=extensions,
            names=names,
            serial=1 << 60,
        )
        assert engine_of(made.signed_by(ca)) is None


def test_a_digest_of_the_host_for_a_serial_tells_whatever_the_dates_are(ca: Authority) -> None:
    serial = int.from_bytes(md5(f"{HOST}B".encode(), usedforsecurity=False).digest(), "big")
    assert engine_of(Made(serial=serial).signed_by(ca)) == "e2guardian"
    assert engine_of(Made(serial=serial, start=datetime(2014, 12, 6, tzinfo=UTC)).signed_by(ca))
    assert engine_of(Made(serial=serial + 1).signed_by(ca)) is None


def test_three_years_and_an_hour_are_a_habit_and_three_years_are_a_choice(ca: Authority) -> None:
    names, serial = (HOST, f"*.{HOST}"), 1 << 60
    years = timedelta(days=3 * 365)
    habit = Made(serial=serial, names=names, lifetime=years + timedelta(hours=1))
    assert engine_of(habit.signed_by(ca)) == "pywb"
    assert engine_of(Made(serial=serial, names=names, lifetime=years).signed_by(ca)) is None


def test_a_rule_may_ask_for_the_host_in_the_subject(ca: Authority) -> None:
    rule = ShapeRule(subject={"O": "{host}", "C": "CZ"})
    assert rule.matches(Made(organization=HOST).signed_by(ca))
    assert not rule.matches(Made(organization="www-shop-com").signed_by(ca))
    assert not rule.matches(Made().signed_by(ca))


def test_the_clock_shows_in_serials(ca: Authority) -> None:
    seconds = int(START.timestamp())
    year_before = START - timedelta(days=365)
    milliseconds = int(f"{seconds}123", 16)
    assert Made(serial=seconds).signed_by(ca).serial_clock == "seconds"
    assert Made(serial=seconds * 1000 + 77).signed_by(ca).serial_clock == "seconds"
    assert Made(serial=seconds + 600).signed_by(ca).serial_clock is None
    assert Made(serial=milliseconds, start=year_before).signed_by(ca).serial_clock == "milliseconds"
    assert Made(serial=milliseconds + (1 << 24)).signed_by(ca).serial_clock is None
    assert Made(serial=1 << 99).signed_by(ca).serial_clock is None


def test_a_serial_of_sixty_kilobytes_is_a_serial(corporate: Authority) -> None:
    """Nobody may make us write it in decimal."""
    leaf = Certificate(corporate.issue(HOST).der)
    leaf.serial = 1 << 480_000
    shape = LeafShape(leaf, [leaf], HOST)
    assert shape.serial_clock is None
    assert features_of(shape).serial_bits == 480_001


def test_a_leaf_that_lives_exactly_as_long_as_its_ca_is_seen(ca: Authority) -> None:
    above = Certificate(ca.der)
    lifetime = above.not_after - above.not_before
    assert Made(start=above.not_before, lifetime=lifetime).signed_by(ca).dates_of_issuer
    assert not Made(start=above.not_before).signed_by(ca).dates_of_issuer


def test_a_subject_that_mirrors_its_issuer_is_seen(ca: Authority) -> None:
    shape = Made().signed_by(ca)
    assert not shape.subject_mirrors_issuer
    own = LeafShape(Certificate(ca.der), [Certificate(ca.der)], HOST)
    assert not own.subject_mirrors_issuer


@pytest.mark.parametrize("rule", [rule for engine in engines() for rule in engine.shapes])
def test_what_is_kept_of_a_leaf_answers_rules_as_the_leaf_does(rule: ShapeRule) -> None:
    above = Authority("Corp", organization="Corp", profile=False)
    serial = int.from_bytes(md5(HOST.encode(), usedforsecurity=False).digest(), "big")
    for made in (
        Made(),
        Made(own_key=True, extensions=(USAGE,)),
        Made(serial=serial, extensions=(NO_CA,)),
        Made(organization=HOST, names=(HOST, f"*.{HOST}"), serial=1 << 60),
        Made(serial=int(START.timestamp())),
    ):
        shape = made.signed_by(above)
        assert rule.matches(features_of(shape)) == rule.matches(shape)


def test_what_is_kept_of_a_leaf_names_nobody_and_survives_a_file(ca: Authority) -> None:
    kept = features_of(Made(organization=HOST).signed_by(ca))
    line = msgspec.json.encode(kept)
    assert HOST.encode() not in line
    assert msgspec.json.decode(line, type=Features) == kept
