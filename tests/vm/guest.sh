#!/bin/bash
# First process of the machine once its file system stands: runs the command of the share, leaves its output and its exit
# status there, and switches the machine off.
share=/run/weft-vm
cd "${0%/*}" || exit
mapfile -d '' -t environment <"$share/environment"
mapfile -d '' -t command <"$share/command"
export -- "${environment[@]}"
ip link set lo up
setsid -w "${command[@]}" >"$share/output" 2>&1 </dev/null
echo $? >"$share/status"
echo o >/proc/sysrq-trigger
sleep 60
