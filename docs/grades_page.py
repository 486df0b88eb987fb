"""The page of tests by which an interceptor is graded: a head by hand, the tests from the product's own table."""

from __future__ import annotations

from collections.abc import Iterator

from detector.knowledge.grade_tests import grade_tests
from detector.model.grades import GradeTest
from detector.report.grade_text import HEADINGS

_HEAD = """# How an interceptor is graded

Somebody stands in between: is that dangerous? Whoever decrypts TLS answers for two connections, and the client sees one of
them. Its padlock says nothing about the other. `tlsight grade` asks by doing it: it visits servers that are bad on purpose
through the interceptor, shakes hands with the side that clients see in ways that no client should get away with, and reads
what was minted. [Grade an interceptor](../how-to/grade-an-interceptor.md) has the steps, [grades of
interceptors](../reference/interceptor-grades.md) what came of it for programs that anybody can run.

## How it is asked

**Visits.** Each bad server is bad in one way alone, and has a name of its own below one domain. It answers a request with
what it saw of the connection, signed with a key that the client had beforehand: whoever stands in between can withhold that
word and cannot write it. So a page that says *blocked* with status 200 is no acceptance, and a certificate was accepted only
where the server was really asked.

**What the servers met.** A proxy that refuses says little of what it would have agreed on. So the servers remember how the
last connections to each of them ended, and tell it at the good server; past the interceptor, where it lets nobody through
and the direct way is open. A refusal counts only where a connection reached the server: a name that the proxy cannot
resolve, or that it blocks unseen, has verified nothing. Grade one interceptor at a time with one set of servers: a grading
that another asked beside is told so by them, and what they met is then *unclear*. One that was left in its midst counts for
90 seconds.

**Its own hello.** What it offers to servers is read from the hellos that came to them, byte by byte.

**Its side towards clients.** Hellos that offer one version or one family of suites alone; no handshake is completed in a
broken suite, and nothing is sent under broken keys. One handshake of TLS 1.2 is renegotiated once, where the client has the
extra `grade`; else that is *unclear*. What has no harmless probe is not asked: a padding oracle (ROBOT) takes
forged messages in numbers, and Heartbleed reads a stranger's memory.

**What it mints.** Leaves of one run are judged together: keys shared, serials that count, the CA's own key. A fault that is
copied from a bad server's certificate is told at that server.

## How the letter comes about

The letter is the worst of what the failed tests allow, as in Durumeric and others' study of 2017:

- **F**: somebody in between can be any server, or read everything.
- **D**: a limit that a CA set is not kept.
- **C**: an attack that is known, and needs some luck.
- **B**: less than a browser of today does by itself.
- **A**: nothing of all this.

An outcome is *passed*, *failed*, *passed on* (the fault reaches the client in the leaf that he is shown, so he can refuse),
*not asked* or *unclear*. Only a failure lowers a letter. Nobody who decrypts gets an A easily: Certificate Transparency,
revocation and Encrypted ClientHello are what interception costs, and the table says so.

## What a grade cannot say

- **Trust.** Most tests of certificates need an interceptor that trusts the root of our servers; without, it refuses the good
  server too, and they are *not asked*. The rest still runs: a server sees whether its version and suite were agreed on before
  its certificate was refused, where that is said in an alert; who leaves without a word leaves it *unclear*. A public
  certificate for the good servers helps there.
- **Policy.** A proxy that blocks unknown names blocks ours. Let the domain through its filter first.
- **Other sites.** An interceptor may have a list of hosts that it treats otherwise. It is graded for one name.
- **Later.** A grade holds for a version, a configuration and a day. What was seen is kept by `--save`, and `--from` judges it
  again with a later table.
- **The rest of it.** What happens to decrypted text inside is not seen from outside.

"""
_ASKED = {
    "visit": "A visit to a server that is bad in this way.",
    "hello": "Read from the hellos that it sends to servers.",
    "client": "Hellos to its side towards clients.",
    "leaves": "Read from the leaves that it mints.",
    "compare": "What was sent against what arrived.",
}


def grades_page() -> str:
    """Each test: why it matters, how it is asked, what a vendor can do, who asks the same."""
    return _HEAD + "\n".join(_groups())


def _groups() -> Iterator[str]:
    for group, heading in HEADINGS.items():
        yield f"## {heading}\n"
        for test in grade_tests():
            if test.group == group:
                yield _test(test)


def _test(test: GradeTest) -> str:
    trust = " It has to trust the servers' root." if test.needs == "root" else ""
    return f"""### {test.id}

**{test.question}** {_ASKED[test.ask]}{trust} Where it fails, {test.best} is the best grade.

Why: {test.why} What its maker can do: {test.vendor}

Sources: {"; ".join(test.sources)}.
"""
