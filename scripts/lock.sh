#!/bin/sh
# Write requirements.lock anew: pinned versions with hashes, without addresses.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .tools/uv/bin/uv)
"$uv" pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" --all-extras --group dev pyproject.toml -o requirements.lock
