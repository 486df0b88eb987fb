"""Write detector/data/alert_spellings.toml: how each library spells the alerts of TLS.

    python scripts/make_alert_spellings.py

Needs OpenSSL, GnuTLS, Go's source, the headers of mbedTLS, wolfSSL and BearSSL, OpenJDK's source, rustls' source
and Erlang's, as Debian has them. What is not to be had there is listed in
scripts/error_tables/alert_names.py.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from error_tables.alert_names import APPLE, CHROMIUM, DOTNET, NSS, RUSTLS_LATER, Spelling, listed
from error_tables.openssl import bundled_texts

ROOT = Path(__file__).parents[1]
WRITTEN_TO = ROOT / "detector" / "data" / "alert_spellings.toml"
FIRST, LAST = 1000, 1255  # OpenSSL's reasons that are alerts

GO = Path("/usr/share/go-1.19/src/crypto/tls/alert.go")
RUSTLS = Path("/usr/share/cargo/registry/rustls-0.20.8/src/msgs/enums.rs")
JAVA = Path("/usr/lib/jvm/openjdk-17/lib/src.zip")
ERLANG = Path("/usr/lib/erlang/lib")
HEADERS = {
    "mbedTLS": (Path("/usr/include/mbedtls/ssl.h"), r"define (MBEDTLS_SSL_ALERT_MSG_\w+)\s+(\d+)"),
    "wolfSSL": (Path("/usr/include/wolfssl/ssl.h"), r"^    ([a-z]+_[a-z_]+)\s+=\s*(\d+)"),
    "BearSSL": (Path("/usr/include/bearssl/bearssl_ssl.h"), r"define (BR_ALERT_\w+)\s+(\d+)"),
    "GnuTLS": (Path("/usr/include/gnutls/gnutls.h"), r"(GNUTLS_A_\w+) = (\d+)"),
}

def main() -> None:
    lines = [
        "# How libraries spell the alerts of TLS; written by scripts/make_alert_spellings.py.",
        "#",
        '# A row: number | spelling. Case, spaces and "_" make no difference.',
    ]
    for name, source, rows in libraries():
        lines += ["", "[[library]]", f'name = "{name}"', f'source = "{source}"', "rows = '''"]
        lines += [f"{number} | {spelling}" for number, spelling in dict.fromkeys(sorted(rows))]
        lines.append("'''")
    WRITTEN_TO.write_text("\n".join(lines) + "\n")


def libraries() -> Iterator[tuple[str, str, list[Spelling]]]:
    yield "OpenSSL", "openssl errstr, SSL_alert_desc_string_long", [*openssl(), *openssl_long()]
    yield "OpenSSL since 3.4", "ERR_reason_error_string of cryptography's OpenSSL", [*bundled()]
    yield "GnuTLS", "gnutls_alert_get_name", [*gnutls()]
    yield "NSS", "sslerr.h of NSS", [(n, f"SSL_ERROR_{name}") for n, name in listed(NSS)]
    yield "Go", "crypto/tls/alert.go", [*go()]
    yield "rustls", "AlertDescription of rustls", [*rustls(), *listed(RUSTLS_LATER)]
    yield "Java", "sun.security.ssl.Alert", [*java()]
    yield "Erlang", "description_txt of ssl_alert.erl", [*erlang()]
    for name, (path, expression) in HEADERS.items():
        found = re.findall(expression, path.read_text(errors="replace"), re.MULTILINE)
        rows = [(int(number), spelling) for spelling, number in found if int(number) < 256]
        yield f"{name}'s constants", str(path.relative_to("/usr/include")), rows
    yield ".NET", "TlsAlertMessage of System.Net.Security", listed(DOTNET)
    yield "Secure Transport", "SecureTransport.h", listed(APPLE)
    yield "Chromium", "net_error_list.h", listed(CHROMIUM)


def openssl() -> Iterator[Spelling]:
    for number in range(LAST - FIRST + 1):
        words = ["openssl", "errstr", f"0A{FIRST + number:06X}"]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        reason = said.strip().split(":", 4)[-1]
        if not reason.startswith("reason("):
            yield number, reason


def openssl_long() -> Iterator[Spelling]:
    say = ctypes.CDLL(ctypes.util.find_library("ssl")).SSL_alert_desc_string_long
    say.restype = ctypes.c_char_p
    for number in range(256):
        said = say(number).decode()
        if said != "unknown":
            yield number, said


def bundled() -> Iterator[Spelling]:
    for code, said in bundled_texts(FIRST, LAST + 1):
        yield code - FIRST, said
        if said.startswith("tls alert "):  # as 3.4 to 3.6 have it
            yield code - FIRST, f"ssl/{said}"


def gnutls() -> Iterator[Spelling]:
    library = ctypes.CDLL(ctypes.util.find_library("gnutls"))
    for function in (library.gnutls_alert_get_name, library.gnutls_alert_get_strname):
        function.restype = ctypes.c_char_p
        for number in range(256):
            said = function(number)
            if said:
                yield number, said.decode()


def go() -> Iterator[Spelling]:
    text = GO.read_text()
    numbers = dict(re.findall(r"^\t(alert\w+)\s+alert = (\d+)", text, re.MULTILINE))
    for name, said in re.findall(r'^\t(alert\w+):\s+"([^"]+)"', text, re.MULTILINE):
        yield int(numbers[name]), said


def rustls() -> Iterator[Spelling]:
    body = re.search(r"EnumName: AlertDescription;(.*?)\n    \}", RUSTLS.read_text(), re.DOTALL)
    for name, number in re.findall(r"(\w+) => 0x([0-9a-f]+)", body[1] if body else ""):
        yield int(number, 16), name


def java() -> Iterator[Spelling]:
    text = zipfile.ZipFile(JAVA).read("java.base/sun/security/ssl/Alert.java").decode()
    for number, said in re.findall(r'\(\(byte\)(\d+),\s+"(\w+)"', text):
        yield int(number), said


def erlang() -> Iterator[Spelling]:
    folder = next(ERLANG.glob("ssl-*/src"))
    header = (folder / "ssl_alert.hrl").read_text()
    numbers = dict(re.findall(r"define\((\w+), (\d+)\)", header))
    text = (folder / "ssl_alert.erl").read_text()
    for name, said in re.findall(r'description_txt\(\?(\w+)\) ->\s+"([^"]+)"', text):
        yield int(numbers[name]), said


if __name__ == "__main__":
    sys.exit(main())
