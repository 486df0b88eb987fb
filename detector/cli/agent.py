"""`tlsight agent`: what a machine runs unattended. Its verbs are one module each, registered at the end."""

from __future__ import annotations

import importlib

from detector.cli.options import Verbs

_TEXT = """
Check unattended, again and again, and tell only what is found and what changes.

Examples

  tlsight agent run            what a service starts: stays in the foreground, quiet
  tlsight agent once           one run, delivered; exit code as of check
  tlsight agent status
  tlsight agent events -n 20

Settings: /etc/tlsight/agent.toml, else agent.toml in the XDG config folder, else --config.
"""

app = Verbs(help=_TEXT, no_args_is_help=True)

# Each has `register(app)`. One a line.
_VERBS = (
    "detector.cli.agent_run",
    "detector.cli.agent_status",
    "detector.cli.agent_service",
    "detector.cli.agent_exporter",
    "detector.cli.agent_nagios",
    "detector.cli.agent_enrol",
)

for _verb in _VERBS:
    importlib.import_module(_verb).register(app)
