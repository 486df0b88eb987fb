#!/bin/sh
# Build the wheel and the source archive into dist/, see what they hold, what PyPI makes of it, and that both work in
# empty environments: the wheel on each Python that the classifiers name.
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

wheel=dist/tlsight-$version-py3-none-any.whl
archive=dist/tlsight-$version.tar.gz

# Nothing but this may be in them; tests and scripts are for who has the repository.
parts() { sed "s|^tlsight-$version/||" | cut -d/ -f1 | sort -u | tr '\n' ' '; }
in_wheel=$(.venv/bin/python -m zipfile -l "$wheel" | awk 'NR > 1 { print $1 }' | parts)
in_archive=$(tar tzf "$archive" | parts)
[ "$in_wheel" = "addons detector tlsight tlsight-$version.data tlsight-$version.dist-info " ] || {
    echo "dist: the wheel holds $in_wheel" >&2
    exit 1
}
[ "$in_archive" = ".gitignore CHANGELOG.md LICENSE PKG-INFO README.md addons detector docs pyproject.toml tlsight " ] || {
    echo "dist: the source archive holds $in_archive" >&2
    exit 1
}
"$uv" tool run --quiet twine check --strict "$wheel" "$archive"
"$uv" run --quiet --no-project --with 'readme-renderer[md]' scripts/rendered_readme.py "$wheel"

beside=$(mktemp -d)
trap 'rm -rf "$beside"' EXIT
unset PYTHONPATH
tried() {
    rm -rf "$beside/env"
    PYENV_VERSION=$2 "$uv" venv --quiet --python "$2" "$beside/env"
    VIRTUAL_ENV=$beside/env "$uv" pip install --quiet "$root/$1"
    works || {
        echo "dist: $1 does not work in an empty environment of Python $2" >&2
        exit 1
    }
    echo "dist: $1 works in an empty environment of Python $2"
}
tried "$archive" "$(cat .python-version)"
for python in $(sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml); do
    if PYENV_VERSION=$python "$uv" python find "$python" > /dev/null 2>&1 || "$uv" python install --quiet "$python" 2> /dev/null; then
        tried "$wheel" "$python"
    else
        echo "dist: NOT TRIED on Python $python, which is not here and cannot be fetched"
    fi
done
