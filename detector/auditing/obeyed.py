"""Whether a setting's value is one with which a row of data/programs/ has its effect."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2


def obeys(when: str, value: str) -> bool:
    """`when` is a regular expression for the whole value, letters of any case; "" is any value."""
    return not when or _compiled(when).fullmatch(value.strip()) is not None


@lru_cache(maxsize=512)
def _compiled(when: str) -> Any:
    """In linear time: values are what an image's files say."""
    return re2.compile(f"(?is:{when})")
