#!/bin/sh
# The dashboard in a real Chromium. Closes with "N passed, N failed, N skipped".
#   tests/web/run.sh [PART...]   only the specs whose file name contains one of PART
# WEFT_URL and WEFT_PASSWORD name a controller with a running fleet (WEFT_USER, default admin). Without them a bare
# controller is started in a temporary directory, and what needs agents is skipped.
#   WEFT_BIN            where weft-controller is (default: build/dev/bin, then build/release/bin)
#   WEFT_WEB_DIR        serve the dashboard from there instead of the built-in one (bare controller only)
#   WEFT_CUT, WEFT_HEAL shell commands that break the fleet and mend it, for the live specs
#   CHROMIUM            the browser (default: /usr/bin/chromium)
# Screenshots are left in tests/web/out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$here"
: "${CHROMIUM:=/usr/bin/chromium}"
[ -x "$CHROMIUM" ] || { echo "tests/web: $CHROMIUM is not installed" >&2; exit 77; }
if [ -z "${WEFT_URL:-}" ] && [ -z "${WEFT_BIN:-}" ]; then
	for dir in "$root/build/dev/bin" "$root/build/release/bin"; do
		[ -x "$dir/weft-controller" ] && { WEFT_BIN=$dir; break; }
	done
fi
if [ -z "${WEFT_URL:-}" ] && [ ! -x "${WEFT_BIN:-}/weft-controller" ]; then
	echo "tests/web: weft-controller is not built (WEFT_BIN), and WEFT_URL names none" >&2
	exit 77
fi
if ! cmp -s package-lock.json node_modules/.weft-lock; then
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	cp package-lock.json node_modules/.weft-lock
fi
export CHROMIUM WEFT_BIN
exec node run.mjs "$@"
