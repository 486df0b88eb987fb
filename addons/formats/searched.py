"""Regular expressions that other programs search for anywhere in a name, as rules, whose regexes match it whole.

An end that is open stays open (`.*`): the rule means what the expression means. Shapes that stand for a name, or a
name and all below it, become such rules.
"""

from __future__ import annotations

import re

from addons.bypass.expression import has_alternatives, plain
from addons.bypass.rule import RuleRow, rule_of
from detector.errors import TargetError

_DOT = r"(?:\\\.|\[\.\])"
_NAME = re.compile(rf"(?:[\w-]|\\-|{_DOT})+")
# What stands before a name, where all below it is meant too.
_BELOW = re.compile(
    rf"\((?:\?:)?\^\|{_DOT}\)|\((?:\?:)?{_DOT}\|\^\)|\^\((?:\?:)?(?:\.[+*]{_DOT}\)[?*]|\[\^\.\][+*]{_DOT}\)\*)"
)
_ONE = re.compile(rf"\^\[\^\.\][+*]{_DOT}")


def meaning(expression: str) -> RuleRow | str:
    """The row for an expression that is searched for, or why there is none."""
    if has_alternatives(expression):
        inside = expression
        if "^" in inside or "$" in inside:
            return "several alternatives with anchors of their own: write a line for each"
        return _regex(f".*(?:{inside}).*")
    ended = plain(expression) != expression.removeprefix("^")
    body = plain(expression)
    if ended:
        for shape, kind in ((_BELOW, "suffix"), (_ONE, "wildcard")):
            found = shape.match(expression)
            rest = expression[found.end() : -1] if found is not None else ""
            if rest and _NAME.fullmatch(rest):
                return RuleRow(**{kind: _unescaped(rest)})  # type: ignore[arg-type]
        if expression.startswith("^") and _NAME.fullmatch(body):
            return RuleRow(host=_unescaped(body))
    before = "" if expression.startswith("^") or body.startswith((".*", "(.*")) else ".*"
    behind = "" if ended or body.endswith(".*") else ".*"
    found = _BELOW.match(expression)
    if found is not None and not expression.startswith("^"):
        before, body = "", rf"(?:.*\.)?{body[found.end() :]}"
    return _regex(f"{before}{body}{behind}")


def _regex(text: str) -> RuleRow | str:
    row = RuleRow(regex=text)
    try:
        rule_of(row)
    except (ValueError, TargetError) as error:
        return str(error)
    if re.fullmatch(r"[.*+?()^$]*", text):
        return "any host is everything: no list of exceptions says it"
    return row


def _unescaped(name: str) -> str:
    return name.replace("[.]", ".").replace("\\", "")
