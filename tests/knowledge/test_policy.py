from datetime import date
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.policy import load_policy
from detector.known.hosts import HostPattern
from detector.known.knowledge import PrivateIssuer, Sanctioned

KEY = "sha256//" + "A" * 43 + "="
ZERO = "00" * 32


def test_the_three_parts_of_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f"""
internal = [".corp.example.com", "intranet"]

[[private]]
spki = "{KEY}"
names = [".example.com"]
note = "factory"

[[sanctioned]]
name = "Gateway"
spki = "{KEY}"
decrypt = ["*"]
never = [".bank.example"]
expires = 2027-06-30
""")
    found = load_policy(path)
    assert found.internal == (HostPattern(".corp.example.com"), HostPattern("intranet"))
    assert found.private == (PrivateIssuer(ZERO, (HostPattern(".example.com"),), "factory"),)
    assert found.sanctioned == (
        Sanctioned(
            "Gateway", ZERO, (HostPattern("*"),), (HostPattern(".bank.example"),), date(2027, 6, 30)
        ),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("internal = 1", "internal must be a list"),
        ("[[sanctoined]]\n", "unknown table"),
        (f'[[private]]\nspki = "{KEY}"\n', ":1: .*missing required field `names`"),
        ('[[private]]\nspki = "x"\nnames = []\n', ":1: 'x' is no key digest"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_policy(path)
