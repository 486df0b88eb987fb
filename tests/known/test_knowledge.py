import pytest

from detector.known.hosts import HostPattern


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("a.com", "a.com", True),
        ("a.com", "www.a.com", False),
        (".a.com", "a.com", True),
        (".a.com", "x.y.a.com", True),
        (".a.com", "nota.com", False),
        ("*.a.com", "x.a.com", True),
        ("*.a.com", "a.com", False),
        ("*.a.com", "x.y.a.com", False),
        ("*", "anything", True),
    ],
)
def test_host_patterns_mean_what_they_say(pattern: str, host: str, expected: bool) -> None:
    assert HostPattern(pattern).matches(host) is expected
