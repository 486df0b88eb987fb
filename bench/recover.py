"""What the keys of signers that were not sent cost: milliseconds of CPU for ECDSA, a computation for RSA.

python bench/recover.py [BITS...]        # 1024 2048 4096 when none are given
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.chain.certificate import Certificate
from detector.chain.recover import ecdsa_candidates, rsa_signature
from detector.lab.pki import Authority, PrivateKey
from detector.runs.gcd import Computation, seconds_needed

LEAVES = 200


def leaves(key: PrivateKey, count: int) -> list[Certificate]:
    authority = Authority("Gateway", key=key, profile=False)
    return [Certificate(authority.issue(f"{number}.com").der) for number in range(count)]


def ecdsa() -> None:
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        made = leaves(ec.generate_private_key(curve), LEAVES)
        start = time.process_time()
        found = [ecdsa_candidates(leaf) for leaf in made]
        took = (time.process_time() - start) / LEAVES
        print(f"{curve.name:10} {1000 * took:6.2f} ms a leaf, {len(found[0])} keys")


def rsa_pair(bits: int) -> None:
    one, two = (rsa_signature(one) for one in leaves(rsa.generate_private_key(65537, bits), 2))
    assert one is not None
    assert two is not None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    computation = Computation(one, two)
    found = computation.result()
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    peak = used.ru_maxrss / 1024
    print(
        f"rsa{bits:<7} {cpu:6.1f} s of CPU, {wall:.1f} s, at most {peak:.0f} MiB,"
        f" {seconds_needed(bits):.0f} s estimated, {'found' if found else computation.trouble}"
    )


if __name__ == "__main__":
    ecdsa()
    for size in [int(word) for word in sys.argv[1:]] or [1024, 2048, 4096]:
        rsa_pair(size)
