"""One computation of an RSA signer's key, in a process of its own (`python -m detector.runs.gcd`).

It reads two signatures as a line of JSON and writes the key, or nothing. Ctrl-C ends it at once, for it
leaves the signal to the kernel: GMP would not look up before it is through.
"""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

import msgspec

from detector import clock
from detector.chain.recover import EXPONENTS, RsaSignature, common_key
from detector.own_python import python

# The greatest common divisor of numbers of n bits takes about n^1.3; asked for 256 times fewer.
_SAMPLE, _GROWTH = 256, 1.3


class Limits(msgspec.Struct, frozen=True):
    """What the computing of one run may cost.

    Attributes:
        pairs: of leaves that are tried.
        exponents: that are tried.
        memory: bytes, for one computation; a modulus of 4,096 bits takes 360 MB.

    """

    pairs: int = 8
    exponents: tuple[int, ...] = EXPONENTS
    memory: int = 1 << 30


LIMITS = Limits()


class Computation:
    """The process. `end` must be called in any case.

    Attributes:
        trouble: why there is no result though the process has ended, empty where it just found none.

    """

    def __init__(self, one: RsaSignature, two: RsaSignature, limits: Limits = LIMITS) -> None:
        self.trouble = ""
        self._process = subprocess.Popen(
            python("-m", "detector.runs.gcd"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdin is not None
        numbers = [(hex(each.signature), hex(each.encoded), each.size) for each in (one, two)]
        self._process.stdin.write(
            msgspec.json.encode(_Job(numbers, limits.exponents, limits.memory))
        )
        self._process.stdin.close()

    def done(self) -> bool:
        return self._process.poll() is not None

    def result(self) -> bytes | None:
        """The key (SPKI), None for none; waits for it."""
        assert self._process.stdout is not None
        answer = self._process.stdout.read(1 << 16)
        code = self._process.wait()
        if code:
            self.trouble = f"the computation was stopped ({code})"
        return bytes.fromhex(answer.decode("ascii")) or None if not code else None

    def end(self) -> None:
        """Stop it, whatever it does."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@lru_cache(maxsize=8)
def seconds_needed(bits: int) -> float:
    """About how long a computation for a modulus of so many bits takes on this machine, by a small one."""
    import gmpy2

    state = gmpy2.random_state(1)
    one, two = (gmpy2.mpz_urandomb(state, _SAMPLE * bits) for _ in range(2))
    begin = clock.stopwatch()
    gmpy2.gcd(one, two)
    return float((clock.stopwatch() - begin) * (65537 / _SAMPLE) ** _GROWTH)


def main() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    job = msgspec.json.decode(sys.stdin.buffer.read(1 << 16), type=_Job)
    _bound_memory(job.memory)
    one, two = (RsaSignature(int(s, 16), int(m, 16), size) for s, m, size in job.numbers)
    print((common_key(one, two, job.exponents) or b"").hex())


class _Job(msgspec.Struct):
    numbers: list[tuple[str, str, int]]
    exponents: tuple[int, ...]
    memory: int


def _bound_memory(size: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


if __name__ == "__main__":
    main()
