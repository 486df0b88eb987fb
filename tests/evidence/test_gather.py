import importlib
import pkgutil

import detector.evidence.rules
from detector.chain.certificate import Certificate
from detector.evidence.examination import Examination
from detector.evidence.gather import RULES, gather
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from tests.conftest import Observe


def test_every_rule_file_is_run() -> None:
    files = {m.name for m in pkgutil.iter_modules(detector.evidence.rules.__path__)}
    modules = {importlib.import_module(f"detector.evidence.rules.{name}") for name in files}
    assert {module.find for module in modules} == set(RULES)


def test_a_field_that_cannot_be_read_becomes_one_weak_finding(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    seen = Examination(observe("a.com", pki.issue("a.com")), known)
    broken = Certificate(seen.leaf.der)
    broken.extensions = (("SAN", False, b"\x30\x09"), ("EKU", False, b"\xff"))
    seen.leaf = broken
    found = [e for e in gather(seen, Sharing()) if e.id == "malformed-certificate"]
    assert [e.strength for e in found] == ["weak"]
