// What other people's filters do to Weft's packets: tunnels and wires that come in, bridged and
// routed frames that pass.
#include <string.h>

#include "base/file.h"
#include "base/program.h"

#include "doctor/firewall_iptables.h"
#include "doctor/firewall_walk.h"
#include "doctor/inside.h"
#include "kernel/question.h"

enum { RULES_MAX = 32 * 1024 * 1024, SAVE_MS = 5000, PASSING_PORT = 40000 };

// A packet that has to pass, and the words for it.
struct passage {
	enum walk_hook hook;
	struct walk_packet packet;
	const char *what;
	bool is_vital; // else it only costs something
};

struct firewall {
	struct examination *x;
	json_t *rules;
	bool has_ufw, has_firewalld, has_docker;
	size_t asked, passed;
};

static bool is_iptables_table(const json_t *object, const char *family)
{
	static const char *const tables[] = { "filter", "nat", "mangle", "raw", "security" };
	const char *kinds[] = { "table", "chain", "rule", "set", "map" };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		const json_t *thing = json_object_get(object, kinds[k]);
		const char *name = text_in(thing, k == 0 ? "name" : "table");

		if (!thing || strcmp(text_in(thing, "family"), family) != 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
			if (strcmp(name, tables[i]) == 0)
				return true;
		}
	}
	return false;
}

// Takes over what a program of iptables prints; false where it is not there or prints nothing.
static bool add_saved(json_t *objects, const char *program, const char *family)
{
	const char *const argv[] = { program, NULL };
	CLEAN(free_ptr) char *text = NULL;

	if (program_output(argv, SAVE_MS, RULES_MAX, &text, NULL) < 0 || !strstr(text, "*"))
		return false;
	firewall_add_iptables(objects, family, text);
	return true;
}

// The rules of iptables' older half, which nft does not list; asked only where there are some, for
// asking would make them.
static void add_legacy(json_t *objects, const char *names, const char *program, const char *family)
{
	CLEAN(free_ptr) char *text = NULL;

	if (file_read(names, 4096, &text, NULL, NULL) == 0 && *text)
		(void)add_saved(objects, program, family);
}

static json_t *read_rules(struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	json_t *saved = json_array();
	json_t *objects = NULL;

	if (kernel_ruleset(&text, err) < 0) {
		json_decref(saved);
		return NULL;
	}
	CLEAN(json_decref_ptr) json_t *rules = json_loads(text, 0, NULL);
	const bool has_v4 = add_saved(saved, "iptables-save", "ip");
	const bool has_v6 = add_saved(saved, "ip6tables-save", "ip6");
	objects = json_object_get(rules, "nftables");
	for (size_t i = json_array_size(objects); i-- > 0;) {
		const json_t *object = json_array_get(objects, i);

		if ((has_v4 && is_iptables_table(object, "ip")) ||
		    (has_v6 && is_iptables_table(object, "ip6")))
			(void)json_array_remove(objects, i);
	}
	add_legacy(saved, "/proc/net/ip_tables_names", "iptables-legacy-save", "ip");
	add_legacy(saved, "/proc/net/ip6_tables_names", "ip6tables-legacy-save", "ip6");
	(void)json_array_extend(saved, objects);
	return json_pack("{s:o}", "nftables", saved);
}

static void recognise(struct firewall *f)
{
	const json_t *object;
	size_t i;

	json_array_foreach(json_object_get(f->rules, "nftables"), i, object)
	{
		const char *chain = text_in(json_object_get(object, "chain"), "name");

		f->has_ufw |= text_starts(chain, "ufw-", NULL);
		f->has_docker |= strcmp(chain, "DOCKER-USER") == 0;
		f->has_firewalld |= strcmp(text_in(json_object_get(object, "chain"), "table"),
					   "firewalld") == 0;
	}
}

