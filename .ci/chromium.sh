#!/usr/bin/env bash
# Makes sure that a Chromium is there for the browser tests; as root it is installed from Debian's packages.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        echo "  $(command -v "$name")"
        exit 0
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "  installing chromium and a Chinese font (about 170 MB)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >/dev/null
    apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk </dev/null >/dev/null
    command -v chromium >/dev/null && exit 0
fi

echo "ERROR: the browser tests need Chromium. Install the package 'chromium' (Debian, Ubuntu) and run 'make e2e' again." >&2
exit 1
