#include "wiring.h"

#include <errno.h>
#include <stdbool.h>

#include "base/clean.h"
#include "base/text.h"

#include "process.h"

static int run_ip(pid_t net_of, struct text *script, struct err *err)
{
	CLEAN(free_ptr) char *lines = text_take(script);
	return lines ? process_ip(net_of, lines, err) : err_set(err, -ENOMEM, "out of memory");
}

static int set_forwarding(pid_t box, struct err *err)
{
	const char *argv[] = {
		"sh", "-c",
		"echo 1 > /proc/sys/net/ipv4/ip_forward; "
		"[ ! -e /proc/sys/net/ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
		NULL
	};
	struct process_options o = { .net_of = box };
	return process_run(argv, &o, NULL, err);
}

int wiring_internet(pid_t internet, struct err *err)
{
	int r = set_forwarding(internet, err);
	return r ? r
		 : process_nft(internet,
			       "table inet lab {\n"
			       "  set links { type ifname . ifname; }\n"
			       "  set hosts { type ifname; }\n"
			       "  chain forward { type filter hook forward priority 0;\n"
			       "    iifname . oifname @links counter drop\n"
			       "    iifname @hosts counter drop\n"
			       "    oifname @hosts counter drop\n"
			       "  }\n"
			       "}\n",
			       err);
}

// A veth pair: `a` in box A, `b` in box B. Nothing of it is ever seen outside.
static int cable(pid_t box_a, const char *a, pid_t box_b, const char *b, struct err *err)
{
	struct text t = { 0 };
	text_addf(&t, "link add %s netns %d type veth peer name %s netns %d\n", a, (int)box_a, b,
		  (int)box_b);
	return run_ip(0, &t, err);
}

static void add_routes(struct text *t, unsigned index)
{
	text_addf(t, "route replace default via 198.18.%u.1 dev eth0 onlink\n", index);
	text_addf(t, "route replace default via 2001:db8:%x::1 dev eth0 onlink\n", index);
}

static void add_addresses(struct text *t, const char *verb, const struct address *v4,
			  const struct address *v6)
{
	char buf[ADDRESS_TEXT_SIZE];
	text_addf(t, "addr %s %s/32 dev eth0\n", verb, address_format(v4, buf));
	text_addf(t, "addr %s %s/128 dev eth0%s\n", verb, address_format(v6, buf),
		  *verb == 'a' ? " nodad" : "");
}

static void add_internet_routes(struct text *t, const char *verb, unsigned index,
				const struct address *v4, const struct address *v6)
{
	char buf[ADDRESS_TEXT_SIZE];
	text_addf(t, "route %s %s/32 dev up%u\n", verb, address_format(v4, buf), index);
	text_addf(t, "route %s %s/128 dev up%u\n", verb, address_format(v6, buf), index);
}

int wiring_attach(pid_t internet, pid_t box, const struct lab_node *node, struct err *err)
{
	struct text here = { 0 };
	struct text there = { 0 };
	CLEAN(free_ptr) char *up = text_format("up%u", node->index);
	int r = up ? cable(box, "eth0", internet, up, err) : err_set(err, -ENOMEM, "out of memory");
	text_addf(&there, "link set up%u up\n", node->index);
	text_addf(&there, "addr add 198.18.%u.1/32 dev up%u\n", node->index, node->index);
	text_addf(&there, "addr add 2001:db8:%x::1/128 dev up%u nodad\n", node->index, node->index);
	add_internet_routes(&there, "add", node->index, &node->address, &node->address6);
	text_add(&here, "link set eth0 up\n");
	add_addresses(&here, "add", &node->address, &node->address6);
	add_routes(&here, node->index);
	if (!r)
		r = run_ip(internet, &there, err);
	if (!r)
		r = run_ip(box, &here, err);
	text_free(&here);
	text_free(&there);
	return r;
}

