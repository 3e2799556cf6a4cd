#!/bin/sh
# The rules of the tree that a compiler does not know: directions, purity, homes of libraries, sizes, doors.
exec python3 "$(dirname "$0")/tree.py"
