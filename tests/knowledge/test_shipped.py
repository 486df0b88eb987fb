"""Every shipped row: products against an issuer they must match, engines and keys for sanity."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec import structs

from detector.chain.certificate import Certificate, split_pem
from detector.chain.sct import check_scts
from detector.chain.signature import public_key
from detector.errors import ConfigError
from detector.evidence.products import product_named
from detector.knowledge import shipped
from detector.known.intermediates import PublicIntermediates
from detector.known.knowledge import Knowledge, alternatives

# One issuer a product, as the product writes it. Every row must be here.
ISSUERS: dict[str, dict[str, str]] = {
    "Avast": {"CN": "avast! Web/Mail Shield Root", "O": "avast! Web/Mail Shield"},
    "AVG": {"CN": "AVG Web/Mail Shield Root"},
    "Norton": {"CN": "Norton Web/Mail Shield Root", "O": "Norton Web/Mail Shield"},
    "Bitdefender": {"CN": "Bitdefender Personal CA.Net-Defender", "O": "Bitdefender"},
    "Kaspersky": {"CN": "Kaspersky Anti-Virus Personal Root Certificate", "O": "AO Kaspersky Lab"},
    "ESET": {"CN": "ESET SSL Filter CA", "O": "ESET, spol. s r. o.", "C": "SK"},
    "Dr.Web": {"CN": "Dr.Web Custom CA", "O": "Doctor Web, Ltd."},
    "AdGuard": {"CN": "Adguard Personal CA"},
    "Cisco Umbrella": {"CN": "Cisco Umbrella Primary SubCA", "O": "Cisco"},
    "ContentKeeper": {"CN": "ContentKeeper Appliance CA (42)", "O": "ContentKeeper Technologies"},
    "Cyberoam": {"O": "Cyberoam Certificate Authority"},
    "Forcepoint": {"CN": "Forcepoint Cloud CA", "O": "Forcepoint LLC"},
    "FortiGate": {"CN": "FortiGate CA", "O": "Fortinet"},
    "McAfee Web Gateway": {"CN": "McAfee Web Gateway"},
    "NetSpark": {"CN": "www.netspark.com", "O": "NetSpark"},
    "Smoothwall": {"CN": "Smoothwall-default-root-certificate-authority"},
    "SonicWall": {"CN": "SonicWALL Firewall DPI-SSL", "O": "SonicWALL Inc.", "ST": "CA"},
    "Sophos": {"CN": "Sophos SSL CA_C01001ABCDEF123", "O": "Sophos"},
    "Blue Coat": {"O": "Blue Coat SG-Series"},
    "Trend Micro IWSS": {"CN": "IWSS.TREND"},
    "Zscaler": {"CN": "Zscaler Intermediate Root CA (zscloud.net) (t) ", "O": "Zscaler Inc."},
    "Netskope": {"CN": "ca.example.goskope.com"},
    "Cloudflare Gateway": {"CN": "Gateway CA - Cloudflare Managed G1 " + "0123456789abcdef" * 2},
    "Cato Networks": {"CN": "Cato Networks Root CA"},
    "iboss": {"CN": "iboss Network Security"},
    "Palo Alto Networks": {"CN": "PAN-FW"},
    "Aruba": {"O": "Aruba Networks"},
    "Cisco": {"O": "Cisco Systems, Inc."},
    "UniFi": {"CN": "UniFi OS"},
    "Huawei": {"email": "mobile@huawei.com"},
    "WatchGuard": {
        "CN": "Fireware HTTPS Proxy (SN X)",
        "O": "WatchGuard_Technologies",
        "OU": "Fireware",
    },
    "Securly": {"CN": "*.securly.com"},
    "mitmproxy": {"CN": "mitmproxy", "O": "mitmproxy"},
    "Fiddler": {"CN": "DO_NOT_TRUST_FiddlerRoot"},
    "Fiddler Everywhere": {"CN": "Fiddler Everywhere Root Certificate Authority"},
    "Charles": {"CN": "Charles Proxy CA (1 Jan 2026, host)", "OU": "https://charlesproxy.com/ssl"},
    "Burp Suite": {"CN": "PortSwigger CA", "O": "PortSwigger"},
    "ZAP": {"CN": "OWASP Zed Attack Proxy Root CA", "OU": "OWASP ZAP Root CA"},
    "Proxyman": {"CN": "Proxyman CA (1 Jan 2026, host)", "O": "Proxyman LLC"},
    "HTTP Toolkit": {"CN": "HTTP Toolkit CA - DO NOT TRUST"},
    "Mockttp": {"CN": "Mockttp Testing CA - DO NOT TRUST - TESTING ONLY"},
    "AnyProxy": {"CN": "AnyProxy", "O": "AnyProxy"},
    "whistle": {"CN": "whistle.1795425233752354", "OU": "wproxy.org"},
    "Privoxy": {"CN": "Privoxy CA"},
    "HTTP Debugger": {"CN": "HTTP Debugger Root CA"},
    "GoProxy": {"CN": "goproxy.github.io", "O": "GoProxy"},
    "http-mitm-proxy": {"CN": "NodeMITMProxyCA", "O": "Node MITM Proxy CA"},
    "warcprox": {"CN": "Warcprox CA on host"},
    "Watt Toolkit (Steam++)": {"CN": "SteamTools Certificate", "O": "BeyondDimension"},
    "dev-sidecar": {"CN": "DevSidecar - This certificate is generated locally"},
    "Menlo Security": {"CN": "Menlo Security Intermediate CA", "O": "Menlo Security Inc."},
    "DNSFilter": {"CN": "DNSFilter Root CA"},
    "NextDNS": {"CN": "NextDNS Root CA"},
    "Stormshield": {"CN": "SSL proxy default authority"},
    "Arista Edge Threat Management (Untangle)": {"CN": "edge.arista.com", "O": "Arista"},
    "Surge": {"CN": "Surge Generated CA 9F537BE0"},
    "Titanium Web Proxy": {"CN": "Titanium Root Certificate Authority", "O": "Titanium"},
    "JMeter recorder": {"CN": "_ JMeter Root CA for recording (INSTALL ONLY IF IT S YOURS)"},
    "LittleProxy": {"CN": "LittleProxy MITM", "O": "LittleProxy"},
    "Hoverfly": {"CN": "hoverfly.proxy", "O": "Hoverfly Authority"},
    "WireMock": {"CN": "WireMock Local Self Signed Root Certificate"},
    "Requestly": {"CN": "RQProxyCA"},
    "Owl Proxy": {"CN": "Owl Proxy Root CA", "O": "Owl Proxy CA"},
    "HexProxy": {"CN": "HexProxy Root CA"},
    "Good-MITM": {"CN": "Good-MITM", "O": "Good-MITM", "C": "CN"},
    "MaskTunnel": {"O": "MaskTunnel CA", "C": "US"},
    "node-mitmproxy": {"CN": "node-mitmproxy CA", "O": "node-mitmproxy"},
    "hiproxy": {"CN": "Hiproxy Custom CA", "O": "Hiproxy"},
    "pywb": {"CN": "pywb HTTPS Proxy CA"},
    "pymitm": {"CN": "mitm", "O": "mitm", "OU": "mitm"},
    "BadSSL MITM test": {"CN": "BadSSL MITM Software Test Root"},
    "Superfish": {"CN": "Superfish, Inc.", "O": "Superfish, Inc."},
    "eDellRoot": {"CN": "eDellRoot"},
    "DSDTestProvider": {"CN": "DSDTestProvider"},
    "PrivDog": {"CN": "PrivDog Secure Connection Inspector CA"},
    "Kazakhstan, Qaznet": {"CN": "Qaznet Trust Network", "O": "ISCA", "C": "KZ"},
    "Kazakhstan, ISCA": {"CN": "Information Security Certification Authority", "O": "ISCA"},
    "Kazakhstan, root CA": {"CN": "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)"},
    "Russian Trusted CA": {"CN": "Russian Trusted Sub CA 2024"},
}

# Other issuers of the same products.
MORE = (
    ("Avast", {"CN": "Avast Web/Mail Shield Untrusted Root"}),
    ("AVG", {"CN": "AVG Web/Mail Shield Self-signed Root"}),
    ("Norton", {"CN": "Norton Web/Mail Shield Untrusted Root"}),
    ("Kaspersky", {"CN": "Kaspersky Web Anti-Virus Certification Authority"}),
    ("FortiGate", {"CN": "FGT60FTK19000001", "O": "Fortinet", "OU": "Certificate Authority"}),
    ("FortiGate", {"CN": "support.example", "email": "support@fortinet.com"}),
    ("Netskope", {"CN": "ca.umbrella.stg.local", "email": "certadmin@netskope.com"}),
    ("Netskope", {"CN": "eproxy.caadmin.netskope.com"}),
    ("Netskope", {"CN": "caadmin.netskope.com"}),
    ("Cloudflare Gateway", {"CN": "Gateway CA - Cloudflare Managed G2"}),
    ("Cloudflare Gateway", {"CN": "Gateway CA - Cloudflare Managed G2 " + "0" * 32}),
    ("Cloudflare Gateway", {"CN": "Cloudflare for Teams ECC Certificate Authority"}),
    ("Arista Edge Threat Management (Untangle)", {"CN": "www.untangle.com", "O": "Security"}),
    ("JMeter recorder", {"CN": "_ JMeter Intermediate CA for recording"}),
)

# Issuers of honest certificates that a careless expression would match.
INNOCENT = (
    {"CN": "Cloudflare Inc ECC CA-3", "O": "Cloudflare, Inc.", "C": "US"},
    {"CN": "Cloudflare TLS Issuing ECC CA 1", "O": "SSL Corporation"},
    {"CN": "Example Corp Root CA", "O": "Example Corp"},
    {"CN": "Let's Encrypt Authority X3", "O": "Let's Encrypt"},
    {"CN": "Symantec Class 3 Secure Server CA", "O": "Symantec Corporation"},
    {"CN": "DigiCert Global G2", "O": "DigiCert Inc", "email": "support@digicert.com"},
    {"CN": "localhost"},
    {"CN": "certadmin@uni.example"},
    {"CN": "fortinet-subca2001", "O": "Fortinet", "email": "support@fortinet.com"},
    {"CN": "support", "O": "Fortinet", "OU": "Certificate Authority"},
    {"CN": "fw.corp.example SSLVPN server", "O": "WatchGuard_Technologies", "OU": "Fireware"},
    {"CN": "www.untangle.com", "O": "Example Corp"},
    {"CN": "CloudFlare Origin SSL Certificate Authority", "O": "CloudFlare, Inc."},
)


@pytest.fixture
def ask(known: Knowledge) -> Callable[[dict[str, str]], str | None]:
    def product(issuer: dict[str, str]) -> str | None:
        found = product_named({k: [v] for k, v in issuer.items()}, known)
        return found.name if found else None

    return product


def test_every_product_has_an_example_here() -> None:
    assert {p.name for p in shipped.products()} == set(ISSUERS)
    assert all(p.source for p in shipped.products())


@pytest.mark.parametrize("name", ISSUERS)
def test_a_product_is_known_by_its_issuer(ask: Callable[..., str], name: str) -> None:
    assert ask(ISSUERS[name]) == name


@pytest.mark.parametrize(("name", "issuer"), MORE, ids=lambda value: str(value)[:40])
def test_a_product_is_known_by_its_other_issuers(
    ask: Callable[..., str], name: str, issuer: dict[str, str]
) -> None:
    assert ask(issuer) == name


@pytest.mark.parametrize("issuer", INNOCENT, ids=lambda i: i["CN"])
def test_innocent_issuers_match_no_product(ask: Callable[..., str], issuer: dict[str, str]) -> None:
    assert ask(issuer) is None


def test_all_expressions_compile() -> None:
    assert shipped.load_products(shipped.DATA / "products.toml") == shipped.products()


def test_engines_have_sources_and_shapes() -> None:
    engines = shipped.engines()
    assert len({e.id for e in engines}) == len(engines) == 17
    assert all(e.source and e.shapes for e in engines)


def test_no_shape_that_decides_is_one_that_honest_programs_make() -> None:
    honest = shipped.honest_shapes()
    assert len(honest) > 300
    assert {"mkcert", "easy-rsa", "cfssl", "gnutls", "nss"} <= {known.origin for known in honest}
    hits = [
        (engine.id, known.origin)
        for engine in shipped.engines()
        for rule in engine.shapes
        for known in honest
        if not rule.weak and rule.matches(known.shape)
    ]
    assert hits == []


def test_shared_cas_have_sources_and_whole_digests_and_their_expressions_compile() -> None:
    rows = shipped.shared_cas()
    assert len({ca.name for ca in rows}) == len(rows)
    assert all(ca.source and alternatives(ca.match) for ca in rows)
    digests = [digest for ca in rows for digest in ca.certificates]
    digests += [digest for product in shipped.products() for digest in product.certificates]
    assert len(set(digests)) == len(digests) > 100
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_superfish_and_emudhra_are_on_the_published_list() -> None:
    keys = shipped.published_keys()
    superfish = keys.find("4bb8f35ba1e126f8ddE1b0c4".lower()) or keys.find(
        "b6fe9151402bad1c06d7e66db67a26aa7356f2e6c644dbcf9f98968ff632e1b7"
    )
    assert superfish is not None
    assert superfish.name == "Superfish"
    emudhra = keys.find("63ecefee431d49523bc1136c4e72d0206a477086caf606cd5cf025686c109cf8")
    assert emudhra is not None
    assert emudhra.published == date(2026, 10, 1)
    assert len(keys.keys) >= 30


def test_the_log_table_is_the_official_list() -> None:
    logs = shipped.ct_logs()
    assert len(logs) == 117
    states = {log.state for log in logs.values()}
    assert states == {"pending", "qualified", "usable", "readonly", "retired", "rejected"}
    for log in logs.values():
        assert (log.distrusted is not None) == (log.state in ("readonly", "retired", "rejected"))


def test_retired_logs_are_known_until_when_and_read_when_one_is_asked_for() -> None:
    retired = shipped.retired_ct_logs()
    assert not set(retired) & set(shipped.ct_logs())
    assert all(log.distrusted is not None for log in retired.values())
    ends = {log.name: log.distrusted.date().isoformat() for log in retired.values()}  # type: ignore[union-attr]
    assert ends["Google 'Aviator' log"] == "2016-11-30"
    assert ends["DigiCert Log Server 2"] == "2020-05-04"  # its key may have been copied
    assert ends["DigiCert Yeti2022 Log"] == "2021-07-21"  # a bit flipped in it
    assert ends["Symantec log"] == "2019-02-16"
    assert not {"Akamai CT Log", "Let's Encrypt 'Clicky' log", "GDCA Log 1"} & set(ends)

    shipped.retired_ct_logs.cache_clear()
    logs = shipped.LogsOfAllTimes(shipped.ct_logs())
    assert all(logs[log_id] is log for log_id, log in shipped.ct_logs().items())
    assert shipped.retired_ct_logs.cache_info().currsize == 0
    assert logs[next(iter(retired))].name == next(iter(retired.values())).name
    assert shipped.retired_ct_logs.cache_info().currsize == 1
    assert logs.get(bytes(32)) is None
    assert len(logs) == len(retired) + len(shipped.ct_logs())


def test_a_log_whose_id_is_not_its_keys_digest_is_refused(tmp_path: Path) -> None:
    data = json.loads((shipped.DATA / "ct_logs.json").read_text())
    data["operators"][0]["logs"][0]["log_id"] = data["operators"][0]["logs"][1]["log_id"]
    path = tmp_path / "logs.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="not the SHA-256"):
        shipped.load_ct_logs(path)


@pytest.mark.parametrize("text", ["", "[]", '{"operators": [{}]}', '{"operators": 1}'])
def test_a_file_that_is_no_log_list_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "logs.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="no list of CT logs"):
        shipped.load_ct_logs(path)


def test_bad_expressions_and_digests_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    row = '[[product]]\nname = "x"\ncategory = "y"\nsource = "z"\nmatch = [{ CN = "(" }]\n'
    path.write_text(row)
    with pytest.raises(ConfigError, match=r":1: x: '\(' is no regular expression"):
        shipped.load_products(path)
    path.write_text('\n[[key]]\nname = "x"\nsource = "z"\nsha1 = "ABC"\n')
    with pytest.raises(ConfigError, match=":2: x: 'ABC' is not 40"):
        shipped.load_published_keys(path)


@pytest.mark.parametrize(
    ("name", "logs"),
    [
        ("dropped_root_one", ["Google 'Pilot' log", "DigiCert Log Server 2", "Sectigo 'Mammoth' CT log"]),
        ("dropped_root_two", ["Google 'Argon2022' log", "Cloudflare 'Nimbus2022' Log", "Let's Encrypt 'Oak2022' log"]),
    ],
)  # fmt: skip
def test_scts_of_real_leaves_of_2018_and_2021_verify_again(name: str, logs: list[str]) -> None:
    file = Path(__file__).parents[1] / "data" / "verdict_cases" / f"{name}.pem"
    leaf, issuer, *_ = (Certificate(der) for der in split_pem(file.read_bytes()))
    found = check_scts(leaf, issuer, shipped.LogsOfAllTimes(shipped.ct_logs()))
    assert [(one.status, one.log and one.log.name) for one in found] == [("valid", n) for n in logs]
    today = check_scts(leaf, issuer, shipped.ct_logs())
    assert {one.status for one in today} == {"unknown-log"}


def test_an_sct_from_after_its_logs_end_does_not_count() -> None:
    file = Path(__file__).parents[1] / "data" / "verdict_cases" / "dropped_root_one.pem"
    leaf, issuer, *_ = (Certificate(der) for der in split_pem(file.read_bytes()))
    logs = shipped.LogsOfAllTimes(shipped.ct_logs())
    for one in check_scts(leaf, issuer, logs):
        assert one.log is not None
        ended = structs.replace(one.log, distrusted=one.sct.timestamp)
        (again, *_) = [
            r for r in check_scts(leaf, issuer, {ended.log_id: ended}) if r.log is not None
        ]
        assert again.status == "untrusted-log"


def test_published_keys_that_are_known_whole_are_those_of_their_digests(tmp_path: Path) -> None:
    keys = [key for key in shipped.published_keys().keys if key.spki is not None]
    assert {"Superfish", "eDellRoot", "DSDTestProvider"} <= {key.name for key in keys}
    assert all(public_key(key.spki or b"") is not None for key in keys)
    path = tmp_path / "keys.toml"
    path.write_text(f'[[key]]\nname = "a"\nsource = "b"\nspki_sha256 = "{"0" * 64}"\nspki = "AAAA"')
    with pytest.raises(ConfigError, match=r"a: spki is not the key of that spki_sha256"):
        shipped.load_published_keys(path)


def test_the_public_intermediates_have_keys_and_names() -> None:
    rows = shipped.public_intermediates()
    found = PublicIntermediates(lambda: rows)
    assert len(rows) > 1500
    assert all(re.fullmatch("[0-9a-f]{64}", one.spki_sha256) for one in rows)
    whole = [one for one in rows if one.spki is not None]
    assert whole
    assert all(sha256(one.spki or b"").hexdigest() == one.spki_sha256 for one in whole)
    for name in ("R11", "E8"):
        written = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Let's Encrypt"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        (one,) = found.named(written.public_bytes())
        assert one.subject == f"CN={name},O=Let's Encrypt,C=US"
        assert found.with_key(one.spki_sha256) == one


@pytest.mark.parametrize("text", ["", "{}", '{"source": "", "intermediates": [[1]]}'])
def test_a_file_that_holds_no_intermediates_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="no intermediates"):
        shipped.load_public_intermediates(path)
