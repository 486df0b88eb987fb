"""What msgspec raises for bytes that are not the JSON that was asked for; nested too deep is one way of it."""

from __future__ import annotations

import msgspec

NO_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
