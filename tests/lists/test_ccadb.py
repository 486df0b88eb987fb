"""CCADB's reports in their published form: version 5 of the records, certificates by year."""

from __future__ import annotations

from datetime import date

import pytest

from detector.chain.certificate import Certificate
from detector.errors import ListError
from detector.lab.pki import Authority
from detector.lists.ccadb import join, parse_pems, parse_records

TODAY = date(2026, 11, 23)
# Columns and first row as published; the columns between are of no use here.
RECORDS = """CA Owner,Salesforce Record ID,Certificate Name,Certificate Record Type,Subordinate CA Owner,Apple Status,Chrome Status,Microsoft Status,Mozilla Status,Revocation Status,SHA-256 Fingerprint,Valid From (GMT),Valid To (GMT)
"AC Camerfirma, S.A.",A000103,Chambers of Commerce Root,Root Certificate,,Removed,Not Included,Disabled,Removed,,0C258A12A5674AEF25F28BA7DCFAECEEA348E541E6F5CC4EE63B71B361606AC3,2003-09-30,2037-09-30
A-Trust,A012885,a-sign-Root-SMIME-01,Root Certificate,,Not Included,Not Included,Not Included,Not Included,,7B06AE19E4085CB0B1A24BE8677BCD6CF40A93E5B660500021D6E38243EB6EC4,2025-08-13,2038-01-13
"""
ROOT = Authority("Root")
SUB = Authority("Sub", parent=ROOT)


def row(
    authority: Authority,
    owner: str,
    sub: str = "",
    until: str = "2036-01-01",
    revoked: str = "Not Revoked",
) -> str:
    digest = Certificate(authority.der).sha256.upper()
    return f'"{owner}",A1,Name,Intermediate Certificate,{sub},,,,,{revoked},{digest},2026-01-01,{until}\n'


def pems(*authorities: Authority) -> bytes:
    lines = ['"SHA-256 Fingerprint","X.509 Certificate (PEM)"\n']
    lines += [f'"{Certificate(a.der).sha256.upper()}","{a.pem}"\n' for a in authorities]
    return "".join(lines).encode()


def test_records_tell_owner_status_and_year() -> None:
    removed, never = parse_records(RECORDS.encode(), TODAY)
    assert (removed.owner, removed.root, removed.public) == ("AC Camerfirma, S.A.", True, True)
    assert (removed.usable, removed.year) == (True, 2003)
    assert never.public is False


def test_a_year_that_is_none_is_nought() -> None:
    text = RECORDS.replace("2003-09-30", "\u00b2\u00b2\u00b2\u00b2-09-30")
    assert parse_records(text.encode(), TODAY)[0].year == 0


def test_keys_get_the_owner_who_runs_them() -> None:
    text = RECORDS + row(ROOT, "Root Owner") + row(SUB, "Root Owner", "Sub Owner")
    found = join(parse_records(text.encode(), TODAY), parse_pems(pems(ROOT, SUB)))
    assert found.owners == {
        Certificate(ROOT.der).spki_sha256: "Root Owner",
        Certificate(SUB.der).spki_sha256: "Sub Owner",
    }
    assert list(found.roots.values()) == ["AC Camerfirma, S.A."]


@pytest.mark.parametrize(
    "changes", [{"until": "2026-11-22"}, {"revoked": "Revoked"}, {"revoked": "Parent Cert Revoked"}]
)
def test_expired_and_revoked_cas_own_nothing(changes: dict[str, str]) -> None:
    text = RECORDS + row(SUB, "Owner", **changes)
    assert join(parse_records(text.encode(), TODAY), parse_pems(pems(SUB))).owners == {}


def test_a_certificate_that_no_record_names_owns_nothing() -> None:
    assert join(parse_records(RECORDS.encode(), TODAY), parse_pems(pems(SUB))).owners == {}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html></html>", b"CA Owner\nx\n", RECORDS.partition("\n")[0].encode(), bytes(100)],
)
def test_what_is_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(ListError, match="CCADB"):
        parse_records(body, TODAY)


def test_an_unreadable_certificate_is_left_out() -> None:
    body = (
        pems(SUB)
        + b'"AA","-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"\n"BB","x"\n'
    )
    assert [c.sha256 for c in parse_pems(body)] == [Certificate(SUB.der).sha256]
