#!/bin/sh
# All tests. Those that start no program of others compute, and the live ones mostly wait: they run side by side
# where a network namespace keeps the packets of the ones out of the captures of the others, else in turns.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python

if ! unshare -n true 2> /dev/null; then
    exec $python -m pytest
fi
folder=$(mktemp -d)
trap 'kill "$unit" 2> /dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
nice -n 10 unshare -n sh -c 'ip link set lo up 2> /dev/null; exec "$@"' sh \
    $python -m pytest -m "not live" --basetemp "$folder/unit" > "$folder/log" 2>&1 &
unit=$!
code=0
$python -m pytest -m live || code=$?
wait "$unit" || code=$?
cat "$folder/log"
exit "$code"
