#!/usr/bin/env bash
# clang-tidy has nothing against the sources (.clang-tidy says what is asked of them).
set -euo pipefail
cd "$(dirname "$0")/../.."
# Its compile commands have to be clang's: gcc's warnings are unknown to it.
cmake -S . -B build/tidy -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
git ls-files 'common/*.c' 'controller/*.c' 'node-agent/*.c' 'cli/*.c' | xargs -P "$(nproc)" -n 8 clang-tidy --quiet -p build/tidy 2>/dev/null
