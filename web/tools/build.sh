#!/bin/sh
# Builds dist/: packages as package-lock.json pins them, types from api/openapi.yaml, a strict check, the bundle.
# One at a time, since several build directories share this tree.
set -eu
cd "$(dirname "$0")/.."
exec 9>.build-lock
flock 9
if ! cmp -s package-lock.json node_modules/.weft-lock; then
	# No package here needs its install scripts; esbuild's program comes as a package of its own.
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	cp package-lock.json node_modules/.weft-lock
fi
node tools/types.mjs
node node_modules/typescript/bin/tsc --noEmit
node tools/build.mjs
