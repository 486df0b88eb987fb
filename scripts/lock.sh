#!/bin/sh
# Write requirements.lock anew, scripts/setup.lock and scripts/oldest.lock: pinned versions with hashes,
# without addresses.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .tools/uv/bin/uv)
"$uv" pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" --all-extras --group dev pyproject.toml -o requirements.lock
# What setup.sh itself installs, before there is anything else.
echo uv | "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate \
    --custom-compile-command "make lock" - -o scripts/setup.lock
# For `make oldest`.
"$uv" pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-annotate \
    --custom-compile-command "make lock" --extra proxy --extra quic --group oldest pyproject.toml \
    -o scripts/oldest.lock