// The command that opens the way, in the words of whoever closed it.
static char *cure_in(const struct firewall *f, const struct passage *p, const struct walk_result *r,
		     bool is_inner)
{
	const unsigned port = p->packet.port;
	const char *in = p->packet.in;

	if (strcmp(r->table, "firewalld") == 0)
		return is_inner ? text_format("firewall-cmd --permanent --zone=trusted "
					      "--add-interface=%s && firewall-cmd --reload",
					      in)
				: text_format("firewall-cmd --permanent --add-port=%u/udp && "
					      "firewall-cmd --reload",
					      port);
	const bool is_iptables = strcmp(r->chain, "INPUT") == 0;
	if (is_iptables && f->has_ufw)
		return is_inner ? text_format("ufw allow in on %s to any port %u proto udp", in,
					      port)
				: text_format("ufw allow %u/udp", port);
	if (is_iptables)
		return text_format("%s -I INPUT -i %s -p udp --dport %u -j ACCEPT",
				   p->packet.family == 4 ? "iptables" : "ip6tables", in, port);
	return text_format("nft insert rule %s %s %s iifname %s udp dport %u accept", r->family,
			   r->table, r->chain, in, port);
}

static char *cure_forward(const struct firewall *f, const struct passage *p,
			  const struct walk_result *r)
{
	const char *in = p->packet.in, *out = p->packet.out;
	const char *program = p->packet.family == 4 ? "iptables" : "ip6tables";

	if (strcmp(r->table, "firewalld") == 0)
		return text_format("firewall-cmd --permanent --zone=trusted --add-interface=%s%s%s "
				   "&& firewall-cmd --reload",
				   in, strcmp(in, out) ? " --add-interface=" : "",
				   strcmp(in, out) ? out : "");
	const bool is_iptables = strcmp(r->chain, "FORWARD") == 0;
	if (is_iptables && f->has_ufw)
		return text_format("ufw route allow in on %s out on %s", in, out);
	if (is_iptables)
		return text_format("%s -I %s -i %s -o %s -j ACCEPT", program,
				   f->has_docker ? "DOCKER-USER" : "FORWARD", in, out);
	return text_format("nft insert rule %s %s %s iifname %s oifname %s accept", r->family,
			   r->table, r->chain, in, out);
}

static const char *whose(const struct firewall *f, const struct walk_result *r)
{
	if (strcmp(r->table, "firewalld") == 0)
		return "firewalld";
	if (strcmp(r->chain, "FORWARD") == 0 && f->has_docker && !f->has_ufw)
		return "Docker's policy";
	if (strcmp(r->chain, "FORWARD") == 0 || strcmp(r->chain, "INPUT") == 0)
		return f->has_ufw ? "ufw" : "iptables";
	return "nftables";
}

static bool is_own_name(const struct examination *x, const char *name)
{
	const struct kernel_link *link = kernel_snapshot_link(&x->seen, name);

	return link && is_own(link);
}

static void ask(struct firewall *f, const struct passage *p)
{
	struct walk_result r;

	firewall_walk(f->rules, p->hook, &p->packet, &r);
	f->asked++;
	f->passed += r.verdict == WALK_ACCEPT;
	if (r.verdict == WALK_ACCEPT)
		return;
	CLEAN(free_ptr)
	char *cure = p->hook == WALK_FORWARD ? cure_forward(f, p, &r)
					     : cure_in(f, p, &r, is_own_name(f->x, p->packet.in));
	say(f->x, r.verdict == WALK_DROP && p->is_vital ? GRADE_BAD : GRADE_WARN, cure ? cure : "",
	    "%s %s %s over IPv%d (table %s %s, chain %s)", whose(f, &r),
	    r.verdict == WALK_DROP ? "drops" : "may drop", p->what, p->packet.family, r.family,
	    r.table, r.chain);
}

