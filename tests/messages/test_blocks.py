"""Which lines are one failure."""

from __future__ import annotations

from detector.knowledge.explanations import error_table
from detector.messages.explaining import answers
from detector.messages.reading import lines_of

TABLE = error_table()
NOISE = "\n".join(["step done"] * 40)


def told(text: str) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
    return [(one.causes[0].cause.id, one.lines) for one in answers(lines_of(text), TABLE)]


def test_lines_beside_each_other_are_one_failure() -> None:
    text = "npm error code CERT_HAS_EXPIRED\nnpm error errno CERT_HAS_EXPIRED\nnpm error certificate has expired"
    assert told(text) == [("certificate-expired", ((1, 3),))]


def test_failures_far_from_each_other_are_several_and_the_last_comes_first() -> None:
    text = f"curl: (60) SSL: certificate has expired\n{NOISE}\ncurl: (35) error:0A00010B:SSL routines::wrong version number"
    assert told(text) == [("not-tls", ((42, 42),)), ("certificate-expired", ((1, 1),))]


def test_the_most_frequent_comes_first() -> None:
    text = f"\n{NOISE}\n".join(
        ["curl: (60) SSL: certificate has expired"] * 2 + ["SSL: wrong version number"]
    )
    assert told(text)[0] == ("certificate-expired", ((1, 1), (42, 42)))


def test_different_hosts_that_fail_are_different_failures() -> None:
    text = (
        'Get "https://a.corp/x": x509: certificate has expired\n'
        'Get "https://b.corp/x": x509: certificate is valid for c.corp, not b.corp'
    )
    assert {cause for cause, _ in told(text)} == {"certificate-expired", "hostname-mismatch"}


def test_the_same_failure_of_many_hosts_is_one_answer_with_all_of_them() -> None:
    text = "\n".join(
        f'Get "https://{host}/x": tls: failed to verify certificate: x509: certificate signed by unknown authority'
        for host in ("github.com", "pypi.org", "registry.npmjs.org")
    )
    (one,) = answers(lines_of(text), TABLE)
    assert one.causes[0].cause.id == "tls-intercepted"
    assert set(one.hosts) == {"github.com", "pypi.org", "registry.npmjs.org"}
