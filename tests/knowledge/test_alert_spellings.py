"""Each library's spelling of an alert leads to its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.alert_spellings import (
    alert_spellings,
    folded_spelling,
    load_alert_spellings,
)
from detector.model.alerts import NAMES


@pytest.mark.parametrize(
    ("spelling", "number"),
    [
        ("tlsv1 alert unknown ca", 48),  # OpenSSL up to 3.3
        ("TLSV1_ALERT_UNKNOWN_CA", 48),  # Node, Python
        ("sslv3 alert handshake failure", 40),
        ("ssl/tls alert handshake failure", 40),  # OpenSSL since 3.4
        ("tls alert handshake failure", 40),  # OpenSSL 4
        ("unknown certificate authority", 48),  # Go
        ("UnrecognisedName", 112),  # rustls
        ("UnrecognizedName", 112),
        ("CA is unknown", 48),  # GnuTLS
        ("SSL_ERROR_RX_CERTIFICATE_REQUIRED_ALERT", 116),  # NSS
        ("certificate_unknown", 46),  # Java
        ("Certificate Expired", 45),  # Erlang
        ("UnsupportedCert", 43),  # .NET
        ("errSSLPeerProtocolVersion", 70),  # Apple
    ],
)
def test_a_librarys_own_spelling_is_known(spelling: str, number: int) -> None:
    assert alert_spellings()[folded_spelling(spelling)] == number


def test_the_registrys_names_are_spellings_too() -> None:
    spelled = set(alert_spellings().values())
    assert set(NAMES) - spelled <= {117}  # general_error, which no library sends


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("48 | x\n40 | X", "is another's too"),
        ("200 | x", "is no known alert"),
        ("48 |", "is no known alert"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused(tmp_path: Path, rows: str, why: str) -> None:
    path = tmp_path / "alert_spellings.toml"
    path.write_text(f"[[library]]\nname = 'L'\nsource = 's'\nrows = '''\n{rows}\n'''\n")
    with pytest.raises(ConfigError, match=why):
        load_alert_spellings(path)
