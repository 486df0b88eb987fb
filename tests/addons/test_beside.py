"""mitmproxy's own options beside our rules: who wins."""

from __future__ import annotations

import time

from addons.bypass.beside import MAX_PATTERNS, Beside, bounded, mitmproxys, warnings


def test_ignore_hosts_passes_what_our_rules_inspect() -> None:
    found = Beside(ignore_hosts=(r"^(.+\.)?bank\.example:443$",))
    assert "ignore_hosts" in (mitmproxys(found, ["www.bank.example"], 443) or "")
    assert "ignore_hosts" in (mitmproxys(found, ["1.2.3.4", "BANK.example"], 443) or "")
    assert mitmproxys(found, ["bank.example"], 8443) is None
    assert mitmproxys(found, ["shop.example"], 443) is None


def test_what_allow_hosts_does_not_name_passes() -> None:
    found = Beside(allow_hosts=("shop",))
    assert mitmproxys(found, ["shop.example"], 443) is None
    assert "allow_hosts" in (mitmproxys(found, ["bank.example"], 443) or "")


def test_a_pattern_that_would_stop_a_backtracking_engine_takes_no_time() -> None:
    found = Beside(ignore_hosts=("^(a|a)*$", "((?:[a-z]+)-?)+[.]cdn"))
    began = time.process_time()
    assert mitmproxys(found, ["a" * 250 + "!"], 443) is None
    assert time.process_time() - began < 5  # by backtracking, years


def test_patterns_that_only_mitmproxy_can_read_are_no_trouble() -> None:
    assert mitmproxys(Beside(ignore_hosts=("(?!x)y", "(")), ["y.example"], 443) is None


def test_what_was_cut_is_not_told_as_if_it_were_known() -> None:
    many = Beside(allow_hosts=tuple(f"h{n}" for n in range(MAX_PATTERNS + 1)))
    kept = bounded(many)
    assert len(kept.allow_hosts) == MAX_PATTERNS
    assert "too many" in (mitmproxys(kept, ["bank.example"], 443) or "")


def test_each_option_that_decides_beside_us_is_one_line() -> None:
    assert list(warnings(Beside())) == []
    found = Beside(("a",), ("b",), ("c",), ("d",), "lazy", ("regular", "upstream:http://x:1"))
    told = list(warnings(found))
    names = ("allow_hosts", "ignore_hosts", "tcp_hosts", "udp_hosts", "lazy", "upstream")
    assert len(told) == len(names)
    for name, line in zip(names, told, strict=True):
        assert name in line
        assert "\n" not in line
