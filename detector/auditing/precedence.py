"""Which trust each tool goes by here: the precedence table over the settings that were found."""

from __future__ import annotations

from collections.abc import Iterable

from detector.auditing.model import Setting, Survey, Tool, ToolTrust


def tool_trust(tools: Iterable[Tool], survey: Survey) -> tuple[ToolTrust, ...]:
    """One row for every installed tool, in the table's order."""
    settings = {setting.key: setting for setting in reversed(survey.settings)}
    bundle = next((place.path for place in survey.places if place.kind == "os"), "none")
    return tuple(
        _row(tool, settings, bundle)
        for tool in tools
        if not tool.programs or set(tool.programs) & survey.installed
    )


def _row(tool: Tool, settings: dict[str, Setting], bundle: str) -> ToolTrust:
    adds = tuple(settings[key].value for key in tool.adds if key in settings)
    for key in tool.order:
        setting = settings.get(key)
        if setting is not None and setting.value:
            where = "" if setting.where == "environment" else f" in {setting.where}"
            return ToolTrust(tool.name, setting.value, f"{key.partition(':')[2]}{where}", adds)
    path = bundle if tool.default == "os" else tool.default
    return ToolTrust(tool.name, path, "default", adds)
