#!/usr/bin/env bash
# The main job on one machine: a private network of five sites, each with a real agent, run by one real controller.
#   sudo deploy/demo.sh          install what it needs, build, start, show
#   sudo deploy/demo.sh status   is it well?
#   sudo deploy/demo.sh down     remove every trace of it (the build stays)
set -euo pipefail
cd "$(dirname "$0")/.."

fleet=deploy/examples/private-internet.yaml
bin=$PWD/build/release/bin
lab=demo
port=${WEFT_DEMO_PORT:-8443}

need_root() {
	[ "$(id -u)" = 0 ] || { echo "demo.sh makes network namespaces: run it with sudo" >&2; exit 1; }
}

step() { printf '\n== %s\n' "$*"; }

up() {
	need_root
	step "Installing what is missing"
	deploy/deps.sh demo
	step "Building (the first time takes some minutes)"
	[ -f build/release/build.ninja ] || cmake --preset release -Wno-dev >/dev/null
	cmake --build --preset release
	step "Starting five sites, an Internet between them and a controller"
	"$bin/weft" lab up --lab $lab --port "$port" -f $fleet --nat pi0
	step "Every site pings every other over the bridge (waiting for the spanning tree)"
	"$bin/weft" lab ping --lab $lab --wait 90
	cat <<-END

	Dashboard   https://127.0.0.1:$port   (its certificate is of Weft's own CA: the browser will ask)
	User        admin
	Password    $("$bin/weft" lab status --lab $lab | awk '$1 == "password" { print $2 }')

	Try next:
	  export PATH=$bin:\$PATH; eval "\$(weft lab env --lab $lab)"
	  weft status                                       who is well, and who is not
	  weft ping epsilon vorke                           and the path the frames take
	  weft lab --lab $lab cut rho-bob                      pull a cable; heal rho-bob plugs it in again
	  weft lab --lab $lab move pi0                         pi0 roams: a new address, a new NAT mapping
	  weft lab --lab $lab exec rho -- ping -c 3 10.128.0.2  a shell command on a site
	  weft lab --lab $lab exec rho -- weft-agent status
	  weft plan -f FILE; weft apply -f FILE              change the network; $fleet is what runs now
	  sudo deploy/demo.sh down
	END
}

case "${1:-up}" in
up) up ;;
status)
	need_root
	"$bin/weft" lab status --lab $lab
	eval "$("$bin/weft" lab env --lab $lab)"
	"$bin/weft" status
	;;
down)
	need_root
	"$bin/weft" lab down --lab $lab
	echo "The demo is gone."
	;;
*)
	echo "usage: demo.sh [up|status|down]" >&2
	exit 2
	;;
esac
