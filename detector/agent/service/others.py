"""What `tlsight agent service` shows beside the units of systemd: files of each kind, and where each belongs."""

from __future__ import annotations

# Where each belongs, below / or below the folder that it is written to, by its name in this package. What is named
# below a drive or a folder of another system was never run there: each file says so itself.
OTHERS: dict[str, dict[str, str]] = {
    "settings": {"agent.toml": "etc/tlsight/agent.toml"},
    "launchd": {
        "org.tlsight.agent.plist": "Library/LaunchDaemons/org.tlsight.agent.plist",
        "org.tlsight.agent.user.plist": "Library/LaunchAgents/org.tlsight.agent.user.plist",
    },
    "windows": {"install-service.ps1": "install-service.ps1"},
    "docker": {"Dockerfile": "Dockerfile", "compose.yaml": "compose.yaml"},
    "intune": {
        "install.ps1": "install.ps1",
        "uninstall.ps1": "uninstall.ps1",
        "detect.ps1": "detect.ps1",
        "remediation-detect.ps1": "remediation-detect.ps1",
        "remediation-repair.ps1": "remediation-repair.ps1",
    },
    "ansible": {
        "playbook.yml": "playbook.yml",
        "defaults.yml": "roles/tlsight_agent/defaults/main.yml",
        "tasks.yml": "roles/tlsight_agent/tasks/main.yml",
        "handlers.yml": "roles/tlsight_agent/handlers/main.yml",
        "argument_specs.yml": "roles/tlsight_agent/meta/argument_specs.yml",
    },
}