int wiring_nat(pid_t internet, pid_t nat, pid_t box, const struct lab_node *node, struct err *err)
{
	int r = wiring_attach(internet, nat, node, err);
	if (!r)
		r = cable(box, "eth0", nat, "eth1", err);
	if (!r)
		r = process_ip(nat, "addr add 192.168.1.1/24 dev eth1\nlink set eth1 up\n", err);
	if (!r)
		r = process_ip(box,
			       "addr add 192.168.1.2/24 dev eth0\nlink set eth0 up\n"
			       "route add default via 192.168.1.1\n",
			       err);
	if (!r)
		r = set_forwarding(nat, err);
	return r ? r
		 : process_nft(nat,
			       "table inet nat {\n"
			       "  chain postrouting { type nat hook postrouting priority 100;\n"
			       "    oifname \"eth0\" masquerade random\n"
			       "  }\n"
			       "  chain forward { type filter hook forward priority 0;\n"
			       "    iifname \"eth0\" ct state != { established, related } drop\n"
			       "  }\n"
			       "}\n",
			       err);
}

int wiring_lan(pid_t box, pid_t lan, const struct lab_node *node, struct err *err)
{
	struct text gate = { 0 };
	struct text host = { 0 };
	int r = cable(box, "lan0", lan, "eth0", err);
	text_add(&gate, "link set lan0 up\n");
	text_add(&host, "link set eth0 up\n");
	for (size_t i = 0; i < node->n_lan && !r; i++) {
		struct address first;
		struct address second;
		char a[ADDRESS_TEXT_SIZE];
		char b[ADDRESS_TEXT_SIZE];
		const struct prefix *p = &node->lan[i];
		if (!prefix_nth(p, 1, &first) || !prefix_nth(p, 2, &second)) {
			r = err_set(err, -ERANGE, "the LAN of %s has no room for a host",
				    node->name);
			break;
		}
		const char *dad = first.family == 6 ? " nodad" : "";
		text_addf(&gate, "addr add %s/%u dev lan0%s\n", address_format(&first, a),
			  p->length, dad);
		text_addf(&host, "addr add %s/%u dev eth0%s\n", address_format(&second, b),
			  p->length, dad);
		text_addf(&host, "route replace default via %s dev eth0\n", a);
	}
	if (!r)
		r = run_ip(box, &gate, err);
	if (!r)
		r = run_ip(lan, &host, err);
	text_free(&gate);
	text_free(&host);
	return r;
}

int wiring_move(pid_t internet, pid_t box, const struct lab_node *node, unsigned moves,
		struct err *err)
{
	struct text here = { 0 };
	struct text there = { 0 };
	struct address old4 = moves > 1 ? lab_address(node->index, moves - 1) : node->address;
	struct address old6 = moves > 1 ? lab_address6(node->index, moves - 1) : node->address6;
	struct address new4 = lab_address(node->index, moves);
	struct address new6 = lab_address6(node->index, moves);
	add_addresses(&here, "del", &old4, &old6);
	add_addresses(&here, "add", &new4, &new6);
	add_routes(&here, node->index);
	add_internet_routes(&there, "del", node->index, &old4, &old6);
	add_internet_routes(&there, "add", node->index, &new4, &new6);
	int r = run_ip(box, &here, err);
	if (!r)
		r = run_ip(internet, &there, err);
	text_free(&here);
	text_free(&there);
	return r;
}

int wiring_cut(pid_t internet, unsigned a, unsigned b, bool is_cut, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	const char *verb = is_cut ? "add" : "delete";
	// Adding first makes deleting what is not there harmless.
	for (int pass = is_cut ? 1 : 0; pass < 2; pass++) {
		const char *word = pass == 0 ? "add" : verb;
		if (b)
			text_addf(&t,
				  "%s element inet lab links { \"up%u\" . \"up%u\", \"up%u\" . "
				  "\"up%u\" }\n",
				  word, a, b, b, a);
		else
			text_addf(&t, "%s element inet lab hosts { \"up%u\" }\n", word, a);
	}
	return t.failed ? err_set(err, -ENOMEM, "out of memory")
			: process_nft(internet, t.data, err);
}
