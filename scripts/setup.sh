#!/bin/sh
# Make .venv with everything of requirements.lock, or one beside it. Does nothing when it is current.
#
#     sh scripts/setup.sh          the Python of .python-version in .venv
#     sh scripts/setup.sh 3.12     another one in .venv-3.12
#     sh scripts/setup.sh oldest   what scripts/oldest.lock says in .venv-oldest
#
# Needs python3 with venv, and the network. uv finds that Python or fetches it.
set -eu
cd "$(dirname "$0")/.."

python=${1:-$(cat .python-version)}
lock=requirements.lock
venv=.venv${1:+-$1}
if [ -f "scripts/${1:-}.lock" ]; then
    python=$(cat .python-version)
    lock=scripts/$1.lock
fi
stamp=$venv/.stamp
wanted=$(cat "$lock" .python-version pyproject.toml scripts/setup.sh | sha256sum | cut -d' ' -f1)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    if [ ! -x .tools/uv/bin/uv ]; then
        echo "setup: installing uv"
        python3 -m venv .tools/uv || {
            echo "setup: python3 cannot make a virtual environment; apt-get install python3-venv" >&2
            exit 1
        }
        .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
            -r scripts/setup.lock
    fi
    uv=$PWD/.tools/uv/bin/uv
fi

echo "setup: making $venv from $lock"
# pyenv, where it is, gives the version of .python-version unless it is told another.
[ -x "$venv/bin/python" ] || PYENV_VERSION=$python "$uv" venv --quiet --python "$python" "$venv"
VIRTUAL_ENV=$PWD/$venv
export VIRTUAL_ENV
"$uv" pip sync --quiet --require-hashes --compile-bytecode "$lock"
"$uv" pip install --quiet --no-deps --editable .
echo "$wanted" > "$stamp"
