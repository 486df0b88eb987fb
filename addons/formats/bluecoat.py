"""Blue Coat ProxySG: an SSL-Intercept layer of CPL; the first rule that holds decides.

Source: Symantec, "Content Policy Language Reference": url.host.exact, url.domain, url.host.regex,
ssl.forward_proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats.exported import Exported, Speech
from addons.formats.ordered import decisions

_SPEECH = Speech(
    host=lambda name: [f"url.host.exact={name}"],
    suffix=lambda name: [f"url.domain={name}"],
    wildcard=lambda name: [rf'url.host.regex="^[^.]+\.{re.escape(name)}$"'],
)
_WORDS = {"pass": "no", "inspect": "https"}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    said, refused = decisions(rules, now, _SPEECH)
    lines = ["<SSL-Intercept>"]
    lines += [f"    {one} ssl.forward_proxy({_WORDS[a]})" for a, entries in said for one in entries]
    return Exported("\n".join([*lines, "    ssl.forward_proxy(https)"]) + "\n", refused)
