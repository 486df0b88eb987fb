"""mitmproxy's ignore_hosts: a list of regular expressions, searched for in "host:port".

Source: docs.mitmproxy.org, "Ignoring Domains"; addons/next_layer.py. Any match ignores, so a rule that inspects
becomes a negative lookahead in every rule that it is an exception from, and in no other. Lists of more than some
hundred slow the whole proxy down; the addon of tlsight does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from addons.bypass.expression import has_alternatives, plain
from addons.bypass.place import regex_and_ports
from addons.bypass.reach import covers, in_force, overlap
from addons.bypass.rule import Rule, RuleRow, rule_of, settled
from addons.formats.about import about
from addons.formats.exceptions import Exceptions
from addons.formats.exported import Exported, Imported, Refused, Unread, why_not
from addons.formats.mitmproxy_options import NO_RULE, options
from addons.formats.settling import MOST_TEXT, Line, Named, settle
from detector.chain.names import as_address
from detector.errors import TargetError

# A name and all below it, in the ways that people write it.
_DOT = r"(?:\\\.|\[\.\])"
_BELOW = re.compile(rf"\^?\((?:\?:)?(?:\.[+*]{_DOT}\)[?*]|\[\^\.:?\][+*]{_DOT}\)\*)")
_ONE_OR_NONE = re.compile(rf"\^\((?:\?:)?\[\^\.:?\][+*]{_DOT}\)\?")
_ONE_MORE = re.compile(rf"\^(?:\[\^\.:?\]|\\w|\[\\w-\])\+{_DOT}")
# A dot that nobody escaped is any character, and a dot too.
_NAME = re.compile(r"(?:[\w-]|\\-|\\\.|\[\.\]|\.(?=[\w-]))+")
_RANGE = re.compile(r"(?P<bytes>(?:\d{1,3}(?:\\\.|\[\.\]|\.)){1,3})(?:\.[*+]|(?<=[.\]]))")
# The end of a name that is open: a label behind a dot.
_OPEN_END = re.compile(r"(?:\\\.|\[\.\]|\.)[A-Za-z][A-Za-z0-9-]*\)?\Z")
# A port that may be there: mitmproxy always asks with one, so it is there.
_MAYBE_PORT = re.compile(r"\((?:\?:)?(?P<port>:\d{1,5})\)\?(?P<end>\$?)\Z")
# A colon at the end: the name ends there, whatever its port.
_ANY_PORT = re.compile(r"[\w)\]*+?-]:\Z")
# Digits without a letter, which are in addresses alone.
_NUMBERS = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*")
_LAST_PORT = 65535
# What is kept back by a lookahead at the beginning, and the shapes that mean a rule and no more or less than it.
_SPARED = re.compile(r"\^\(\?!(?P<body>(?:\\.|\[[^\[\]]*\]|\([^()]*\)|[^()\[\]\\|])*)\)")
_END = r"(?P<name>(?:[\w-]|\\-|\\\.|\[\.\])+):(?:(?P<port>\d{1,5})|\\d\+)\$"
_EXACT_HOST = re.compile(_END)
_EXACT_SUFFIX = re.compile(rf"\((?:\?:)?\.[+*]{_DOT}\)\?{_END}")
_EXACT_WILDCARD = re.compile(rf"\[\^\.:?\]\+{_DOT}{_END}")


def export(rules: Iterable[Rule], now: datetime) -> Exported:
    """Lines for config.yaml."""
    refused: list[Refused] = []
    before = Exceptions()  # more specific ones that do not pass
    entries: list[str] = []
    for rule in in_force(rules, now):
        why = why_not(rule, ports=True)
        if rule.action != "pass":
            # What is left out here must not pass by a wider rule.
            before.add(rule)
        else:
            met = [one for one in before.meeting(rule) if overlap(one, rule)]
            if why is None and any(covers(one, rule) for one in met):
                continue  # it decides nothing
            why = why or _kept_back(rule, met)
        if why is not None:
            refused.append(Refused(rule, why))
        elif rule.action == "pass":
            except_for = "".join(f"(?!{one})" for one in dict.fromkeys(map(_body, met)))
            expression = f"^{except_for}{_body(rule)}".replace("'", "''")
            entries.append(f"  - '{expression}'{_about(rule)}")
    text = "ignore_hosts:\n" + "\n".join(entries) + "\n" if entries else "ignore_hosts: []\n"
    return Exported(text, tuple(refused))


def read(text: str, source: str) -> Imported:
    """The entries of ignore_hosts as rules that pass: never more than the entry does, sometimes less.

    A name that is open in front (example\\.com:443, also evilexample.com) becomes the name and all below it, one
    that is open behind (example\\.com, also example.com.evil) ends there. What cannot be said is left out, with its
    line; so are the entries of its sisters, which let nothing through. Of other options nothing is said. A file
    without any option is taken for a list of ignore_hosts. Raises ConfigError for YAML that is none.
    """
    unread: list[Unread] = []
    lines: list[Line] = []
    narrowed: list[int] = []
    for one in options(text, source):
        written = one.value[:MOST_TEXT]
        try:
            if one.fault:
                unread.append(Unread(one.line, written, one.fault))
            elif one.option == "ignore_hosts":
                # Letters of any case are what mitmproxy looks for anyway.
                but, rest = _apart(one.value.removeprefix("(?i)"))
                named = tuple(Named(row, one.line, written) for row in _meaning(rest))
                spared = tuple(Named(row, one.line, written) for row in but)
                lines.append(Line("pass", named, one.line, written, spared=spared))
                if any(_goes_on(each.row.port, rest) for each in named):
                    narrowed.append(one.line)
            elif one.option in NO_RULE:
                unread.append(Unread(one.line, written, NO_RULE[one.option]))
        except (ValueError, TargetError) as error:
            unread.append(Unread(one.line, written, str(error)))
    # Any entry ignores: what one spares another may name, which is asked first here.
    found = settle(sorted(lines, key=lambda line: bool(line.spared)), unread)
    if not narrowed:
        return found
    at = ", ".join(map(str, narrowed[:20])) + (", ..." if len(narrowed) > 20 else "")
    note = f"a port without $ behind it also finds longer ones (:443 finds 4430); read as that port alone, line {at}"
    return replace(found, notes=(*found.notes, note))


def patterns(text: str) -> list[str]:
    """The expressions of an export, for whoever does not want YAML."""
    return [
        one.replace("''", "'") for one in re.findall(r"^  - '((?:[^']|'')*)'", text, re.MULTILINE)
    ]


def _apart(written: str) -> tuple[list[RuleRow], str]:
    """What the lookaheads in front of an expression keep back, and the expression without them. Raises ValueError."""
    rows: list[RuleRow] = []
    while (found := _SPARED.match(written)) is not None:
        if written[found.end() : found.end() + 1] in ("*", "?", "+", "{"):
            break
        body = found["body"]
        shapes = {
            "host": _EXACT_HOST.fullmatch(body),
            "suffix": _EXACT_SUFFIX.fullmatch(body),
            "wildcard": _EXACT_WILDCARD.fullmatch(body),
        }
        kind, exact = next(((k, one) for k, one in shapes.items() if one), ("", None))
        if exact is None:
            raise ValueError(f"a look ahead for {body}, which is no name up to its port")
        port = int(exact["port"]) if exact["port"] else None
        rows.append(RuleRow(**{kind: _unescaped(exact["name"])}, port=port))  # type: ignore[arg-type]
        written = f"^{written[found.end() :]}"
    return rows, written


def _kept_back(rule: Rule, met: list[Rule]) -> str | None:
    """Why a rule that passes cannot stand with its exceptions."""
    for one in met:
        if rule.regex is not None:
            return "a regex beside rules that inspect cannot be told apart from them"
        if _body(one) is None or covers(replace(one, client=None, ja4=None), rule):
            return f"the list cannot say that {one.pattern} says {one.action}"
    return None


def _meaning(written: str) -> list[RuleRow]:
    """A row for each port that the entry is for. Raises ValueError, TargetError."""
    if "\\\\" in written:
        raise ValueError("finds a backslash, which no name holds: YAML in single quotes wants one")
    written = _MAYBE_PORT.sub(r"\g<port>\g<end>", written)
    if (each := _alternatives(written)) is not None:
        return [row for one in each for row in _meaning(one)]
    if _ANY_PORT.search(written):
        written = rf"{written}\d+$"
    head = plain(written)
    ends_in_a_dot = written.endswith(("\\.$", "].$", "[.]$"))
    if not ends_in_a_dot and (network := _range(head)) is not None:
        row = RuleRow(cidr=network)
        rule_of(row)
        return [row]
    if (fault := _never(written)) is not None:
        raise ValueError(fault)
    head, ports = regex_and_ports(written)
    for port in ports or ():
        if port < 10 and _goes_on(port, written):  # hardly that port
            raise ValueError(
                f"finds every port that begins with {port}: write :{port}$ or a whole port"
            )
    found = [
        msgspec.structs.replace(settled(row), port=port)
        for row in _rows(head, anchored=written.startswith("^"))
        for port in ports or (None,)
    ]
    for one in found:
        rule_of(one)
    return found


def _alternatives(written: str) -> list[str] | None:
    """Names that are looked for each, with nothing around any of them that may be meant for all."""
    each = written.split("|") if has_alternatives(written) else []
    return each if each and all(map(_NAME.fullmatch, each)) else None


def _rows(head: str, *, anchored: bool) -> list[RuleRow]:
    """What stands before the port, without its anchor, as mitmproxy searches for it."""
    if head.endswith((r"\.", "[.]")):
        raise ValueError("ends in a dot, and names are asked without")
    if head in (".*", ".+") or (not head and not anchored):
        return [RuleRow(host="*")]
    if head.endswith(")"):
        before, _, inside = head[:-1].rpartition("(")
        each = inside.removeprefix("?:").split("|")
        if len(each) > 1 and all(map(_NAME.fullmatch, each)):
            return [row for one in each for row in _rows(before + one, anchored=anchored)]
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
    if not anchored and not head.startswith((".*", ".+", "(?:.*[.])?")):
        raise ValueError("open in front, other names end like it: write ^ before it")
    if _NUMBERS.fullmatch(re.sub(r"\\[A-Za-z]", "", head)):
        raise ValueError("an expression of addresses: give them as networks")
    return [RuleRow(regex=head)]


def _range(head: str) -> str | None:
    """The network that the first bytes of an address are."""
    found = _RANGE.fullmatch(head)
    if found is None:
        return None
    given = _unescaped(found["bytes"]).rstrip(".").split(".")
    return f"{'.'.join([*given, *['0'] * (4 - len(given))])}/{8 * len(given)}"


def _goes_on(port: int | None, written: str) -> bool:
    """Whether the end of an expression also finds ports that only begin with this one."""
    return port is not None and not written.endswith("$") and port * 10 <= _LAST_PORT


def _never(written: str) -> str | None:
    """Why mitmproxy itself never finds it, or finds more than it seems to say."""
    if has_alternatives(written):
        return (
            "several alternatives, and only one has the anchor or the port: write a line for each"
        )
    head, ports = regex_and_ports(written)
    if ports is not None or (head.endswith((".*", ".+")) and not written.endswith("$")):
        return None
    if not written.endswith("$") and (_OPEN_END.search(head) or as_address(_unescaped(head))):
        return None
    if written.endswith("$"):
        return r"never matches: mitmproxy asks host:port, so nothing ends where $ says; write :\d+$"
    return r"open at its end, other names go on there: write :443$ or :\d+$ behind it"


def _unescaped(name: str) -> str:
    return name.replace("[.]", ".").replace("\\", "")


def _about(rule: Rule) -> str:
    """A comment of YAML, in its line."""
    return f"  # {said}" if (said := about(rule)) else ""


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
        return f"(?:{rule.regex}){port}"
    return None
