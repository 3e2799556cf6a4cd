#!/bin/sh
# The dashboard in a real Chromium. Closes with "N passed, N failed, N skipped".
#   tests/web/run.sh [PART...]   only the specs whose file name contains one of PART
# As root it brings up a lab of its own (deploy/examples/private-internet.yaml: five sites with real agents), runs
# everything against it and takes it down, whatever happens. Else, or with WEFT_WEB_BARE=1, a bare controller is started
# in a temporary directory, and what needs agents is skipped. WEFT_URL and WEFT_PASSWORD (WEFT_USER, default admin) name
# a controller with a fleet that runs already.
#   WEFT_BIN             where the programs are (default: build/release/bin, then build/dev/bin)
#   WEFT_WEB_DIR         serve the dashboard from there instead of the built-in one (bare controllers only)
#   WEFT_CUT, WEFT_HEAL  shell commands that break a link of the fleet and mend it
#   WEFT_AWAY, WEFT_BACK shell commands that take a node away from the fleet and bring it back
#   WEFT_ON_CONTROLLER   words in front of a command that is to run on the controller's host
#   WEFT_LONG=1          also waits until a cut link is called down, which takes three minutes
#   CHROMIUM             the browser (default: /usr/bin/chromium)
# Screenshots are left in tests/web/out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$here"
: "${CHROMIUM:=/usr/bin/chromium}"
[ -x "$CHROMIUM" ] || { echo "tests/web: $CHROMIUM is not installed" >&2; exit 77; }
if [ -z "${WEFT_BIN:-}" ]; then
	for dir in "$root/build/release/bin" "$root/build/dev/bin"; do
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

lab="$WEFT_BIN/weft lab --lab webtest$$"
lab_down() {
	$lab down || echo "tests/web: the lab webtest$$ was not taken down" >&2
}
lab_up() {
	trap lab_down EXIT
	trap 'exit 130' INT TERM HUP
	$lab up --port 0 -f "$root/deploy/examples/private-internet.yaml" --nat pi0
	# The spanning tree is settled when all pairs answer.
	$lab ping --wait 90 >/dev/null
	WEFT_URL=$($lab status | awk '$1 == "dashboard" { print $2 }')
	WEFT_PASSWORD=$($lab status | awk '$1 == "password" { print $2 }')
	WEFT_CUT="$lab cut home.bob.rho" WEFT_HEAL="$lab heal home.bob.rho"
	WEFT_AWAY="$lab cut pi0" WEFT_BACK="$lab heal pi0"
	WEFT_ON_CONTROLLER="$lab exec controller --"
	export WEFT_URL WEFT_PASSWORD WEFT_CUT WEFT_HEAL WEFT_AWAY WEFT_BACK WEFT_ON_CONTROLLER
}

if [ -z "${WEFT_URL:-}" ] && [ -z "${WEFT_WEB_BARE:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	lab_up
fi
# Not exec: the lab is taken down behind it.
node run.mjs "$@"