// By which device what comes from an endpoint will arrive: that by which it would be answered.
static bool device_towards(const char *endpoint, int *ret_family, char *ret, size_t size)
{
	struct kernel_route route = { 0 };
	struct kernel_endpoint e;

	if (kernel_endpoint_parse(endpoint, &e, NULL) < 0 ||
	    kernel_route_to(&(struct kernel_packet){ .to = e.ip }, &route, NULL) < 0 ||
	    !route.device[0])
		return false;
	(void)snprintf(ret, size, "%s", route.device);
	*ret_family = e.ip.family == AF_INET ? 4 : 6;
	return true;
}

// Whether somebody has to come to this node unasked: who knows no way to a peer waits for it.
static bool is_awaited(const struct examination *x, const char *network)
{
	const json_t *body;
	const char *key, *rest;

	for (void *at = NULL; (key = entry_of(x->desired, "peer/", &at, &body));) {
		if (text_starts(key + strlen("peer/"), network, &rest) && *rest == '/' &&
		    json_array_size(json_object_get(body, "endpoints")) == 0)
			return true;
	}
	return false;
}

static void ask_tunnel(struct firewall *f, const char *network, unsigned port)
{
	const json_t *observed;
	const char *key, *rest;
	char device[IFNAMSIZ], done[2][IFNAMSIZ] = { "", "" };
	int family;

	for (void *at = NULL; (key = entry_of(f->x->observed, "peer/", &at, &observed));) {
		if (!text_starts(key + strlen("peer/"), network, &rest) || *rest != '/' ||
		    !device_towards(text_in(observed, "endpoint"), &family, device,
				    sizeof device) ||
		    strcmp(done[family == 6], device) == 0)
			continue;
		(void)snprintf(done[family == 6], IFNAMSIZ, "%s", device);
		CLEAN(free_ptr)
		char *what =
			text_format("what peers send first to UDP port %u on %s", port, device);
		const struct passage p = { WALK_INPUT,
					   { family, device, "", port },
					   what ? what : "",
					   is_awaited(f->x, network) };
		ask(f, &p);
	}
}

static void ask_tunnels(struct firewall *f)
{
	const json_t *body;
	const char *key;

	for (void *at = NULL; (key = entry_of(f->x->desired, "wireguard/", &at, &body));)
		ask_tunnel(f, key + strlen("wireguard/"), (unsigned)number_in(body, "port"));
}

// Wires come in once more, out of the tunnel.
static void ask_wires(struct firewall *f)
{
	const json_t *body, *wire;
	void *first = NULL;

	if (!entry_of(f->x->desired, "wire/", &first, &wire))
		return;
	for (void *at = NULL; entry_of(f->x->desired, "guard/base/", &at, &body);) {
		const char *device = text_in(body, "device");
		const unsigned port = (unsigned)number_in(body, "vxlan_port");
		CLEAN(free_ptr)
		char *what = text_format("the wires' VXLAN (UDP port %u out of the tunnel %s)",
					 port, device);
		const struct passage p = {
			WALK_INPUT, { 4, device, "", port }, what ? what : "", true
		};
		ask(f, &p);
	}
}

// So do the probes; without them links are called down.
static void ask_probes(struct firewall *f)
{
	const char *asked = "";
	const json_t *body;

	for (void *at = NULL; entry_of(f->x->desired, "probe/", &at, &body);) {
		const char *device = text_in(body, "device");
		const unsigned port = (unsigned)number_in(body, "port");
		const int family = strchr(text_in(body, "local"), ':') ? 6 : 4;

		if (strcmp(device, asked) == 0)
			continue;
		asked = device;
		CLEAN(free_ptr)
		char *what = text_format("the links' probes (UDP port %u out of the tunnel %s)",
					 port, device);
		const struct passage p = {
			WALK_INPUT, { family, device, "", port }, what ? what : "", true
		};
		ask(f, &p);
	}
}

