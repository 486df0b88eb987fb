"""The child process in which a PAC file runs: a script of somebody else's, so it has nothing to lose here.

Run as a program by `detector.net.pac`, which speaks JSON lines with it: the script first, then each question. It
imports nothing of tlsight. Bounds: memory, CPU time for each answer (the kernel kills what exceeds it), no files
to write, few descriptors, and nobody's user where it was root's.
"""

from __future__ import annotations

import encodings.idna
import fnmatch
import json
import socket
import struct
import sys
from contextlib import suppress

MEMORY = 512 << 20
CPU_SECONDS = 1
NOBODY = 65534
_WARM_UP = (
    'function FindProxyForURL(u, h) { return isInNet("192.0.2.1", "192.0.2.0", "255.0.0.0"); }'
)
_IMPORTED_BEFORE = (encodings.idna, fnmatch, socket, struct)


def main() -> None:
    """Answer until nothing is asked any more."""
    from pypac.parser import PACFile

    class Unasked(PACFile):  # type: ignore[misc]
        """pypac asks for "/" at 0.0.0.0 to see whether it works, which honest scripts stumble over."""

        ready = False

        def find_proxy_for_url(self, url: str, host: str) -> object:
            return super().find_proxy_for_url(url, host) if self.ready else ""

    # Whatever it imports when it is used is imported before the files are out of reach.
    PACFile(_WARM_UP)
    confine()
    lines = iter(sys.stdin)
    more_time()
    try:
        pac = Unasked(json.loads(next(lines)))
        pac.ready = True
    except Exception as error:
        say(error=str(getattr(error, "original_exc", None) or error))
        return
    say(answer="")
    for line in lines:
        url, host = json.loads(line)
        more_time()
        try:
            answer = pac.find_proxy_for_url(url, host)
            say(answer="" if answer is None else str(answer)[:4000])
        except Exception as error:
            say(error=str(error))


def confine() -> None:
    """Give up what is not needed. Where the system has no such limits, time alone is bounded, by the parent."""
    import os

    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def more_time() -> None:
    """CPU_SECONDS from now; whoever uses more is killed by SIGXCPU."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        end = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def say(**words: str) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    main()
