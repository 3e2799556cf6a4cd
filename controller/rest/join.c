// GET /join: the script that makes a Debian or Ubuntu host a node.
//
// It comes over a connection whose key the one line pins, so what stands in it (hashes, URL, pin)
// can be believed.
#include "pki/pki.h"
#include "rest/handlers.h"
#include "rest/server.h"

// Everything is in functions that the last line calls, so that a cut download runs nothing.
static const char script_head[] =
	"#!/bin/sh\n"
	"# Installs weft-agent on a Debian or Ubuntu host and joins it to this controller:\n"
	"#   curl -fsSk --pinnedpubkey PIN URL/join | sudo sh -s -- KEY\n"
	"set -eu\n";

static const char script_body[] =
	"fail() { echo \"weft join: $1\" >&2; exit 1; }\n"
	"\n"
	"check_host() {\n"
	"	[ \"$(id -u)\" = 0 ] || fail 'must run as root: pipe it into `sudo sh -s -- KEY`'\n"
	"	[ -r /etc/os-release ] || fail 'this system has no /etc/os-release; only Debian "
	"and Ubuntu are supported'\n"
	"	. /etc/os-release\n"
	"	case \" ${ID:-} ${ID_LIKE:-} \" in\n"
	"	*' debian '* | *' ubuntu '*) ;;\n"
	"	*) fail \"this is ${PRETTY_NAME:-an unknown system}; only Debian and Ubuntu are "
	"supported\" ;;\n"
	"	esac\n"
	"	release=${UBUNTU_CODENAME:-${VERSION_CODENAME:-unknown}}\n"
	"	[ ! -e /var/lib/weft-agent/identity.json ] || fail 'this host has joined already: "
	"run "
	"weft-agent leave first'\n"
	"	for tool in apt-get dpkg curl sha256sum; do\n"
	"		command -v $tool >/dev/null || fail \"$tool is missing\"\n"
	"	done\n"
	"}\n"
	"\n"
	"# Only a kernel without WireGuard needs one in user space.\n"
	"pick_wireguard() {\n"
	"	wireguard=\n"
	"	[ -d /sys/module/wireguard ] || modprobe -nq wireguard 2>/dev/null ||\n"
	"		command -v wireguard-go >/dev/null || wireguard=wireguard-go\n"
	"}\n"
	"\n"
	"install_agent() {\n"
	"	pick_package \"$(dpkg --print-architecture)/$release\"\n"
	"	pick_wireguard\n"
	"	dir=$(mktemp -d)\n"
	"	trap 'rm -rf \"$dir\"' EXIT\n"
	"	chmod 755 \"$dir\"\n"
	"	curl -fsSk --pinnedpubkey \"$PIN\" -o \"$dir/$file\" \"$URL/packages/$file\" || "
	"fail \"$file could not be fetched from $URL\"\n"
	"	echo \"$sum  $dir/$file\" | sha256sum -c --quiet - || fail \"$file is not what the "
	"controller announced\"\n"
	"	export DEBIAN_FRONTEND=noninteractive\n"
	"	set -- install -y --no-install-recommends \"$dir/$file\" $wireguard\n"
	"	apt-get \"$@\" </dev/null ||\n"
	"		{ apt-get update </dev/null && apt-get \"$@\" </dev/null; } ||\n"
	"		fail \"$file could not be installed\"\n"
	"}\n"
	"\n"
	"main() {\n"
	"	key=${1:-}\n"
	"	case $key in\n"
	"	weft1.*) ;;\n"
	"	*) fail 'give the enrolment key: sh -s -- weft1.…' ;;\n"
	"	esac\n"
	"	check_host\n"
	"	install_agent\n"
	"	weft-agent join \"$key\" || fail 'the agent is installed, but did not join'\n"
	"	if [ -d /run/systemd/system ]; then\n"
	"		systemctl enable --now weft-agent.service || fail 'weft-agent.service "
	"could not be started'\n"
	"	else\n"
	"		echo 'weft join: no systemd here; start `weft-agent run` yourself' >&2\n"
	"	fi\n"
	"	echo 'weft join: done; `weft-agent status` tells how it is'\n"
	"}\n"
	"\n"
	"main \"$@\"\n";

// The packages made for any release come last, where those for one have had their turn.
static void add_packages(const struct package_list *list, bool is_for_any, struct text *script)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct package *p = &list->items[i];
		if (p->file[0] && (p->release[0] == '*') == is_for_any)
			text_addf(script, "\t%s/%s) file='%s' sum='%s' ;;\n", p->arch, p->release,
				  p->file, p->hash);
	}
}

void join_get(struct request *request)
{
	struct rest *rest = request->rest;
	struct text script = { 0 };
	packages_scan(&rest->packages, rest->config.packages_dir);
	text_add(&script, script_head);
	text_addf(&script,
		  "URL='%s'\nPIN='%s'\n# SHA-256 of the controller's CA, which the key pins "
		  "too.\nCA='%s'\n\n",
		  rest->config.urls[0], tls_default_pin(rest->tls),
		  pki_ca_hash(rest->services.pki));
	text_add(&script, "pick_package() {\n\tcase $1 in\n");
	add_packages(&rest->packages, false, &script);
	add_packages(&rest->packages, true, &script);
	text_add(&script, "\t*) fail \"the controller has no weft-agent package for $1: put one "
			  "into its packages_dir\" ;;\n\tesac\n}\n\n");
	text_add(&script, script_body);
	CLEAN(free_ptr) char *text = text_take(&script);
	if (text)
		request_answer_text(request, MHD_HTTP_OK, "text/x-shellscript; charset=utf-8",
				    text);
	else
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
}
