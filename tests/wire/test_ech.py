"""ECHConfigLists as servers publish them, cut and with versions of others."""

from __future__ import annotations

import base64

import pytest

from detector.errors import WireError
from detector.wire.ech import public_names

# The list of cloudflare-ech.com's HTTPS record, its key replaced.
LIST = base64.b64decode(
    "AEX+DQBB3AAgACBxBrANNNTL+aR4vGvdCjL8bVmIvK1qkOUlAkvV5BZMxwAEAAEAAQASY2xvdWRmbGFyZS1lY2guY29tAAA="
)


def test_the_public_name_of_each_configuration_is_read() -> None:
    assert public_names(LIST) == ("cloudflare-ech.com",)
    body = LIST[2:]
    assert public_names((2 * len(body)).to_bytes(2) + 2 * body) == ("cloudflare-ech.com",) * 2


def test_versions_that_are_not_known_are_passed_over() -> None:
    other = b"\xfe\x0c\x00\x03abc"
    body = other + LIST[2:]
    assert public_names(len(body).to_bytes(2) + body) == ("cloudflare-ech.com",)
    assert public_names(b"\x00\x00") == ()


@pytest.mark.parametrize("cut", range(len(LIST)))
def test_a_list_that_was_cut_is_refused_with_the_place(cut: int) -> None:
    with pytest.raises(WireError):
        public_names(LIST[:cut])
