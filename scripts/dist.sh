#!/bin/sh
# Build the wheel and the source archive into dist/, and see both work in empty environments.
#
# The tree at hand must not help: the programs run outside of it, and nothing of .venv is on their path.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo "$PWD/.tools/uv/bin/uv")
root=$PWD
version=$(.venv/bin/python -c "from detector.version import __version__; print(__version__)")
sample=$root/tests/data/upgrades/$version/observations.ndjson

[ -f "$sample" ] || {
    echo "dist: no samples of $version; run .venv/bin/python scripts/make_upgrade_samples.py" >&2
    exit 1
}
grep -q "^## $version" CHANGELOG.md || {
    echo "dist: CHANGELOG.md says nothing of $version" >&2
    exit 1
}
rm -rf dist
"$uv" build --quiet --out-dir dist .

# "set -e" does not count in a condition: each step hangs on the one before.
works() (
    cd "$beside" &&
        [ "$(env/bin/tlsight --version)" = "tlsight $version" ] &&
        # Private certificates and a failure: the worst of them is "inconclusive".
        { env/bin/tlsight judge "$sample" > judged || [ $? = 3 ]; } &&
        grep -q "^3 targets: 1 inconclusive, 2 private" judged &&
        env/bin/tlsight explain "tlsv1 alert unknown ca" > explained &&
        grep -q "client-certificate-rejected" explained &&
        env/bin/tlsight bypass formats > /dev/null &&
        grep -q "CT" env/share/man/man1/tlsight-ct.1 &&
        env/bin/tlsight lab list > /dev/null
)

beside=$(mktemp -d)
trap 'rm -rf "$beside"' EXIT
unset PYTHONPATH
for built in "dist/tlsight-$version-py3-none-any.whl" "dist/tlsight-$version.tar.gz"; do
    rm -rf "$beside/env"
    "$uv" venv --quiet --python "$(cat .python-version)" "$beside/env"
    VIRTUAL_ENV=$beside/env "$uv" pip install --quiet "$root/$built"
    works || {
        echo "dist: $built does not work in an empty environment" >&2
        exit 1
    }
    echo "dist: $built works in an empty environment"
done
