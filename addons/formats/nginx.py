"""nginx: a map of $ssl_preread_server_name for a stream block.

Source: nginx.org, ngx_stream_map_module: whole names first, without regard to case, then the first regular
expression that holds, in the order of the file. That is the order of the rules, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from addons.bypass.rule import Rule
from addons.formats import nginx_conf
from addons.formats.exported import Exported, Imported, ReadOptions, Speech
from addons.formats.ordered import decisions

_SPEECH = Speech(
    host=lambda name: [name],
    suffix=lambda name: [rf"~*^(?:.+\.)?{re.escape(name)}$"],
    wildcard=lambda name: [rf"~*^[^.]+\.{re.escape(name)}$"],
)


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """A map to tlsight_pass or tlsight_inspect, which are upstreams of the administrator's."""
    said, refused = decisions(rules, now, _SPEECH)
    there: set[str] = set()
    lines = ["map $ssl_preread_server_name $tlsight_way {", "    default tlsight_inspect;"]
    for action, names in said:
        for name in names:
            if name not in there:  # nginx refuses a name that is there twice; the first one decides
                there.add(name)
                lines.append(f'    "{name}" tlsight_{action};')
    return Exported("\n".join([*lines, "}"]) + "\n", refused)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """nginx.conf, or one of its maps. Raises ConfigError beyond the bounds of nginx_conf.py."""
    return nginx_conf.read(text, source, options)
