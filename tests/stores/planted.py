"""An image with settings planted in it: each row is a file, its text, and what is to be seen in which line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Planted(NamedTuple):
    """One setting.

    Attributes:
        file: below the image's root; "~" is /home/ann.
        seen: key and value.
        unsafe: whether it turns verification off.

    """

    file: str
    text: str
    seen: tuple[str, str]
    line: int
    unsafe: bool = True


_KUBE = """apiVersion: v1
clusters:
- name: prod
  cluster:
    server: https://10.0.0.1:6443
    insecure-skip-tls-verify: true
"""
PLANTED = (
    Planted("~/.kube/config", _KUBE, ("kubeconfig:clusters.cluster.insecure-skip-tls-verify", "true"), 6),
    Planted("etc/profile.d/node.sh", "# node\nexport NODE_TLS_REJECT_UNAUTHORIZED=0\n", ("env:NODE_TLS_REJECT_UNAUTHORIZED", "0"), 2),
    Planted("~/.bashrc", "alias ll='ls -l'\n\nif true; then\n  export GIT_SSL_NO_VERIFY=true  # slow\nfi\n", ("env:GIT_SSL_NO_VERIFY", "true"), 4),
    Planted("~/.zshrc", "export PIP_TRUSTED_HOST='pypi.org files.pythonhosted.org'\n", ("env:PIP_TRUSTED_HOST", "pypi.org files.pythonhosted.org"), 1),
    Planted("~/.config/fish/config.fish", "set -gx npm_config_strict_ssl false\n", ("env:npm_config_strict_ssl", "false"), 1),
    Planted("etc/environment", 'PATH="/bin"\nAZURE_CLI_DISABLE_CONNECTION_VERIFICATION=1\n', ("env:AZURE_CLI_DISABLE_CONNECTION_VERIFICATION", "1"), 2),
    Planted("root/.cshrc", "setenv UV_INSECURE_HOST pypi.org\n", ("env:UV_INSECURE_HOST", "pypi.org"), 1),
    Planted("etc/dnf/dnf.conf", "[main]\ngpgcheck=1\nsslverify=0\n", ("dnf:sslverify", "0"), 3),
    Planted("etc/yum.repos.d/corp.repo", "[corp]\nbaseurl=https://x/\nsslverify = False\n", ("dnf:sslverify", "False"), 3),
    Planted("etc/containerd/certs.d/docker.io/hosts.toml", 'server = "https://docker.io"\n\n[host."https://mirror.corp:5000"]\n  capabilities = ["pull"]\n  skip_verify = true\n', ("containerdhosts:skip_verify", "true"), 5),
    Planted("etc/containerd/config.toml", 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.configs."r.corp".tls]\ninsecure_skip_verify = true\n', ("containerd:insecure_skip_verify", "true"), 3),
    Planted("etc/docker/daemon.json", '{\n  "debug": false,\n  "insecure-registries": [\n    "registry.corp:5000"\n  ]\n}\n', ("docker:insecure-registries", "registry.corp:5000"), 4),
    Planted("etc/containers/registries.conf", 'unqualified-search-registries = ["docker.io"]\n[[registry]]\nlocation = "a"\ninsecure = false\n[[registry]]\nlocation = "b"\ninsecure = true\n', ("containers:registry.insecure", "true"), 7),
    Planted("~/.config/uv/uv.toml", 'allow-insecure-host = [\n  "pypi.corp",\n]\n', ("uv:allow-insecure-host", "pypi.corp"), 1),
    Planted("~/.npmrc", "registry=https://r/\nstrict-ssl=false\n", ("npmrc:strict-ssl", "false"), 2),
    Planted("~/.yarnrc", "# yarn\nstrict-ssl false\n", ("yarnrc:strict-ssl", "false"), 2),
    Planted("~/.yarnrc.yml", "nodeLinker: node-modules\nenableStrictSsl: false\n", ("yarnrc.yml:enableStrictSsl", "false"), 2),
    Planted("~/.config/composer/config.json", '{"config": {\n  "disable-tls": true}}\n', ("composer:config.disable-tls", "true"), 2),
    Planted("~/.gemrc", "---\n:backtrace: false\n:ssl_verify_mode: 0\n", ("gemrc::ssl_verify_mode", "0"), 3),
    Planted("~/.bundle/config", '---\nBUNDLE_SSL_VERIFY_MODE: "0"\n', ("bundle:BUNDLE_SSL_VERIFY_MODE", "0"), 2),
    Planted("~/.config/pypoetry/config.toml", "[certificates.corp]\ncert = false\n", ("poetry:certificates.NAME.cert", "false"), 2),
    Planted("~/.config/pip/pip.conf", "[global]\nindex-url = https://x/\ntrusted-host = pypi.org\n    files.pythonhosted.org\n", ("pip:global.trusted-host", "files.pythonhosted.org"), 3),
    Planted("~/.condarc", "channels:\n  - conda-forge\nssl_verify: false\n", ("condarc:ssl_verify", "false"), 3),
    Planted("~/.gitconfig", '[user]\n\tname = Ann\n[http "https://git.corp/"]\n\tsslVerify = false\n', ("git:http.sslverify", "false"), 4),
    Planted("~/.curlrc", "# quick\n-k\n", ("curlrc:insecure", ""), 2),
    Planted("~/.wgetrc", "check_certificate = off\n", ("wgetrc:check_certificate", "off"), 1),
    Planted("etc/apt/apt.conf.d/99corp", 'Acquire {\n  https {\n    Verify-Peer "false";\n  };\n};\n', ("apt:Acquire::https::Verify-Peer", "false"), 3),
    Planted("~/.config/gcloud/properties", "[auth]\ndisable_ssl_validation = True\n", ("gcloud:auth.disable_ssl_validation", "True"), 2),
    Planted("~/.config/Code/User/settings.json", '{\n  // corp\n  "http.proxyStrictSSL": false,\n}\n', ("vscode:http.proxyStrictSSL", "false"), 3),
    Planted("~/.config/JetBrains/IdeaIC2025.1/options/certificates.xml", '<application>\n  <component name="CertificateManager">\n    <option name="ACCEPT_AUTOMATICALLY" value="true" />\n  </component>\n</application>\n', ("jetbrains:ACCEPT_AUTOMATICALLY", "true"), 3),
    Planted("~/.my.cnf", "[client]\nuser=ann\nssl-mode = DISABLED\n", ("my.cnf:client.ssl-mode", "DISABLED"), 3),
    Planted("~/.ldaprc", "# ldap\nTLS_REQCERT never\n", ("ldaprc:TLS_REQCERT", "never"), 2),
    Planted("~/.claude/settings.json", '{"env": {\n "NODE_TLS_REJECT_UNAUTHORIZED": "0"}}\n', ("claude:env.NODE_TLS_REJECT_UNAUTHORIZED", "0"), 2),
    Planted("~/.config/helm/repositories.yaml", "repositories:\n- name: corp\n  insecure_skip_tls_verify: true\n", ("helmrepositories:repositories.insecure_skip_tls_verify", "true"), 3),
    # Safe: they redirect trust, and are to be seen all the same.
    Planted("~/.cargo/config.toml", '[http]\ncainfo = "/etc/corp.pem"\n', ("cargo:http.cainfo", "/etc/corp.pem"), 2, unsafe=False),
    Planted("~/.aws/config", "[default]\nregion = eu-west-1\nca_bundle = /etc/corp.pem\n", ("aws:ca_bundle", "/etc/corp.pem"), 3, unsafe=False),
    Planted("root/.npmrc", "cafile=/etc/corp.pem\n", ("npmrc:cafile", "/etc/corp.pem"), 1, unsafe=False),
    Planted("etc/php/8.2/cli/php.ini", '[openssl]\nopenssl.cafile = "/etc/corp.pem"\n', ("php:openssl.cafile", "/etc/corp.pem"), 2, unsafe=False),
    Planted("~/.bunfig.toml", '[install]\ncafile = "/etc/corp.pem"\n', ("bunfig:install.cafile", "/etc/corp.pem"), 2, unsafe=False),
    Planted("~/.profile", "export DENO_TLS_CA_STORE=system\n", ("env:DENO_TLS_CA_STORE", "system"), 1, unsafe=False),
    Planted("~/.bash_profile", "export NODE_EXTRA_CA_CERTS=$HOME/corp.pem\n", ("env:NODE_EXTRA_CA_CERTS", "$HOME/corp.pem"), 1, unsafe=False),
    Planted("~/.gradle/gradle.properties", "org.gradle.daemon=true\nsystemProp.javax.net.ssl.trustStore=/etc/corp.jks\n", ("gradle:systemProp.javax.net.ssl.trustStore", "/etc/corp.jks"), 2, unsafe=False),
    Planted("~/.mozilla/firefox/x.default/user.js", 'user_pref("security.enterprise_roots.enabled", true);\n', ("firefoxprefs:security.enterprise_roots.enabled", "true"), 1, unsafe=False),
    Planted("etc/firefox/policies/policies.json", '{"policies": {"Certificates": {\n"ImportEnterpriseRoots": true}}}\n', ("firefoxpolicies:policies.Certificates.ImportEnterpriseRoots", "true"), 2, unsafe=False),
    Planted("etc/systemd/system/docker.service.d/proxy.conf", '[Service]\nEnvironment="HTTPS_PROXY=http://proxy.corp:3128"\n', ("env:HTTPS_PROXY", "http://proxy.corp:3128"), 2, unsafe=False),
)  # fmt: skip


def plant(image: Path) -> None:
    """The image."""
    for row in PLANTED:
        path = image / row.file.replace("~", "home/ann")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row.text)
    (image / "etc/corp.pem").write_text("")
