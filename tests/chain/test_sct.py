"""SCTs: real ones of a real leaf under real log keys, the lab's own, and everything that fails."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import cryptography_vectors
import msgspec
import pytest

from detector.chain.certificate import Certificate, split_pem
from detector.chain.sct import (
    CTLog,
    Sct,
    check_scts,
    check_sent_scts,
    embedded_scts,
    parse_sct_list,
)
from detector.errors import CertificateError, WireError
from detector.lab.ct_log import LabLog
from detector.lab.pki import LabPki, sct_extension, sct_list

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"

# Keys of Google 'Icarus' and Comodo (Sectigo) 'Mammoth', from their public log lists. A log's id is
# the digest of its key, so a wrong key could not stand here unnoticed.
ICARUS = b64decode(
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETtK8v7MICve56qTHHDhhBOuV4IlUaESxZryCfk9QbG9co/CqPvTsgPDbCp"
    "p6oFtyAHwlDhnvr7JijXRD9Cb2FA=="
)
MAMMOTH = b64decode(
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7+R9dC4VFbbpuyOL+yy14ceAmEf7QGlo/EmtYU6DRzwat43f/3swtLr/L8"
    "ugFOOt1YU/RFmMjGCL17ixv66MZw=="
)


def log(key: bytes, name: str, **how: object) -> CTLog:
    made = CTLog(sha256(key).digest(), key, name, "operator", "usable")
    return msgspec.structs.replace(made, **how)


def vector(name: str) -> Certificate:
    return Certificate(split_pem((VECTORS / name).read_bytes())[0])


def statuses(leaf: Certificate, issuer: Certificate | None, *logs: CTLog) -> list[str]:
    return [r.status for r in check_scts(leaf, issuer, {known.log_id: known for known in logs})]


def test_both_scts_of_a_real_lets_encrypt_leaf_verify_under_the_real_logs() -> None:
    leaf, issuer = vector("cryptography-scts.pem"), vector("letsencryptx3.pem")
    logs = (log(ICARUS, "Icarus"), log(MAMMOTH, "Mammoth"))
    assert statuses(leaf, issuer, *logs) == ["valid", "valid"]


def test_the_same_scts_fail_under_another_issuer() -> None:
    leaf, stranger = vector("cryptography-scts.pem"), vector("rapidssl_sha256_ca_g3.pem")
    assert statuses(leaf, stranger, log(ICARUS, "Icarus")) == ["invalid", "unknown-log"]


def test_without_the_issuer_they_are_unverifiable_not_forged() -> None:
    leaf = vector("cryptography-scts.pem")
    assert statuses(leaf, None, log(ICARUS, "I"), log(MAMMOTH, "M")) == ["unverifiable"] * 2


def test_times_and_indexes_are_read() -> None:
    first, _ = embedded_scts(vector("cryptography-scts.pem"))
    assert first.timestamp == datetime(2018, 9, 26, 20, 56, 33, 769000, tzinfo=UTC)
    assert first.leaf_index is None
    tiled = Sct(b"x" * 32, 0, b"\x00\x00\x05" + (7_000_000_000).to_bytes(5, "big"), 4, 3, b"")
    assert tiled.leaf_index == 7_000_000_000


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_any_number_of_scts_is_counted(pki: LabPki, count: int) -> None:
    logs = [LabLog(f"log {n}") for n in range(count)]
    leaf = Certificate(pki.issue("a.example", logs=logs).der)
    issuer = Certificate(pki.intermediate.der)
    assert statuses(leaf, issuer, *(one.known() for one in logs)) == ["valid"] * count


def test_a_copied_sct_list_is_invalid(pki: LabPki) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    genuine = Certificate(pki.issue("a.example").der)
    value = genuine.extension("SCT")
    assert value is not None
    victim = pki.intermediate.issue("a.example", logs=())
    builder = x509.CertificateBuilder(
        victim.certificate.issuer,
        victim.certificate.subject,
        victim.certificate.public_key(),
        victim.certificate.serial_number,
        victim.certificate.not_valid_before_utc,
        victim.certificate.not_valid_after_utc,
        [*victim.certificate.extensions],
    )
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
    builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
    forged = builder.sign(pki.intermediate.key, hashes.SHA256())
    found = statuses(
        Certificate(forged.public_bytes(Encoding.DER)),
        Certificate(pki.intermediate.der),
        *(one.known() for one in pki.logs),
    )
    assert found == ["invalid", "invalid"]


def test_a_shard_vouches_only_for_leaves_that_expire_in_its_interval(pki: LabPki) -> None:
    shard = LabLog("shard")
    leaf = Certificate(pki.issue("a.example", logs=[shard]).der)
    issuer = Certificate(pki.intermediate.der)
    end = leaf.not_after
    inside = shard.known(end, end + timedelta(days=1))
    outside = shard.known(end - timedelta(days=1), end)
    assert statuses(leaf, issuer, inside) == ["valid"]
    assert statuses(leaf, issuer, outside) == ["outside-interval"]


def test_a_retired_log_counts_for_what_it_signed_before(pki: LabPki) -> None:
    one = LabLog("retired")
    leaf = Certificate(pki.issue("a.example", logs=[one]).der)
    issuer = Certificate(pki.intermediate.der)
    signed = embedded_scts(leaf)[0].timestamp
    late = msgspec.structs.replace(one.known(), state="retired", distrusted=signed + timedelta(1))
    early = msgspec.structs.replace(late, distrusted=signed)
    assert statuses(leaf, issuer, late) == ["valid"]
    assert statuses(leaf, issuer, early) == ["untrusted-log"]


def test_a_pending_or_redacting_log_proves_nothing(pki: LabPki) -> None:
    one = LabLog("test log")
    leaf = Certificate(pki.issue("a.example", logs=[one]).der)
    issuer = Certificate(pki.intermediate.der)
    pending = msgspec.structs.replace(one.known(), state="pending")
    redacting = msgspec.structs.replace(one.known(), redacts=True)
    assert statuses(leaf, issuer, pending) == ["untrusted-log"]
    assert statuses(leaf, issuer, redacting) == ["unverifiable"]


def test_rsa_logs_and_odd_algorithms_do_not_crash() -> None:
    leaf, issuer = vector("cryptography-scts.pem"), vector("letsencryptx3.pem")
    ed = bytes.fromhex("302a300506032b6570032100") + bytes(32)
    wrong = CTLog(embedded_scts(leaf)[0].log_id, ed, "odd", "op", "usable")
    assert statuses(leaf, issuer, wrong)[0] == "invalid"


def test_a_malformed_list_is_our_own_error(pki: LabPki) -> None:
    with pytest.raises(WireError):
        parse_sct_list(b"\x00\x10short")
    sct = b"\x00" + bytes(32 + 8 + 2) + b"\x04\x03\x00\x00"
    with pytest.raises(WireError, match="more than 32"):
        parse_sct_list(sct_extension([sct] * 40)[4:])
    leaf = Certificate(pki.issue("a.example").der)
    leaf.extensions = (("SCT", False, b"\x04\x02\x00\x09"),)
    with pytest.raises(CertificateError, match="SCT list"):
        embedded_scts(leaf)


def sent(leaf: Certificate, sct: bytes, *logs: CTLog) -> list[str]:
    """What one serialised SCT is worth that came in the TLS extension."""
    scts = parse_sct_list(sct_list([sct]))
    known = {one.log_id: one for one in logs}
    return [r.status for r in check_sent_scts(leaf, scts, known, "tls-extension")]


def test_an_sct_sent_beside_the_leaf_signs_the_leaf_as_it_is(pki: LabPki) -> None:
    log, other = LabLog("a"), LabLog("b", tiled=True)
    leaf = Certificate(pki.issue("a.example", logs=()).der)
    assert sent(leaf, log.sign_certificate(leaf.der), log.known()) == ["valid"]
    assert sent(leaf, other.sign_certificate(leaf.der), other.known()) == ["valid"]
    assert sent(leaf, log.sign_certificate(leaf.der), other.known()) == ["unknown-log"]


def test_an_sct_of_one_kind_of_entry_is_none_of_the_other(pki: LabPki) -> None:
    log = LabLog("a")
    bare = pki.issue("a.example", logs=())
    leaf = Certificate(bare.der)
    tbs = bare.certificate.tbs_certificate_bytes
    assert sent(leaf, log.sign(tbs, pki.intermediate.spki), log.known()) == ["invalid"]


def test_an_sct_sent_beside_another_leaf_is_invalid(pki: LabPki) -> None:
    log = LabLog("a")
    leaf, renewed = (Certificate(pki.issue("a.example", logs=()).der) for _ in range(2))
    assert sent(renewed, log.sign_certificate(leaf.der), log.known()) == ["invalid"]


def test_shards_and_retirement_hold_for_what_is_sent_too(pki: LabPki) -> None:
    log = LabLog("a")
    leaf = Certificate(pki.issue("a.example", logs=()).der)
    sct = log.sign_certificate(leaf.der)
    end = leaf.not_after
    assert sent(leaf, sct, log.known(end - timedelta(days=1), end)) == ["outside-interval"]
    pending = msgspec.structs.replace(log.known(), state="pending")
    assert sent(leaf, sct, pending) == ["untrusted-log"]
