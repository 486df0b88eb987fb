import ssl
from pathlib import Path

from detector.knowledge.assemble import assemble
from detector.knowledge.shipped import retired_ct_logs
from detector.lab.pki import LabPki


def test_by_default_certifi_and_the_machine_are_asked() -> None:
    known = assemble()
    assert known.public.name.startswith("certifi")
    assert known.local is not None
    assert not known.lab
    assert len(known.logs) == 117 + len(retired_ct_logs())
    assert known.programs is not None
    assert "www.google.com" in known.canaries


def test_roots_of_ones_own_make_a_lab(pki: LabPki, tmp_path: Path) -> None:
    roots, logs = tmp_path / "r.pem", tmp_path / "l.json"
    roots.write_text(pki.root.pem)
    logs.write_text(pki.ct_logs_json)
    known = assemble(roots=roots, ct_logs=logs)
    assert known.lab
    assert known.local is None
    assert known.programs is None
    assert known.own is None
    assert len(known.logs) == 119 + len(retired_ct_logs())


def test_of_roots_without_logs_those_that_no_program_has_may_be_the_users_own(
    pki: LabPki, tmp_path: Path
) -> None:
    public = next(iter(assemble(local=False).public.certificates))
    roots = tmp_path / "r.pem"
    roots.write_text(pki.root.pem + ssl.DER_cert_to_PEM_cert(public.der))
    own = assemble(roots=roots).own
    assert own is not None
    assert own.ders == (pki.root.der,)


def test_what_the_user_gave_is_told_apart_by_what_it_holds(pki: LabPki, tmp_path: Path) -> None:
    roots, copy, logs = (tmp_path / name for name in ("r.pem", "copy.pem", "l.json"))
    roots.write_text(pki.root.pem)
    copy.write_text("# the same\n" + pki.root.pem)
    logs.write_text(pki.ct_logs_json)
    assert assemble().anchors == ""
    given = assemble(roots=roots).anchors
    assert given == assemble(roots=copy).anchors
    both, alone = assemble(roots=roots, ct_logs=logs).anchors, assemble(ct_logs=logs).anchors
    assert len({"", given, both, alone}) == 4
