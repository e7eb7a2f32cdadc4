#!/usr/bin/env bash
# Installs a hashed lock file into the venv: with uv when there is one, else with pip. Needs no uv beforehand.
set -euo pipefail

python="${1:?python of the venv}" lock="${2:?lock file}"

find_uv() { command -v uv 2>/dev/null || { [ -x "$(dirname "$python")/uv" ] && echo "$(dirname "$python")/uv"; } || true; }

uv="$(find_uv)"
if [ -n "$uv" ] && [ -z "${TOCSIN_PIP:-}" ]; then
    # Compiled once here, as pip does: every later start saves seconds.
    "$uv" pip install -qq --compile-bytecode --python "$python" --require-hashes -r "$lock"
else
    "$python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
fi
