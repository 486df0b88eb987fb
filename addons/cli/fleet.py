"""`tlsight fleet`: many agents, one place that they tell. Each part's verbs are in a file of their own."""

from __future__ import annotations

import importlib

from detector.cli.options import Verbs

_TEXT = """
A fleet of endpoint agents: what they see of interception comes to one place, and lists and questions go out to them.

  tlsight fleet serve --listen 0.0.0.0:4222 --name fleet.example
  tlsight fleet token --out laptop.token
  tlsight agent enrol laptop.token         (there)
"""
# One a line; each has register(app).
_PARTS = (
    "addons.cli.fleet_serving",
    "addons.cli.fleet_agents",
    "addons.cli.fleet_lists",
    "addons.cli.fleet_findings",
    "addons.cli.fleet_page",
)
app = Verbs(no_args_is_help=True, help=_TEXT)


@app.itself()
def _fleet() -> None:
    """Keep it a tree of verbs, however few there are."""


for _part in _PARTS:
    importlib.import_module(_part).register(app)
