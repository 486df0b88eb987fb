import pytest

from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin, pins_for


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


def test_a_pin_of_the_port_comes_before_one_of_all_ports() -> None:
    every, own = Pin(HostPattern("a.com"), ("1",)), Pin(HostPattern("a.com"), ("2",), port=8443)
    below = Pin(HostPattern(".a.com"), ("3",))
    pins = (every, own, below)
    assert pins_for(pins, "a.com", 8443) == (own, below)
    assert pins_for(pins, "a.com", 443) == (every, below)
    assert pins_for(pins, "x.a.com", 8443) == (below,)
