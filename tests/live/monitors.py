"""Monitoring systems as companies run them: Debian's Prometheus and its blackbox_exporter, and our exporter as they see it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from tests.live.programs import Program, find
from tests.live.waiting import PATIENCE

_ASK = build_opener(ProxyHandler({}))


def get(url: str, **headers: str) -> str:
    """The body of an answer of 200."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with _ASK.open(Request(url, headers=named), timeout=PATIENCE) as answer:
        return str(answer.read().decode())


class Exporter(Program):
    """`tlsight agent exporter`, with the words of its command line."""

    def __init__(self, folder: Path, *words: object) -> None:
        super().__init__(folder)
        self.words = words
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)

    def command(self) -> list[str]:
        os.environ.pop("TLSIGHT_LISTEN", None)
        listen = ("--listen", f"127.0.0.1:{self.port}")
        environment = (f"STATE_DIRECTORY={self.state}", f"XDG_CONFIG_HOME={self.folder}")
        return [
            find("env"), *environment, sys.executable, "-m", "detector", "agent", "exporter", *listen,
            *map(str, self.words),
        ]  # fmt: skip

    def probe(self, target: str, module: str = "tls", **headers: str) -> str:
        url = f"http://127.0.0.1:{self.port}/probe?target={quote(target)}&module={module}"
        return get(url, **headers)


class Agent(Program):
    """`tlsight agent run` that serves its own metrics and asks one host under a lab's root."""

    def __init__(self, folder: Path, root: Path, host: str) -> None:
        super().__init__(folder)
        self.root, self.host = root, host
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)

    def command(self) -> list[str]:
        settings = self.write(
            "agent.toml",
            f'[agent]\ncanaries = 0\ntrust = false\nhosts = ["{self.host}"]\nroots = "{self.root}"\n'
            f'[metrics]\nlisten = "127.0.0.1:{self.port}"\n',
        )
        environment = (f"STATE_DIRECTORY={self.state}", f"XDG_CONFIG_HOME={self.folder}")
        agent = (sys.executable, "-m", "detector", "agent", "run", "--config", str(settings))
        return [find("env"), *environment, *agent]


class Blackbox(Program):
    """blackbox_exporter with a module that shakes hands by TLS and trusts one root."""

    def __init__(self, folder: Path, root: Path) -> None:
        super().__init__(folder)
        self.root = root

    def command(self) -> list[str]:
        config = self.write(
            "blackbox.yml",
            "modules:\n  tls:\n    prober: tcp\n    timeout: 60s\n    tcp:\n      tls: true\n"
            f"      preferred_ip_protocol: ip4\n      tls_config:\n        ca_file: {self.root}\n",
        )
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        return [find("prometheus-blackbox-exporter"), f"--config.file={config}", listen]

    def probe(self, target: str) -> str:
        return get(f"http://127.0.0.1:{self.port}/probe?target={quote(target)}&module=tls")


class Prometheus(Program):
    """Scrapes an exporter as its documentation has people do it: the target becomes a parameter and the instance."""

    def __init__(self, folder: Path, exporter: int, *targets: str) -> None:
        super().__init__(folder)
        self.exporter, self.targets = exporter, targets

    def command(self) -> list[str]:
        where = f"127.0.0.1:{self.exporter}"
        config = self.write(
            "prometheus.yml",
            "global: {scrape_interval: 2s, scrape_timeout: 2s}\n"
            "scrape_configs:\n"
            f"- job_name: tlsight\n  static_configs: [targets: ['{where}']]\n"
            "- job_name: ssl\n  metrics_path: /probe\n  params: {module: [tls]}\n"
            f"  static_configs: [targets: {json.dumps(self.targets)}]\n"
            "  relabel_configs:\n"
            "  - {source_labels: [__address__], target_label: __param_target}\n"
            "  - {source_labels: [__param_target], target_label: instance}\n"
            f"  - {{target_label: __address__, replacement: '{where}'}}\n",
        )
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        data = f"--storage.tsdb.path={self.folder / 'data'}"
        return [find("prometheus"), f"--config.file={config}", listen, data]

    def _answers(self) -> bool:
        try:
            return super()._answers() and bool(get(f"http://127.0.0.1:{self.port}/-/ready"))
        except OSError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?query={quote(expression)}"
        answer = json.loads(get(url))
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found
