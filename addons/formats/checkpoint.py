"""Check Point: domain objects and custom sites of a bypass rule: mgmt_cli commands, or the API's JSON.

Source: Check Point Management API, "add dns-domain": names begin with a dot; is-sub-domain says whether the names below
it belong to it. "add application-site": `url-list`, which `urls-defined-as-regular-expression` makes regexes;
SmartConsole help, "Custom Application or Site": "*.x" is all that ends in ".x"; "x" is read as that host alone.
"show https-rulebase": where it is in the file, only what a rule with the action Bypass names is read, by the first rule
that names it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime
from itertools import batched
from typing import Any

from addons.bypass.rule import Rule
from addons.formats import shapes
from addons.formats.exported import Exported, Imported, Speech, name_list
from addons.formats.gathered import Found, Gathered, Pattern
from addons.formats.json_lines import Lines, loaded, objects, texts
from addons.formats.remark import fields, remark
from addons.formats.spelling import Grammar, meaning, network
from detector.errors import ConfigError

MAX_LINES = 1_000_000
MAX_OBJECTS = 200_000
_AT_ONCE = 50
_SPEECH = Speech(
    host=lambda name: [f'mgmt_cli add dns-domain name ".{name}" is-sub-domain false'],
    suffix=lambda name: [f'mgmt_cli add dns-domain name ".{name}" is-sub-domain true'],
    wildcard="a domain object is one name, or all names below it",
)
_SITE = Grammar("host", "below", "below", https=None)
_DOMAIN = Grammar("host", "host", "a star is no pattern of a domain object", scheme=False)
_TYPES = ("dns-domain", "application-site", "host", "network", "address-range")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Commands for mgmt_cli; the group's rule is the administrator's."""
    said, refused = name_list(rules, now, _SPEECH)
    commands: dict[str, tuple[bool, str]] = {}
    for rule, (command,) in said:
        name = command.split('"')[1]
        below = rule.suffix is not None
        if name not in commands or (below and not commands[name][0]):
            commands[name] = below, command + _comments(rule)
    lines = ["mgmt_cli add group name tlsight"] if commands else []
    lines += [command for _, command in commands.values()]
    for some in batched(commands, _AT_ONCE):
        members = " ".join(f'members.add.{n} "{name}"' for n, name in enumerate(some, 1))
        lines.append(f"mgmt_cli set group name tlsight {members}")
    return Exported("".join(f"{line}\n" for line in lines), refused)


def _comments(rule: Rule) -> str:
    about = remark(rule)
    return f' comments "{about.replace("$", " ").replace("!", " ")}"' if about else ""


def read(text: str, source: str) -> Imported:
    """Raises ConfigError for JSON that is none."""
    gathered = Gathered()
    if text.lstrip("\ufeff \n\r\t")[:1] in ("{", "["):
        _json(gathered, *loaded(text, source))
        return gathered.done()
    for number, line in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError(source, f"has more than {MAX_LINES} lines")
        if line.strip() and not line.lstrip().startswith("#"):
            _command(gathered, number, line.strip())
    return gathered.done()


def _command(gathered: Gathered, number: int, line: str) -> None:
    try:
        words = shlex.split(line[:4000])
    except ValueError as error:
        gathered.unread(number, line, f"is no command: {error}")
        return
    words = words[1:] if words[:1] == ["mgmt_cli"] else words
    if words[:2] in (["add", "group"], ["set", "group"]) or words[:1] in (
        ["publish"],
        ["login"],
        ["logout"],
    ):
        return  # names what other lines say
    if words[:1] not in (["add"], ["set"]) or len(words) < 2 or words[1] not in _TYPES:
        gathered.unread(number, line, "is no command that adds a domain, a site or an address")
        return
    told: dict[str, Any] = dict(zip(words[2::2], words[3::2], strict=False))
    told["type"] = words[1]
    told["url-list"] = [value for key, value in told.items() if key.split(".")[0] == "url-list"]
    for key in ("is-sub-domain", "urls-defined-as-regular-expression"):
        told[key] = str(told.get(key)).lower() == "true"
    _object(gathered, told, number, None)


