#!/bin/sh
# The sentences that the docs explain are those that the programs say.
exec python3 "$(dirname "$0")/docs.py"
