#!/bin/sh
# Cuts, kills and losses at random on the demo's five nodes, for so many minutes: `sudo tests/chaos.sh 5`. The ordinary run
# does some seconds of the same (tests/netns/95-chaos.sh, which tells what is watched). WEFT_CHAOS_SEED repeats the faults of
# a run that printed its seed.
set -eu
minutes=${1:?usage: tests/chaos.sh MINUTES}
WEFT_CHAOS_S=$((minutes * 60)) exec "$(dirname "$0")/netns/run.sh" 95-chaos
