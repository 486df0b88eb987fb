"""Whatever bytes say, decoding them raises what callers expect."""

from __future__ import annotations

import msgspec
import pytest

from detector.model.no_json import NO_JSON


class _Row(msgspec.Struct):
    known: int = 0


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"known":"x"}', b'"\xff"', b'{"x":' * 100_000, b'{"x":' + b"[" * 100_000]
)
def test_bytes_that_are_none_of_ours_raise_one_of_three(data: bytes) -> None:
    with pytest.raises(NO_JSON):
        msgspec.json.decode(data, type=_Row)
