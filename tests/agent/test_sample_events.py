"""The events that all these tests tell of are what they say."""

from __future__ import annotations

from tests.agent.sample_events import finding


def test_the_sample_is_an_interception_with_its_product() -> None:
    check = finding(1).check
    assert check is not None
    assert check.verdict == "intercepted"
    assert check.interceptor is not None
    assert check.interceptor.product
