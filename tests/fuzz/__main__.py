"""`make fuzz`: every target by both engines, as many at once as there are cores."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import tests.fuzz
from tests.fuzz import by_coverage, by_hypothesis
from tests.fuzz.targets import all_targets


def main() -> int:
    """Exit code 1 where a target failed."""
    wanted = _options()
    names = wanted.names or list(all_targets())
    engines = ["hypothesis", "coverage"] if wanted.engine == "both" else [wanted.engine]
    if "coverage" in engines and not by_coverage.is_here():
        print("atheris has no wheel for this machine: hypothesis alone", file=sys.stderr)
        engines = ["hypothesis"]
    failed = 0
    for engine in engines:
        if engine == "coverage":
            runs = by_coverage.fuzz(names, wanted.seconds, wanted.jobs, keeping=wanted.keep)
        else:
            runs = _at_random(names, wanted.seconds, wanted.jobs)
        for name, count, trouble in runs:
            print(f"{name:26} {engine:10} {count:9} inputs  {trouble or 'ok'}", flush=True)
            failed += bool(trouble)
    said = f"{len(names)} targets, {wanted.seconds:g} s each by {' and '.join(engines)}"
    print(f"{said}, {failed} failed")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=tests.fuzz.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="targets at a time")
    options.add_argument("--engine", choices=("hypothesis", "coverage", "both"), default="both")
    options.add_argument("--keep", action="store_true", help="write the corpus anew")
    options.add_argument("names", nargs="*", metavar="NAME")
    return options.parse_args()


def _at_random(names: list[str], seconds: float, jobs: int) -> Iterator[tuple[str, int, str]]:
    with ProcessPoolExecutor(jobs) as pool:
        done = pool.map(by_hypothesis.fuzz, names, [seconds] * len(names))
        for name, (count, trouble) in zip(names, done, strict=True):
            yield name, count, trouble


if __name__ == "__main__":
    sys.exit(main())
