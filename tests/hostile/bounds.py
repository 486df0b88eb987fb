"""What a run may cost, whoever it meets: the numbers that SECURITY.md states.

Seconds of processor and MiB are what wait4 says. Seconds of wall are those of a run that gets a processor whenever it
wants one; the peers share theirs with two dozen runs, so a second or two may be theirs. Seconds of processor grow with
what else a core does, so a run that is too dear is measured again with little beside it, and that one counts. A machine
may be at half of its usual speed for an hour: a bound is three times what is usual, which a loop without end passes too.
"""

from __future__ import annotations

from detector.cli import exit_codes
from detector.runs.grade import A_MINUTE
from tests.hostile.cells import PATIENT, TIMEOUT
from tests.hostile.measured import Run

EXITS = frozenset((0, 1, 2, 3, 4))
INTERRUPTED = 130
CPU = 6.0
# Some twenty trials, or visits, of which each may read what a peer floods it with.
CPU_OF_MANY = 15.0
_MANY = ("diagnose", "grade")
MIB = 160
# Six steps at their time-out for a target (detector.net.budget), once more for what certificates point to.
SPARE = 4.0
DIALLED = 12 * TIMEOUT + SPARE
# Four attempts, and 1 + 2 + 4 s between them.
ASKED = 4 * TIMEOUT + 7 + SPARE
# The grading's own minute (detector.runs.grade), most of which goes by where visits are answered without end.
GRADED = sum(A_MINUTE) + SPARE
# Files: that it ends. One that is large is read by several processes, whose waits nobody adds up.
READ = 60.0
_ASKING = ("ct show", "ct fetch", "update")


def breaches(run: Run) -> list[str]:
    """Each bound that a run did not keep, in words."""
    found = []
    if run.code is None:
        found.append("had to be killed")
    elif run.code not in EXITS and not (run.interrupted and run.code == INTERRUPTED):
        found.append(f"exit code {run.code}")
    elif run.peer and run.name.startswith("grade") and run.code != exit_codes.INCONCLUSIVE:
        found.append(
            f"exit code {run.code}: a letter for somebody who has no server of ours behind him"
        )
    if run.cpu > _cpu(run):
        found.append(f"{run.cpu:.1f} s of processor, at most {_cpu(run)}")
    if run.mib > MIB:
        found.append(f"{run.mib:.0f} MiB, at most {MIB}")
    if run.wall > _wall(run):
        found.append(f"{run.wall:.1f} s, at most {_wall(run):.1f}")
    return found


def is_dear(run: Run) -> bool:
    """Whether it took longer than it may, of the processor or of the wall's clock."""
    return run.cpu > _cpu(run) or run.wall > _wall(run)


def _cpu(run: Run) -> float:
    return CPU_OF_MANY if run.peer and run.name.startswith(_MANY) else CPU


def _wall(run: Run) -> float:
    if not run.peer:
        return READ
    if "~" in run.name:  # see cells.PATIENT
        return 12 * PATIENT + SPARE
    if run.name.startswith("grade"):
        return GRADED
    return ASKED if run.name.startswith(_ASKING) else DIALLED
