import pytest

from detector.model.programs import SHELLS, ProgramFix, line_for


@pytest.mark.parametrize(
    ("fix", "shell", "line"),
    [
        (ProgramFix(sets="A", value="CA_FILE"), "sh", "export A=/ca.pem"),
        (ProgramFix(sets="A", value="-x CA_FILE"), "sh", 'export A="-x /ca.pem"'),
        (ProgramFix(sets="A", value="BUNDLE"), "powershell", '$env:A = "/all.pem"'),
        (ProgramFix(sets="A", value="BUNDLE"), "dockerfile", 'ENV A="/all.pem"'),
        (ProgramFix(sets="A", value="1"), "systemd", 'Environment="A=1"'),
        (ProgramFix(sets="A", value="1"), "ci", 'env:\n  A: "1"'),
        (ProgramFix(command="a CA_FILE", powershell="b"), "powershell", "b"),
        (ProgramFix(command="a CA_FILE"), "dockerfile", "RUN a /ca.pem"),
        (ProgramFix(command="A_BUNDLE=BUNDLE b"), "sh", "A_BUNDLE=/all.pem b"),
        (ProgramFix(file="f", lines="ca = CA_FILE"), "sh", "ca = /ca.pem"),
        (ProgramFix(file="f", lines="ca = CA_FILE"), "ci", ""),
    ],
)
def test_a_fix_is_one_line_in_each_shell(fix: ProgramFix, shell: str, line: str) -> None:
    (known,) = (one for one in SHELLS if one == shell)
    assert line_for(fix, known, "/ca.pem", "/all.pem") == line
