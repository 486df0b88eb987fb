"""The tables of errors load quickly, and their patterns find numbers where libraries write them, and nowhere else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import re2

from detector.errors import ConfigError
from detector.knowledge.causes import cause_table
from detector.knowledge.explanations import error_table, load_error_table
from detector.knowledge.shipped import DATA
from detector.messages.table import ErrorText

TABLE = error_table()
PATTERNS = [(code.family, re2.compile(code.expression)) for code in TABLE.codes]


def number(text: str) -> int:
    """As a number of 32 bits."""
    digits = text.lower().lstrip("-")
    value = int(digits, 16) if digits.startswith("0x") else int(digits)
    return (-value if text.startswith("-") else value) & 0xFFFFFFFF


ROWS: dict[tuple[str, int], list[ErrorText]] = {}
for _row in TABLE.texts:
    if _row.code:
        ROWS.setdefault((_row.family, number(_row.code)), []).append(_row)


def found(text: str) -> list[str]:
    """Causes of the codes in a text, in order of likelihood."""
    meanings = [
        meaning
        for family, pattern in PATTERNS
        for match in pattern.finditer(text)
        for row in ROWS.get((family, number(match[1])), ())
        for meaning in row.meanings
    ]
    meanings.sort(key=lambda meaning: ("likely", "possible", "unlikely").index(meaning.likelihood))
    return list(dict.fromkeys(meaning.cause for meaning in meanings))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("handshake failed; returned -1, SSL error code 1, net_error -202", "untrusted-root"),
        ("verify error:num=20:x", "incomplete-chain"),
        ("Verify return code: 19 (x)", "tls-intercepted"),
        ("error 10 at 0 depth lookup", "certificate-expired"),
        ("ERROR:  SSL verification error at depth 4: x (20)", "incomplete-chain"),
        ("upstream SSL certificate verify error: (18:x) while", "self-signed"),
        ("error:0A0000C1:lib(20)::reason(193)", "no-shared-cipher"),
        ("error:140760FC:lib(20):func(118):reason(252)", "not-tls"),
        ("GnuTLS recv error (-110): x", "closed-during-handshake"),
        ("gnutls_handshake() failed: x (-15)", "not-tls"),
        ("TIC TCP Conn Failed [4:0x1c0362f40]: 3:-9802 Err(-9802)", "untrusted-root"),
        ("mbedtls_ssl_handshake returned -0x50", "connection-reset"),
        ("mbedtls_ssl_read_record() returned -29312", "closed-during-handshake"),
        ("net::ERR_FAILED (-201) loading 'https://a.example'", "certificate-expired"),
        ("schannel: next InitializeSecurityContext failed: Unknown error (0x80092012)", "revocation-unavailable"),
        ("The remote server returned HRESULT -2146885613", "revocation-unavailable"),
        ("exit code 2148204809", "untrusted-root"),
        ("0x800B0109", "untrusted-root"),
        ("Windows Update failed with 0x80072f8f", "client-clock-wrong"),
        ("WinHttpSendRequest: error 12175", "untrusted-root"),
        ("WinHTTP: the callback said 12057", "revocation-unavailable"),
        ('Error Domain=NSURLErrorDomain Code=-1202 "The certificate"', "untrusted-root"),
        ("NSURLConnection/CFURLConnection HTTP load failed (kCFStreamErrorDomainSSL, -9814)", "certificate-expired"),
        ("_kCFStreamErrorCodeKey=-9836, _kCFStreamErrorDomainKey=3", "version-mismatch"),
        ("CFNetwork SSLHandshake failed (-9807)", "untrusted-root"),
        ("certificate is not standards compliant: -67901", "validity-too-long"),
        ("mbedtls_ssl_handshake returned -0x2700", "untrusted-root"),
        ("E (5336) esp-tls-mbedtls: mbedtls_ssl_handshake returned -0x7200", "not-tls"),
        ("[E][ssl_client.cpp:37] _handle_error(): (-9984) X509 - Certificate verification failed", "untrusted-root"),
        ("curl: (60) something", "untrusted-root"),
        ("cURL error 77: see https://curl.se", "client-lacks-ca"),
        ("pycurl.error: (90, 'x') after curl: (90)", "certificate-pinned"),
        ("BearSSL error 54", "certificate-expired"),
        ("BearSSL: error 62", "untrusted-root"),
        ("wolfSSL error: -188", "untrusted-root"),
        ("ORA-29024: x", "untrusted-root"),
        ("ORA-28759", "client-lacks-ca"),
        ("NSS error -8179 (x)", "incomplete-chain"),
        ("TLS error -12286", "no-shared-cipher"),
        ("Error code 526 Invalid certificate, Cloudflare", "untrusted-root"),
        ("HTTP/2 525 from cloudflare", "no-shared-cipher"),
        ("esp_tls: failed, ESP-TLS error 0x8001", "dns-failure"),
    ],
)  # fmt: skip
def test_a_number_is_found_where_its_library_writes_it(text: str, cause: str) -> None:
    assert cause in found(text)[:2]


@pytest.mark.parametrize(
    "text",
    [
        "listening on port 12175",
        "Downloaded 525 packages in 526 ms, 495 of them cached",
        "line 496: warning: unused variable",
        "exit code 60",
        "retry 35 of 60",
        "commit 0x80bb0109aa",
        "pid 1202 exited, offset -1202 in the file",
        "temperature -9.8 C, elevation -9802",
        "INSERT 0 28759 rows",
        "max int is 2147483647, min int is -2147483648",
        "mmap at 0x7f00, flags -0x1",
        "process returned -11",
        "[ERROR] Process completed with exit code 1.",
        "HTTP 500 Internal Server Error: internal error",
        'curl: (1) Protocol "htps" not supported',
        "HTTP/1.1 200 OK Content-Length: 526",
        "took 495 ms",
        "bits per second: 12500",
        "error: exit status 2",
    ],
)  # fmt: skip
def test_a_line_of_everyday_has_no_code(text: str) -> None:
    assert found(text) == []


def test_every_pattern_takes_time_by_the_length_of_the_text() -> None:
    """RE2 compiles nothing that could take longer, and did above; each asks for a number that a row has."""
    families = {family for family, _ in ROWS}
    assert {family for family, _ in PATTERNS} <= families


def test_the_tables_load_before_anybody_notices() -> None:
    error_table.cache_clear()
    took = []
    for _ in range(3):
        error_table.cache_clear()
        begun = time.process_time()
        error_table()
        took.append(time.process_time() - begun)
    assert min(took) < 0.5  # 0.05 s on an idle machine


def test_each_shipped_table_names_its_source() -> None:
    for path in sorted((DATA / "messages").glob("*.toml")):
        assert path.read_text().count("\nsource = ") == path.read_text().count("\n[[family]]")


@pytest.mark.parametrize(
    ("codes", "why"),
    [("'(a)(b)'", "has not one group"), ("'('", "unterminated|missing"), ("'a'", "has not one group")],
)  # fmt: skip
def test_a_pattern_that_gives_no_number_is_refused(tmp_path: Path, codes: str, why: str) -> None:
    path = tmp_path / "messages.toml"
    path.write_text(
        f"[[family]]\nname = 'x'\nsource = 's'\ncodes = [{codes}]\nrows = '''\n1 | | | not-tls\n'''\n"
    )
    with pytest.raises(ConfigError, match=why):
        load_error_table(cause_table(), path)