def _json(gathered: Gathered, data: object, at: Lines) -> None:
    every = _every(data)
    rules = [one for one in every if one.get("type") == "https-rule"]
    found = {id(one): one for one in every if one.get("type") in _TYPES}
    bypassed = _bypassed(gathered, rules, at) if rules else None
    groups = {
        str(one.get(key)): one
        for one in every
        if one.get("type") == "group"
        for key in ("uid", "name")
    }
    asked = None if bypassed is None else _with_members(bypassed, groups)
    seen: set[str] = set()
    for one in found.values():
        uid = str(one.get("uid", id(one)))
        if uid in seen:
            continue
        seen.add(uid)
        name = str(one.get("name", ""))
        why = "no rule that bypasses names it"
        kept = asked is not None and not {uid, name} & asked
        _object(gathered, one, at.of(name), why if kept else None)


def _every(data: object) -> list[dict[str, Any]]:
    """Objects at any depth, in their order."""
    found: list[dict[str, Any]] = []
    waiting: list[object] = [data]
    while waiting and len(found) < MAX_OBJECTS:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            found.append(value)
            waiting += reversed(list(value.values()))
    return found


def _bypassed(gathered: Gathered, rules: list[dict[str, Any]], at: Lines) -> set[str]:
    """What the first rule that names it bypasses, by name and uid."""
    decided: dict[str, bool] = {}
    for rule in rules:
        if rule.get("enabled") is False:
            continue
        name = str(rule.get("name", ""))
        action = rule.get("action")
        action = str(action.get("name", "")) if isinstance(action, dict) else str(action)
        passes = action.lower() == "bypass"
        conditions = {
            key: _named(rule.get(key))
            for key in ("source", "destination", "site-category", "service", "blade")
        }
        asked = conditions["destination"] + conditions["site-category"]
        if passes and (
            conditions["source"] or (conditions["destination"] and conditions["site-category"])
        ):
            gathered.unread(at.of(name), name, "a rule with several conditions at once")
            passes = False
        if passes and not asked:
            gathered.unread(at.of(name), name, "a rule for any site: that is every host")
        for one in asked:
            decided.setdefault(one, passes)
    return {one for one, passes in decided.items() if passes}


def _named(value: object) -> list[str]:
    """Uids or names of a rule's column, without Any."""
    names = texts(value) + [
        str(one.get("name", one.get("uid"))) for one in objects(value) if isinstance(value, list)
    ]
    return [one for one in names if one not in ("Any", "97aeb369-9aea-11d5-bd16-0090272ccb30")]


def _with_members(names: set[str], groups: dict[str, dict[str, Any]]) -> set[str]:
    found, waiting = set(names), list(names)
    while waiting:
        group = groups.get(waiting.pop())
        for one in _named(group.get("members")) if group is not None else ():
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _object(gathered: Gathered, one: dict[str, Any], line: int, why: str | None) -> None:
    name = str(one.get("name", ""))
    comments = one.get("comments")
    about = fields(comments) if isinstance(comments, str) else {}
    entries: list[tuple[str, Found]]
    match one.get("type"):
        case "dns-domain":
            found = meaning(name, _DOMAIN)
            if not isinstance(found, str) and one.get("is-sub-domain") is True:
                found = [
                    Pattern("suffix", each.value) for each in found if each.kind == "host"
                ] or "is no name"
            entries = [(name, found)]
        case "application-site":
            regex = one.get("urls-defined-as-regular-expression") is True
            entries = [
                (url, shapes.meaning(url, path=True) if regex else meaning(url, _SITE))
                for url in texts(one.get("url-list"))
            ]
        case _:
            entries = [(name, _addresses(one))]
    for entry, said in entries:
        gathered.add(line, entry, why if why is not None else said, **about)


def _addresses(one: dict[str, Any]) -> Found:
    """Of a host, a network or a range."""
    found: list[Pattern] = []
    for version in ("4", "6"):
        address = one.get(
            f"ipv{version}-address", one.get("ip-address") if version == "4" else None
        )
        subnet = one.get(f"subnet{version}", one.get("subnet") if version == "4" else None)
        length = one.get(
            f"mask-length{version}",
            one.get("mask-length", one.get("subnet-mask")) if version == "4" else None,
        )
        first, last = one.get(f"ipv{version}-address-first"), one.get(f"ipv{version}-address-last")
        if subnet is not None and length is not None:
            found += network(f"{subnet}/{length}") or []
        elif first is not None and last is not None:
            found += network(f"{first}-{last}") or []
        elif address is not None:
            found += network(str(address)) or []
    return found or "is no address"