static bool sysctl_is_on(struct examination *x, const char *name)
{
	char value[16] = "";

	return x->kernel && kernel_sysctl_read(x->kernel, name, value, sizeof value, NULL) == 0 &&
	       strcmp(value, "1") == 0;
}

static size_t count_ports(const struct examination *x, const char *bridge)
{
	size_t count = 0;

	for (size_t i = 0; i < x->seen.links_len; i++)
		count += strcmp(x->seen.links[i].master, bridge) == 0;
	return count;
}

static void ask_passing(struct firewall *f, int family, const char *in, const char *out,
			const char *what)
{
	const struct passage p = { WALK_FORWARD, { family, in, out, PASSING_PORT }, what, true };

	ask(f, &p);
}

// With br_netfilter (Docker switches it on) what a bridge passes on is filtered as if routed.
static void ask_bridged(struct firewall *f, const char *key, const char *bridge)
{
	static const char *const switches[] = { "net.bridge.bridge-nf-call-iptables",
						"net.bridge.bridge-nf-call-ip6tables" };
	CLEAN(free_ptr)
	char *what = text_format("what the bridge of %s passes from wire to wire", key);

	if (count_ports(f->x, bridge) < 2)
		return;
	for (int i = 0; i < 2; i++) {
		if (sysctl_is_on(f->x, switches[i]))
			ask_passing(f, i ? 6 : 4, bridge, bridge, what ? what : "");
	}
}

// The device that has an address within a prefix, and is not Weft's; NULL when there is none.
static const char *lan_device(const struct examination *x, const struct kernel_prefix *lan)
{
	for (size_t i = 0; i < x->seen.addresses_len; i++) {
		const struct kernel_address *a = &x->seen.addresses[i];
		const struct kernel_link *link = kernel_snapshot_link(&x->seen, a->device);
		const struct kernel_prefix host = { .ip = a->prefix.ip, .len = 128 };

		if (link && !is_own(link) && kernel_prefix_within(&host, lan))
			return a->device;
	}
	return NULL;
}

// From the LANs of its site and to them.
static void ask_routed(struct firewall *f, const json_t *segment, const char *bridge)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(segment, "own"), i, item)
	{
		struct kernel_prefix lan;
		const char *device;

		if (kernel_prefix_parse(json_string_value(item), &lan, NULL) < 0 ||
		    lan.len == (lan.ip.family == AF_INET ? 32 : 128) ||
		    !(device = lan_device(f->x, &lan)))
			continue;
		const int family = lan.ip.family == AF_INET ? 4 : 6;
		CLEAN(free_ptr)
		char *to =
			text_format("what comes from other sites for %s", json_string_value(item));
		CLEAN(free_ptr)
		char *from = text_format("what %s sends to other sites", json_string_value(item));
		ask_passing(f, family, bridge, device, to ? to : "");
		ask_passing(f, family, device, bridge, from ? from : "");
	}
}

void check_firewall(struct examination *x)
{
	struct firewall f = { .x = x };
	struct err err = { 0 };
	const json_t *body;
	const char *key;

	f.rules = read_rules(&err);
	if (!f.rules) {
		say(x, GRADE_WARN, "see nft list ruleset", "the firewall cannot be read: %s",
		    err.text);
		return;
	}
	recognise(&f);
	ask_tunnels(&f);
	ask_wires(&f);
	ask_probes(&f);
	for (void *at = NULL; (key = entry_of(x->desired, "guard/segment/", &at, &body));) {
		ask_bridged(&f, key + strlen("guard/"), text_in(body, "device"));
		ask_routed(&f, body, text_in(body, "device"));
	}
	if (f.passed == f.asked)
		say(x, GRADE_OK, "", "no filter of this host drops Weft's packets%s%s%s",
		    f.has_docker ? "; Docker's rules are there" : "",
		    f.has_ufw ? "; ufw's rules are there" : "",
		    f.has_firewalld ? "; firewalld's rules are there" : "");
	json_decref(f.rules);
}
