import re
import ssl
from pathlib import Path

import detector
from detector.net.untrusted import context_for_untrusted_peer


def test_the_context_verifies_nothing_and_offers_everything() -> None:
    context = context_for_untrusted_peer()
    assert context.verify_mode is ssl.CERT_NONE
    assert context.minimum_version is ssl.TLSVersion.MINIMUM_SUPPORTED
    assert context_for_untrusted_peer() is context
    assert context_for_untrusted_peer((), "TLSv1.2").maximum_version is ssl.TLSVersion.TLSv1_2


def test_verification_is_weakened_in_this_one_file_alone() -> None:
    weak = re.compile(r"CERT_NONE|check_hostname\s*=\s*False|verify\s*=\s*False")
    root = Path(detector.__file__).parent
    found = {p.name for p in root.rglob("*.py") if weak.search(p.read_text())}
    assert found == {"untrusted.py"}
