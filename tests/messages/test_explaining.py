"""Messages as people paste them, with paths and noise around."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.knowledge.explanations import error_table
from detector.messages.alerts import alerts_in, side_of
from detector.messages.explaining import answers, explain
from detector.messages.reading import lines_of

TABLE = error_table()


def first(text: str) -> str:
    found = explain(text, TABLE)
    return found[0].cause.id if found else ""


def ranked(text: str) -> dict[str, str]:
    return {one.cause.id: one.likelihood for one in explain(text, TABLE)}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("curl: (60) SSL certificate problem: certificate has expired", "certificate-expired"),
        ("curl: (60) SSL certificate problem: self-signed certificate", "self-signed"),
        ("curl: (60) SSL certificate problem: self signed certificate", "self-signed"),
        ("curl: (60) SSL: no alternative certificate subject name matches target host name 'a.b'",
         "hostname-mismatch"),
        ("curl: (35) error:0A00010B:SSL routines::wrong version number", "not-tls"),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"
         " unable to get local issuer certificate (_ssl.c:1000)", "tls-intercepted"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Authority Key"
         " Identifier (_ssl.c:1032)", "tls-intercepted"),
        ("javax.net.ssl.SSLHandshakeException: PKIX path building failed:"
         " sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid"
         " certification path to requested target", "incomplete-chain"),
        ("Error: unable to verify the first certificate\n code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'",
         "tls-intercepted"),
        ("NET::ERR_CERT_COMMON_NAME_INVALID", "hostname-mismatch"),
        ("Error code: SEC_ERROR_EXPIRED_CERTIFICATE", "certificate-expired"),
        ("MOZILLA_PKIX_ERROR_MITM_DETECTED", "tls-intercepted"),
        ('Get "https://a.b": http: server gave HTTP response to HTTPS client', "not-tls"),
        ("tls: failed to verify certificate: x509: certificate is valid for a, not b",
         "hostname-mismatch"),
        ("SEC_E_UNTRUSTED_ROOT (0x80090325)", "untrusted-root"),
        ("fatal: unable to access 'https://g/': SSL: no alternative certificate subject name"
         " matches target host name 'g'", "hostname-mismatch"),
        ("java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be"
         " non-empty", "client-lacks-ca"),
        ("invalid peer certificate: Expired", "certificate-expired"),
        ("x509: certificate has expired or is not yet valid: current time 2026-11-23T18:20:35Z is before 2026-11-28T18:20:35Z",
         "certificate-not-yet-valid"),
        ("curl: (90) SSL public key does not match pinned public key", "certificate-pinned"),
        ("write EPROTO 140:error:0A000438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error",
         "other-alert"),
    ],
)  # fmt: skip
def test_the_true_cause_of_a_clear_message_comes_first(text: str, cause: str) -> None:
    assert first(text) == cause


def test_an_ambiguous_message_keeps_its_causes() -> None:
    found = ranked("x509: certificate signed by unknown authority")
    assert [found[c] for c in ("incomplete-chain", "untrusted-root", "tls-intercepted")] == [
        "likely"
    ] * 3
    assert found["self-signed"] == "possible"


def test_the_longer_text_speaks_for_the_shorter_one_inside() -> None:
    found = ranked("SSL certificate problem: self-signed certificate in certificate chain")
    assert found["untrusted-root"] == "likely"
    assert "self-signed" not in found


def test_the_same_alert_means_opposite_things_on_the_two_sides() -> None:
    client = "curl: (56) OpenSSL SSL_read: error:0A000418:SSL routines::tlsv1 alert unknown ca"
    server = (
        "SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL"
        " alert number 48) while SSL handshaking, client: 10.0.0.1, server: 0.0.0.0:443"
    )
    assert (side_of(client), side_of(server)) == ("client", "server")
    assert first(client) == "client-certificate-rejected"
    assert first(server) == "untrusted-root"
    assert explain(client, TABLE, "server")[0].cause.id == "untrusted-root"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("sslv3 alert handshake failure:SSL alert number 40", 40),
        ("error:0A000418:SSL routines", 48),
        ("error:0A00045C:SSL routines::tlsv13 alert certificate required", 116),
        ("[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1000)", 70),
        ("remote error: tls: unknown certificate authority", 48),
        ("remote error: tls: expired certificate", 45),
        ("Received fatal alert: handshake_failure", 40),
        ("*** Fatal error: A TLS fatal alert has been received.\n*** Received alert [112]: x", 112),
        ("received fatal alert: UnknownCA", 48),
        ("SSL_ERROR_UNKNOWN_CA_ALERT", 48),
        ("tlsv1 unrecognized name", None),
        ("error:0A000001", None),
        ("alert number 999", 999),
        ("alert 48", 48),
        ("fatal alert 47", 47),
        ("because of alert 48 unknown_ca", 48),
        ("unknown_ca", 48),
        ("org.bouncycastle.tls.TlsFatalAlertReceived: handshake_failure(40)", 40),
        ("org.bouncycastle.tls.TlsFatalAlert: certificate_unknown(46)", None),
        ("* TLSv1.3 (IN), TLS alert, unknown CA (560):", 48),
        ("* TLSv1.3 (OUT), TLS alert, unknown CA (560):", None),
        ("TLS alert, handshake failure (552)", 40),
        ("snort alert 112 triggered", None),
        ("OAuth: access_denied by the owner", None),
    ],
)
def test_alerts_are_read_in_every_librarys_spelling(text: str, number: int | None) -> None:
    found = [one for one, _, _ in alerts_in(text, TABLE.spellings)]
    assert found == ([] if number is None else [number])


def test_the_command_names_the_host_of_the_message() -> None:
    text = "GET https://Shop.Example.com/x failed in /opt/app/client.py: certificate has expired"
    asks = "openssl s_client -connect shop.example.com:443 -servername shop.example.com -brief </dev/null"
    assert explain(text, TABLE)[0].tell_apart == asks
    for text in ("certificate has expired", "certificate has expired, see https://curl.se/docs"):
        assert "-connect HOST:443 -servername HOST" in explain(text, TABLE)[0].tell_apart


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("ssl.SSLError: [SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:1000)", "HOST"),
        ("urllib3.exceptions.SSLError: certificate has expired", "HOST"),
        ("javax.net.ssl.SSLHandshakeException: certificate has expired", "HOST"),
        ("requests.exceptions.SSLError: HTTPSConnectionPool(host='api.example.com', port=443):"
         " certificate has expired", "api.example.com"),
        ("my.package.client: certificate has expired for https://api.example.com/v1", "api.example.com"),
    ],
)  # fmt: skip
def test_the_command_takes_no_class_for_a_host(text: str, host: str) -> None:
    assert host in explain(text, TABLE)[0].tell_apart


@pytest.mark.parametrize(
    "text", ["", "hello", "the certificate", "xcertificate has expiredx", "alert", "\x00" * 50]
)
def test_what_says_nothing_gets_no_explanation(text: str) -> None:
    assert explain(text, TABLE) == ()


@given(st.text(max_size=3000))
def test_any_text_is_answered(text: str) -> None:
    explain(text, TABLE)


def test_a_megabyte_of_noise_is_bounded() -> None:
    start = time.process_time()
    explain("error: alert " * 100_000 + "certificate has expired", TABLE)
    assert time.process_time() - start < 10


def test_a_server_asked_nobody_and_its_own_trust_is_not_the_matter() -> None:
    text = "http: TLS handshake error from 10.0.0.7:51234: remote error: tls: unknown certificate authority"
    (one,) = answers(lines_of(text), TABLE)
    assert (one.host, one.port, one.remedies) == (None, None, ())
    assert all("10.0.0.7" not in cause.tell_apart for cause in one.causes)


def test_what_a_server_does_not_trust_is_its_clients_certificate() -> None:
    told = "OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed"
    assert first(f"1: New connection from 10.0.0.7:43206 on port 8883.\n1: {told}") == (
        "client-certificate-rejected"
    )
    assert first(told) != "client-certificate-rejected"


def test_who_runs_a_broker_is_told_the_line_of_its_clients() -> None:
    text = (
        "1: New connection from 10.0.0.7:43206 on port 8883.\n"
        "1: OpenSSL Error[0]: error:0A000418:SSL routines::tlsv1 alert unknown ca"
    )
    (one,) = answers(lines_of(text), TABLE)
    assert one.host is None
    assert "mosquitto" in {remedy.program.id for remedy in one.remedies}


def test_a_server_that_cannot_use_its_own_files_blames_no_client() -> None:
    text = 'nginx: [emerg] SSL_CTX_use_PrivateKey("/etc/a.key") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)'
    assert first(text) == "own-certificate-unusable"


def test_another_name_at_a_public_service_may_be_somebody_in_between() -> None:
    text = "Hostname/IP does not match certificate's altnames: Host: registry.npmjs.org. is not in the cert's altnames: DNS:*.gw.corp"
    assert "tls-intercepted" in ranked(text)
    assert "tls-intercepted" not in ranked(
        text.replace("registry.npmjs.org", "www.shop-nobody-knows.com")
    )


def test_a_certificate_out_of_date_at_a_public_service_is_a_clock() -> None:
    assert (
        first("curl: (60) SSL certificate problem: certificate has expired https://github.com/")
        == "client-clock-wrong"
    )


def test_revocation_that_could_not_be_asked_is_said_first_and_never_revoked() -> None:
    text = "schannel: next InitializeSecurityContext failed: CRYPT_E_REVOCATION_OFFLINE (0x80092013) https://github.com/a"
    found = ranked(text)
    assert next(iter(found)) == "revocation-unavailable"
    assert "certificate-revoked" not in found


@pytest.mark.parametrize(
    "piece",
    ["0x80092012 ", "certificate verify failed ", "SSL alert ", ", not a.b", "subject=a\nissuer=b\n", "https://a.b/",
     "curl: (60) SSL certificate problem: self-signed certificate https://h{}.example{}.com/\n", "CONNECT a.b:443 ", "tls: " * 4],
)  # fmt: skip
def test_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    def spent(count: int) -> float:
        lines = lines_of("".join(piece.replace("{}", str(n)) for n in range(count)))
        best = math.inf
        for _ in range(3):  # the collector of a long run of tests may look at all of it just then
            begun = time.process_time()
            answers(lines, TABLE)
            best = min(best, time.process_time() - begun)
        return best

    spent(50)
    few = (16 << 10) // len(piece)
    assert spent(8 * few) < 8 * 4 * max(spent(few), 0.02)
