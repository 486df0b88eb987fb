"""mitmproxy's ignore_hosts: a list of regular expressions, searched for in "host:port".

Source: docs.mitmproxy.org, "Ignoring Domains"; addons/next_layer.py. Any match ignores, so a rule that inspects
becomes a negative lookahead in every rule that is wider than it. Lists of more than some hundred slow the whole
proxy down; the addon of tlsight does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from addons.bypass.expression import has_alternatives, plain
from addons.bypass.place import regex_and_ports
from addons.bypass.reach import in_force
from addons.bypass.rule import Rule, RuleRow, rule_of, settled
from addons.formats.exported import Entry, Exported, Imported, Refused, Unread, why_not
from detector.chain.names import as_address
from detector.errors import TargetError

# A name and all below it, in the ways that people write it.
_DOT = r"(?:\\\.|\[\.\])"
_BELOW = re.compile(rf"\^?\((?:\?:)?(?:\.[+*]{_DOT}\)[?*]|\[\^\.:?\][+*]{_DOT}\)\*)")
_ONE_OR_NONE = re.compile(rf"\^\((?:\?:)?\[\^\.:?\][+*]{_DOT}\)\?")
_ONE_MORE = re.compile(rf"\^(?:\[\^\.:?\]|\\w|\[\\w-\])\+{_DOT}")
_NAME = re.compile(r"(?:[\w-]|\\-|\\\.|\[\.\])+")
_RANGE = re.compile(r"(?P<bytes>(?:\d{1,3}(?:\\\.|\[\.\])){1,3})\.[*+]")
_KEY = re.compile(r"""\s*["']?(?P<name>[A-Za-z]\w*)["']?\s*:(?=\s|$)""")
_FLOW = re.compile(r"\[(?P<entries>.*)\](?:\s+#.*)?")
_QUOTED = re.compile(r"""'(?P<single>(?:[^']|'')*)'|"(?P<double>(?:[^"\\]|\\.)*)\"""")
# Why an entry of an option becomes no rule. Lists that are not of hosts are nobody's loss.
_NO_RULE = {
    "allow_hosts": "the inverse: mitmproxy decrypts these alone, and lets all others through",
    "tcp_hosts": "mitmproxy decrypts these too; only what is in them is not read as HTTP",
    "udp_hosts": "mitmproxy decrypts these too; only what is in them is not read as HTTP",
}


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Lines for config.yaml."""
    refused: list[Refused] = []
    before: list[str] = []  # what more specific rules inspect
    lines: list[str] = []
    for rule in in_force(rules, now):
        why = why_not(rule, ports=True)
        if why is None and rule.regex is not None and before:
            why = "a regex beside rules that inspect cannot be told apart from them"
        if why is not None:
            refused.append(Refused(rule, why))
            # What is left out here must not pass by a wider rule.
            if rule.action != "pass":
                body = _body(rule)
                if body is not None:
                    before.append(body)
            continue
        body = _body(rule)
        assert body is not None
        if rule.action == "inspect":
            before.append(body)
        else:
            except_for = "".join(f"(?!{one})" for one in before)
            lines.append(f"  - '^{except_for}{body}'")
    text = "ignore_hosts:\n" + "\n".join(lines) + "\n" if lines else "ignore_hosts: []\n"
    return Exported(text, tuple(refused))


def read(text: str, source: str) -> Imported:  # noqa: ARG001 (lines say where)
    """The entries of ignore_hosts as rules that pass: never more than the entry does, sometimes less.

    A name that is not anchored in front (example\\.com:443, also evilexample.com) becomes the name and all below
    it. What cannot be said is left out, with its line; so are the entries of its sisters, which let nothing
    through. Of other options nothing is said. A file without any option is taken for a list of ignore_hosts.
    """
    read: list[Entry] = []
    unread: list[Unread] = []
    for number, option, written in _entries(text):
        try:
            if option == "ignore_hosts":
                read += [Entry(row, number, written[:100]) for row in _meaning(written)]
            elif option in _NO_RULE:
                unread.append(Unread(number, written[:100], _NO_RULE[option]))
        except (ValueError, TargetError) as error:
            unread.append(Unread(number, written[:100], str(error)))
    return Imported(tuple(read), tuple(unread))


def patterns(text: str) -> list[str]:
    """The expressions of an export, for whoever does not want YAML."""
    return re.findall(r"^  - '(.*)'$", text, re.MULTILINE)


def _entries(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, option and value of each entry of each list in a config.yaml."""
    option = "ignore_hosts"
    for number, line in enumerate(text.splitlines(), 1):
        key = _KEY.match(line)
        if key is not None:
            option = key["name"]
        written = line[key.end() if key is not None else 0 :].strip()
        flow = _FLOW.fullmatch(written)
        if flow is not None:
            for one in flow["entries"].split(","):
                if one.strip():
                    yield number, option, _scalar(one)
        elif written and not written.startswith("#"):
            yield number, option, _scalar(written.removeprefix("- "))


def _scalar(text: str) -> str:
    """What a scalar of YAML says: quoted in one of two ways, or plain up to a comment."""
    written = text.strip()
    found = _QUOTED.match(written)
    if found is None:
        return re.split(r"\s#", written, maxsplit=1)[0].rstrip()
    if found["single"] is not None:
        return found["single"].replace("''", "'")
    return re.sub(r'\\(["\\/])', r"\1", found["double"])


def _meaning(written: str) -> list[RuleRow]:
    """A row for each port that the entry is for. Raises ValueError, TargetError."""
    if (network := _range(plain(written))) is not None:
        row = RuleRow(cidr=network)
        rule_of(row)
        return [row]
    if (fault := _never(written)) is not None:
        raise ValueError(fault)
    head, ports = regex_and_ports(written)
    found = [
        msgspec.structs.replace(settled(row), port=port)
        for row in _rows(head, anchored=written.startswith("^"))
        for port in ports or (None,)
    ]
    for one in found:
        rule_of(one)
    return found


def _rows(head: str, *, anchored: bool) -> list[RuleRow]:
    """What stands before the port, without its anchor, as mitmproxy searches for it."""
    if head.endswith((r"\.", "[.]")):
        raise ValueError("ends in a dot, and names are asked without")
    if head in (".*", ".+") or (not head and not anchored):
        return [RuleRow(host="*")]
    if _NAME.fullmatch(head):
        name = _unescaped(head)
        if anchored or as_address(name) is not None:
            return [RuleRow(host=name)]
        if name.startswith("."):  # what is below the name, without the name itself
            return [RuleRow(regex=f".*{head}")]
        return [RuleRow(suffix=name)]
    whole = f"^{head}" if anchored else head
    for kinds, form in (
        (("suffix",), _BELOW), (("host", "wildcard"), _ONE_OR_NONE), (("wildcard",), _ONE_MORE),
    ):  # fmt: skip
        found = form.match(whole)
        if found is not None and _NAME.fullmatch(whole, found.end()):
            name = _unescaped(whole[found.end() :])
            return [RuleRow(**{kind: name}) for kind in kinds]  # type: ignore[arg-type]
    if not anchored and not head.startswith((".*", ".+")):
        raise ValueError("open in front, other names end like it: write ^ before it")
    return [RuleRow(regex=head)]


def _range(head: str) -> str | None:
    """The network that the first bytes of an address are."""
    found = _RANGE.fullmatch(head)
    if found is None:
        return None
    given = _unescaped(found["bytes"]).rstrip(".").split(".")
    return f"{'.'.join([*given, *['0'] * (4 - len(given))])}/{8 * len(given)}"


def _never(written: str) -> str | None:
    """Why mitmproxy itself never finds it, or finds more than it seems to say."""
    if has_alternatives(written):
        return (
            "several alternatives, and only one has the anchor or the port: write a line for each"
        )
    head, ports = regex_and_ports(written)
    if ports is not None or (head.endswith((".*", ".+")) and not written.endswith("$")):
        return None
    if written.endswith("$"):
        return r"never matches: mitmproxy asks host:port, so nothing ends where $ says; write :\d+$"
    return r"open at its end, other names go on there: write :443$ or :\d+$ behind it"


def _unescaped(name: str) -> str:
    return name.replace("[.]", ".").replace("\\", "")


def _body(rule: Rule) -> str | None:
    """An expression from the start of "host:port" to its end, without the anchor in front."""
    port = rf":{rule.port}$" if rule.port is not None else r":\d+$"
    if rule.host is not None:
        return re.escape(rule.host) + port
    if rule.suffix is not None:
        return rf"(?:.+\.)?{re.escape(rule.suffix)}{port}"
    if rule.wildcard is not None:
        return rf"[^.:]+\.{re.escape(rule.wildcard)}{port}"
    if rule.regex is not None:
        return f"(?:{rule.regex}){port}".replace("'", "''")
    return None
