"""mitmproxy's ignore_hosts: a list of regular expressions, searched for in "host:port".

Source: docs.mitmproxy.org, "Ignoring Domains"; addons/next_layer.py. Any match ignores, so a rule that inspects
becomes a negative lookahead in every rule that is wider than it. Lists of more than some hundred slow the whole
proxy down; the addon of tlsight does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from addons.bypass.reach import in_force
from addons.bypass.rule import Rule, RuleRow, rule_of
from addons.formats.exported import Exported, Imported, Refused, Unread, why_not
from detector.errors import TargetError

_ONE = re.compile(
    r"\^(?P<below>\((?:\?:)?\.\+\\\.\)\?)?(?P<name>(?:[\w-]|\\-|\\\.)+):(?P<port>\d{1,5}|\\d\+)\$"
)
_KEY = re.compile(r"""\s*["']?(?P<name>[A-Za-z]\w*)["']?\s*:(?=\s|$)""")
_FLOW = re.compile(r"\[(?P<entries>.*)\](?:\s+#.*)?")
_QUOTED = re.compile(r"""'(?P<single>(?:[^']|'')*)'|"(?P<double>(?:[^"\\]|\\.)*)\"""")
# Why an entry of an option becomes no rule. Lists that are not of hosts are nobody's loss.
_NO_RULE = {
    "ignore_hosts": "not one name, nor a name with all below it, anchored at both ends",
    "allow_hosts": "the inverse: mitmproxy decrypts these alone, and lets all others through",
    "tcp_hosts": "mitmproxy decrypts these too; only what is in them is not read as HTTP",
    "udp_hosts": "mitmproxy decrypts these too; only what is in them is not read as HTTP",
}


def export(rules: Iterable[Rule], today: date) -> Exported:
    """Lines for config.yaml."""
    refused: list[Refused] = []
    before: list[str] = []  # what more specific rules inspect
    lines: list[str] = []
    for rule in in_force(rules, today):
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
    """The entries of ignore_hosts that say one name, or a name and all below it.

    Those that say something else are left out, with their line; so are those of its sisters, which let nothing
    through. Of other options nothing is said. A file without any option is taken for a list of ignore_hosts.
    """
    rows: list[RuleRow] = []
    unread: list[Unread] = []
    for number, option, written in _entries(text):
        row = _meaning(written) if option == "ignore_hosts" else None
        if row is not None:
            rows.append(row)
        elif option in _NO_RULE:
            unread.append(Unread(number, written[:100], _NO_RULE[option]))
    return Imported(tuple(rows), tuple(unread))


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


def _meaning(written: str) -> RuleRow | None:
    found = _ONE.fullmatch(written)
    if found is None:
        return None
    name = found["name"].replace("\\.", ".").replace("\\-", "-")
    port = int(found["port"]) if found["port"].isdigit() else None
    row = RuleRow(**{"suffix" if found["below"] else "host": name}, port=port)  # type: ignore[arg-type]
    try:
        rule_of(row)
    except (ValueError, TargetError):
        return None
    return row


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
