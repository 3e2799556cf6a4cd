// Chains and sets by which names decide where flows go.
//
// The addresses of the names that clients ask for are learned into sets of their lists, before the
// answer leaves, and into `known` while all names of an address are in the same lists: there the
// kernel decides. A flow to any other address, on a port that is looked into, is told here before
// connection tracking, gets a zone of its own, for it is weft-proxy's connection, and is delivered
// to weft-proxy, which makes the client's connection anew, from the client's own address, with the
// mark of the rule. A flow of QUIC it lets pass: it notes mark and flow in a map.
#include <stdlib.h>
#include <string.h>

#include "reconcile/policy_text.h"

enum { SPLIT_ZONE = 22, LEARNED_MAX = 131072, FLOWS_MAX = 65536 };

static const char *const address_type[2] = { "ipv4_addr", "ipv6_addr" };
static const int version[2] = { 4, 6 };
static const char *const loopback[2] = { "ip to 127.0.0.1", "ip6 to [::1]" };

// Sets the bits of a packet's mark that are Weft's.
#define MARK_AS "meta mark set meta mark & 0x%08x | 0x%08x"

static bool is_split(const struct policy *p)
{
	return p->has_lists && p->split_len > 0;
}

bool policy_has_names(const struct policy_table *t)
{
	for (size_t i = 0; i < t->policies_len; i++)
		if (t->policies[i]->has_lists)
			return true;
	return false;
}

bool policy_has_split(const struct policy_table *t)
{
	for (size_t i = 0; t->splitter_port && i < t->policies_len; i++)
		if (is_split(t->policies[i]))
			return true;
	return false;
}

// ---- sets ----

