"""Who wrote a text, whom it asked, and what stands around."""

from __future__ import annotations

import pytest

from detector.knowledge.explanations import error_table
from detector.messages.circumstances import circumstances

TABLE = error_table()


def signals(text: str, *, not_trusted: bool = True) -> set[str]:
    says = frozenset(("untrusted-root",)) if not_trusted else frozenset[str]()
    seen = circumstances(text, text, TABLE, says=says)
    return {signal.id for signal, _ in seen.signals}


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("npm ERR! code SELF_SIGNED_CERT_IN_CHAIN", "npm"),
        ("    at TLSSocket.onConnectSecure (_tls_wrap.js:1:1)", "node"),
        ("ssl.SSLCertVerificationError: [SSL: X] x (_ssl.c:1000)", "python"),
        ("fatal: unable to access 'https://a.example/b.git/': SSL certificate problem", "git"),
        ("WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'SSLError'", "pip"),
        ("Error response from daemon: Get https://registry-1.docker.io/v2/: x509: certificate signed by unknown authority", "docker"),
        ("E1 memcache.go:265] tls: failed to verify certificate: x509: certificate signed by unknown authority", "kubectl"),
        ("Caused by: javax.net.ssl.SSLHandshakeException: PKIX path building failed\n\tat org.gradle.internal.X", "gradle"),
        ("error: spurious network error (2 tries remaining): [60] SSL peer certificate", "cargo"),
        ("request to https://ghe.corp/api/v3/x failed, reason: unable to verify the first certificate", "node"),
        ("[Error: 1:error:1425F102:SSL routines::unsupported protocol:c:\\ws\\deps\\openssl\\openssl\\ssl\\s.c:1:]", "node"),
        ("  % Total    % Received % Xferd  Average Speed\n  0  0  0curl: (77) error setting certificate file", "curl"),
        ("May 1 mail postfix/submission/smtpd[1]: SSL_accept error from a.example[192.0.2.1]: -1", "postfix"),
        ("OperationalError: (2026, 'SSL connection error: error:0A000102:SSL routines::unsupported protocol')", "mysql"),
        ("https://learning.example: Max retries exceeded with url: /safari/ (Caused by SSLError(1, '_ssl.c:1'))", "requests"),
    ],
)  # fmt: skip
def test_the_program_is_known_by_its_own_words_before_its_runtimes(text: str, program: str) -> None:
    assert circumstances(text, text, TABLE).spoken.programs[0] == program


def test_every_program_is_known_by_some_word() -> None:
    beneath = {"system-store", "nss-user"}  # stores, which say nothing
    assert set(TABLE.programs) - {row.program for row in TABLE.speakers} == beneath


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("C:\\src> vcpkg install zlib\nerror: curl operation failed with error code 35", "vcpkg"),
        ("BSSL:_run_until: Timeout", "arduino-esp8266"),
        ("restic -r rest:https://backup.example init\nx509: certificate signed by unknown authority", "restic"),
        ("mariadb --ssl-verify-server-cert: SSL error", "mariadb"),
    ],
)  # fmt: skip
def test_programs_that_few_use_are_known_too(text: str, program: str) -> None:
    assert circumstances(text, text, TABLE).spoken.programs[0] == program


@pytest.mark.parametrize(
    "home",
    ["/root/.pyenv/versions/3.13.0/lib/python3.13", "/home/a/.nvm/versions/node/v22.1.0/lib", "/home/a/.asdf/installs/python",
     "/home/a/.rbenv/versions/3.3.0/lib", "/home/a/miniconda3/lib/python3.12", "/home/a/.rustup/toolchains/stable/lib",
     "/home/a/.sdkman/candidates/java/21/lib", "/opt/hostedtoolcache/Python/3.12.1/x64/lib", "/home/a/.local/pipx/venvs/x/lib"],
)  # fmt: skip
def test_who_installed_a_runtime_is_not_who_speaks(home: str) -> None:
    text = f'File "{home}/ssl.py", line 1372, in do_handshake\nssl.SSLCertVerificationError: certificate verify failed (_ssl.c:1020)'
    assert circumstances(text, text, TABLE).spoken.programs[0] == "python"


def test_the_runtime_beneath_is_told_too() -> None:
    text = "npm ERR! code SELF_SIGNED_CERT_IN_CHAIN"
    assert "node" in circumstances(text, text, TABLE).spoken.programs


def test_the_version_stands_behind_the_mark() -> None:
    text = "SSL validation failed for https://sts.a.example [SSL: X]\naws-cli/2.13.27 Python/3.11.6"
    assert circumstances(text, text, TABLE).spoken.version == "2.13.27"


def test_a_known_host_is_fine_for_everybody_else() -> None:
    assert "public-host" in signals('Get "https://github.com/a": x509: unknown')
    assert "private-host" in signals('Get "https://git.corp/a": x509: unknown')
    assert "unknown-host" in signals('Get "https://www.shop-nobody-knows.com/a": x509: unknown')


def test_a_database_or_cluster_is_mostly_of_ones_own() -> None:
    assert "own-server" in signals(
        "kubectl get pods\nx509: certificate signed by unknown authority"
    )
    assert "own-server" in signals("psql: error: SSL error: certificate verify failed")
    assert "own-server" in signals("mysql -h db.shop-nobody-knows.com: ERROR 2026 (HY000): SSL")
    assert "own-server" not in signals("kubectl: Get https://github.com/a: x509: unknown authority")
    assert "own-server" not in signals("npm ERR! code UNABLE_TO_VERIFY_LEAF_SIGNATURE")
    assert "own-server" not in signals("kubectl: x509: unknown", not_trusted=False)


def test_who_goes_by_its_configuration_alone_lacks_what_that_does_not_name() -> None:
    assert "own-roots" in signals("mosquitto_sub: Error: certificate verify failed")
    assert "own-roots" not in signals("curl: (60) SSL certificate problem")


def test_a_package_manager_that_names_no_host_asked_its_registry() -> None:
    assert "default-registry" in signals("npm ERR! code UNABLE_TO_VERIFY_LEAF_SIGNATURE")
    assert "default-registry" not in signals("ssl.SSLError: certificate verify failed (_ssl.c:1)")


def test_a_mirror_of_ones_own_is_no_default_registry() -> None:
    assert "default-registry" not in signals("npm ERR! request to https://npm.corp/x failed")


def test_products_count_where_a_chain_is_not_trusted() -> None:
    text = "issuer: CN=Zscaler Root CA; certificate verify failed"
    assert "product-named" in signals(text)
    assert "product-named" not in signals(text, not_trusted=False)


def test_unrelated_hosts_that_fail_together_are_told() -> None:
    text = "https://github.com/a failed\nhttps://pypi.org/simple failed"
    assert "several-hosts" in signals(text)
    assert "several-hosts" not in signals("https://a.github.com/ https://b.github.com/")


def test_a_server_asked_nobody() -> None:
    text = "SSL_do_handshake() failed while SSL handshaking, client: 10.0.0.1, server: 10.0.0.2:443"
    assert circumstances(text, text, TABLE, server=True).signals == ()
