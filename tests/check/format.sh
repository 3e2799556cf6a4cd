#!/usr/bin/env bash
# Every C file is as .clang-format says.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run --Werror
