"""The lines by which a policy would allow an interceptor: to be pasted by whoever answers for the policy.

Nothing is allowed by a page: a policy that agents have is a file with an owner and a history.
"""

from __future__ import annotations

import base64
from datetime import date, timedelta

import tomlkit

from addons.bypass.shown import shown, shown_toml
from addons.fleet.query_rows import Who
from detector.model.targets import split_port

_DAYS = 365


def policy_lines(who: Who, hosts: list[str], today: date) -> str | None:
    """TOML for a [[sanctioned]] row that allows what was seen and no more; None without a CA key, which it goes by.

    Args:
        who: the interceptor.
        hosts: host:port on which it was seen.
        today: the row ends a year later.

    """
    try:
        key = bytes.fromhex(who.spki)
    except ValueError:
        return None
    if len(key) != 32:
        return None
    names = sorted({split_port(host)[0].strip("[]") for host in hosts})
    table = tomlkit.table()
    table["name"] = shown(who.name)
    table["spki"] = f"sha256//{base64.b64encode(key).decode()}"
    table["owner"] = "WHO ANSWERS FOR IT"
    decrypt = tomlkit.array()
    decrypt.extend(shown(name) for name in names)
    table["decrypt"] = decrypt.multiline(multiline=True)
    table["decrypt"].comment('seen so far; ["*"] for every host')
    table["expires"] = today + timedelta(days=_DAYS)
    rows = tomlkit.aot()
    rows.append(table)
    document = tomlkit.document()
    document["sanctioned"] = rows
    return shown_toml(tomlkit.dumps(document))
