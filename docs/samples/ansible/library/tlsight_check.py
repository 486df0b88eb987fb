#!/usr/bin/python
"""Ansible module: who answers for a host, as the managed machine sees it. Needs tlsight there, and changes nothing."""

from __future__ import annotations

import json

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: tlsight_check
short_description: Say who answers on a TLS connection from this machine
description:
  - Runs C(tlsight check) on the managed machine. It fails where the verdict is as bad as I(fail_on) or worse, and
    where nobody could be asked. It never changes anything, so it runs in check mode too.
options:
  hosts:
    description: Hosts to ask, as host, host:port or URL.
    type: list
    elements: str
    required: true
  fail_on:
    description: First verdict that fails the task.
    type: str
    choices: [private, consistent, suspect, intercepted]
    default: suspect
  allow_sanctioned:
    description: Interceptors that the policy allows do not fail the task.
    type: bool
    default: false
  allow_inconclusive:
    description: Hosts that nobody could ask do not fail the task.
    type: bool
    default: false
  options:
    description: More words of the command, for example C(--policy) and a file.
    type: list
    elements: str
    default: []
  executable:
    description: The command.
    type: str
    default: tlsight
"""

RETURN = """
verdicts:
  description: Verdict by host and port.
  returned: when the command ran
  type: dict
results:
  description: What tlsight check --json prints, one object a host.
  returned: when the command ran
  type: list
"""

FOUND, INCONCLUSIVE = 1, 3


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "hosts": {"type": "list", "elements": "str", "required": True},
            "fail_on": {
                "type": "str",
                "choices": ["private", "consistent", "suspect", "intercepted"],
                "default": "suspect",
            },
            "allow_sanctioned": {"type": "bool", "default": False},
            "allow_inconclusive": {"type": "bool", "default": False},
            "options": {"type": "list", "elements": "str", "default": []},
            "executable": {"type": "str", "default": "tlsight"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    command = [asked["executable"], "check", "--json", "--fail-on", asked["fail_on"]]
    if asked["allow_sanctioned"]:
        command.append("--allow-sanctioned")
    # What a playbook's variable holds is a host, whatever it looks like.
    code, out, err = module.run_command([*command, *asked["options"], "--", *asked["hosts"]])
    try:
        results = [json.loads(line) for line in out.splitlines()]
    except ValueError:
        module.fail_json(msg="tlsight printed no JSON", rc=code, stderr=err)
    found = {f"{one['target']['host']}:{one['target']['port']}": one for one in results}
    told = {
        "changed": False,
        "rc": code,
        "results": results,
        "verdicts": {name: one["verdict"] for name, one in found.items()},
    }
    if code in (0, FOUND, INCONCLUSIVE) and len(results) == len(asked["hosts"]):
        if code == 0 or (code == INCONCLUSIVE and asked["allow_inconclusive"]):
            module.exit_json(**told)
        worst = [f"{name} {one['summary']}" for name, one in found.items() if bad(one, asked)]
        module.fail_json(msg="; ".join(worst), **told)
    module.fail_json(msg=err.strip() or f"tlsight ended with {code}", **told)


def bad(one: dict, asked: dict) -> bool:
    """Whether a result is to be named among those that failed the task."""
    order = ("direct", "private", "consistent", "suspect", "intercepted")
    if one["verdict"] not in order:
        return not asked["allow_inconclusive"]
    if one["sanctioned"] and asked["allow_sanctioned"]:
        return False
    return order.index(one["verdict"]) >= order.index(asked["fail_on"])


if __name__ == "__main__":
    main()