static int order_ids(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static size_t count_lists(const struct policy_table *t)
{
	size_t len = 0;

	for (size_t i = 0; i < t->policies_len; i++)
		for (size_t k = 0; k < t->policies[i]->rules_len; k++)
			len += t->policies[i]->rules[k].lists_len;
	return len;
}

// The lists of all rules, sorted, perhaps several times. NULL: no memory.
static uint32_t *gather_lists(const struct policy_table *t, size_t len)
{
	uint32_t *ids = calloc(len + 1, sizeof *ids);
	size_t at = 0;

	for (size_t i = 0; ids && i < t->policies_len; i++)
		for (size_t k = 0; k < t->policies[i]->rules_len; k++) {
			const struct policy_rule *rule = &t->policies[i]->rules[k];

			if (rule->lists_len)
				memcpy(ids + at, rule->lists, rule->lists_len * sizeof *ids);
			at += rule->lists_len;
		}
	if (ids)
		qsort(ids, len, sizeof *ids, order_ids);
	return ids;
}

static void add_set(struct text *out, const char *name, int family)
{
	text_addf(out, "\tset %s_%d {\n\t\ttype %s\n\t\tsize %d\n\t\tflags timeout\n\t}\n", name,
		  version[family], address_type[family], LEARNED_MAX);
}

void policy_add_sets(struct text *out, const struct policy_table *t)
{
	const size_t len = count_lists(t);
	uint32_t *ids = gather_lists(t, len);

	out->failed = out->failed || !ids;
	for (int family = 0; ids && family < 2; family++) {
		add_set(out, "known", family);
		text_addf(out,
			  "\tmap quic_%d {\n\t\ttype %s . inet_service . %s . inet_service : mark\n"
			  "\t\tsize %d\n\t\tflags timeout\n\t}\n",
			  version[family], address_type[family], address_type[family], FLOWS_MAX);
		for (size_t i = 0; i < len; i++) {
			char name[16];

			(void)snprintf(name, sizeof name, "l%u", ids[i]);
			if (i == 0 || ids[i] != ids[i - 1])
				add_set(out, name, family);
		}
	}
	free(ids);
}

// ---- what is looked into ----

static void add_known(struct text *out)
{
	for (int f = 0; f < 2; f++)
		text_addf(out, "\t\t%s daddr @known_%d accept\n", guard_family_name[f], version[f]);
}

// `match` for each of the protocols that the policy looks into, with its ports between.
static void add_ports(struct text *out, const struct policy *p, const char *tcp, const char *udp)
{
	for (int is_udp = 0; is_udp < 2; is_udp++) {
		CLEAN(text_free) struct text ports = { 0 };

		policy_add_ports(&ports, p->split, p->split_len, is_udp == 1);
		out->failed = out->failed || ports.failed;
		if (ports.len && (is_udp ? udp : tcp))
			text_addf(out, "\t\t%s%s\n", ports.data, is_udp ? udp : tcp);
	}
}

static void add_of_policy(struct text *out, const struct policy *p)
{
	text_addf(out, "\tchain split_%u {\n", p->id);
	// What is said of its packets on their way.
	text_add(out, "\t\tmeta l4proto { icmp, icmpv6 } socket transparent 1 goto to_splitter\n");
	// A long header (RFC 9000, 17.2): all that a client sends before it has keys. The bit
	// beside it may be anything (RFC 9287).
	add_ports(out, p, "goto split_tcp", "@th,64,8 & 0x80 == 0x80 goto split_quic");
	text_add(out, "\t}\n");
}

// Only what goes by a default route: the routing rules of what is refused tell, as they stand
// before any other.
static void add_undecided(struct text *out, const struct policy_marks *marks)
{
	text_add(out, "\tchain split_tcp {\n\t\tsocket transparent 1 goto to_splitter\n"
		      "\t\ttcp flags & (syn | ack) == syn goto undecided\n\t}\n"
		      "\tchain split_quic {\n");
	for (int f = 0; f < 2; f++)
		text_addf(out, "\t\t%s saddr . udp sport . %s daddr . udp dport @quic_%d accept\n",
			  guard_family_name[f], guard_family_name[f], version[f]);
	text_add(out, "\t\tgoto undecided\n\t}\n"
		      "\tchain undecided {\n\t\tfib daddr type != unicast accept\n");
	add_known(out);
	text_addf(out, "\t\t" MARK_AS "\n", ~marks->mask, marks->reject);
	text_addf(out,
		  "\t\tfib daddr . mark oif missing goto to_splitter\n"
		  "\t\tmeta mark set meta mark & 0x%08x accept\n\t}\n",
		  ~marks->mask);
	text_addf(out, "\tchain to_splitter {\n\t\tct zone set %d " MARK_AS " accept\n\t}\n",
		  SPLIT_ZONE, ~marks->mask, marks->split);
}

// What comes by gateway wires is no client's.
static void add_looking(struct text *out, const struct policy_table *t)
{
	text_add(out, "\tchain looking {\n\t\ttype filter hook prerouting priority raw; policy "
		      "accept;\n");
	for (size_t i = 0; i < t->exits_len; i++)
		text_addf(out, "\t\tiifname \"%s\" accept\n", t->exits[i]->device);
	for (size_t i = 0; i < t->wires_len; i++)
		text_addf(out, "\t\tiifname \"%s\" accept\n", t->wires[i]);
	policy_add_clients(out, t, "split", is_split);
	text_add(out, "\t}\n");
}

static void add_splitter(struct text *out, const struct policy_table *t)
{
	text_add(out, "\tchain splitter {\n\t\tmeta l4proto != { tcp, udp } accept\n"
		      "\t\ttcp flags & (syn | ack) != syn accept\n");
	for (int f = 0; f < 2; f++)
		text_addf(out,
			  "\t\tmeta nfproto ipv%d meta l4proto { tcp, udp } tproxy %s:%u accept\n",
			  version[f], loopback[f], t->splitter_port);
	// Nobody listens: it is sent again.
	text_add(out, "\t\tcounter name \"no_splitter\" drop\n\t}\n");
}

// What weft-proxy sends: to the clients in their zone; for them, with the rule's mark, in theirs.
// Where a rule is to drop, what its socket still says goes nowhere (proxy/dial.h), and so does what
// has the mark of a group that is gone: it would go by another.
static void add_sending(struct text *out, const struct policy_marks *marks)
{
	const uint32_t beside = marks->proxied | marks->rules;

	text_addf(
		out,
		"\tchain sending_back {\n\t\ttype filter hook output priority raw; policy accept;\n"
		"\t\tmeta mark & 0x%08x == 0x%08x drop\n"
		"\t\tmeta mark & 0x%08x == 0x%08x ct zone set %d\n\t}\n",
		marks->mask | marks->proxied, marks->split, marks->mask, marks->split, SPLIT_ZONE);
	text_addf(out,
		  "\tchain sending {\n\t\ttype filter hook output priority mangle; policy accept;\n"
		  "\t\tmeta mark & 0x%08x == 0 accept\n"
		  "\t\tmeta mark & 0x%08x { 0x00000000, 0x%08x } accept\n\t\tjump meant\n"
		  "\t\tct mark & 0x%08x == 0 jump begins\n"
		  "\t\tmeta mark set meta mark & 0x%08x\n\t\tjump counted\n\t}\n",
		  beside, marks->mask, marks->split, marks->mask, ~beside);
	text_add(out, "\tchain begins {\n\t\tct mark set meta mark\n\t\tjump begun\n\t}\n");
	text_addf(out,
		  "\tchain answered {\n\t\ttype filter hook prerouting priority dstnat + 1; policy "
		  "accept;\n\t\tct direction reply ct mark & 0x%08x != 0 " MARK_AS "\n\t}\n",
		  marks->proxied, ~marks->mask, marks->split);
}

void policy_add_looking(struct text *out, const struct policy_table *t)
{
	add_looking(out, t);
	for (size_t i = 0; i < t->policies_len; i++)
		if (is_split(t->policies[i]))
			add_of_policy(out, t->policies[i]);
	add_undecided(out, &t->marks);
	add_splitter(out, t);
	add_sending(out, &t->marks);
}

void policy_add_looked_into(struct text *out, const struct policy_table *t)
{
	text_addf(out, "\t\tmeta mark & 0x%08x == 0x%08x goto splitter\n", t->marks.mask,
		  t->marks.split);
}

void policy_add_flows(struct text *out)
{
	for (int f = 0; f < 2; f++)
		text_addf(
			out,
			"\t\tct mark set %s saddr . udp sport . %s daddr . udp dport map @quic_%d "
			"goto entered\n",
			guard_family_name[f], guard_family_name[f], version[f]);
}

// Behind weft-proxy's end: a connection whose beginning nobody has seen may be to any name. Of QUIC
// that is a short header (RFC 9000, 17.3).
void policy_add_cut_off(struct text *out, const struct policy *p)
{
	for (int f = 0; f < 2 && is_split(p); f++) {
		char tcp[160], udp[160], unseen[96];

		(void)snprintf(unseen, sizeof unseen,
			       "ct state new %s daddr != @known_%d counter name \"cut_off\" drop",
			       guard_family_name[f], version[f]);
		(void)snprintf(tcp, sizeof tcp, "tcp flags & (syn | ack) != syn %s", unseen);
		(void)snprintf(udp, sizeof udp, "@th,64,8 & 0xc0 == 0x40 %s", unseen);
		add_ports(out, p, tcp, udp);
	}
}
