#include <inttypes.h>
#include <string.h>

#include "reconcile/guard_text.h"

// Broadcasts and multicasts of one wire: an IPTV channel or two, or 200 hosts that look for each
// other. And as much again for hosts that are not known.
#define FLOODED_PER_SECOND 2000u
#define SPOKEN_MAX         65536u // hosts of all segments; beyond them one counts as not known

static void open_set(struct text *out, const char *name, const char *type, const char *flags)
{
	text_addf(out, "\tset %s {\n\t\ttypeof %s\n%s\t\telements = {", name, type, flags);
}

// (link, source, VNI) of every wire.
static void add_wire_set(struct text *out, const struct guards *g, int family)
{
	char address[KERNEL_ADDR_TEXT_SIZE];
	bool any = false;

	for (size_t i = 0; i < g->len; i++) {
		const struct guard *w = g->items[i];

		if (w->part != GUARD_WIRE || w->source.family != guard_family_number[family])
			continue;
		if (!any)
			open_set(out, family ? "wires6" : "wires4",
				 family ? "iifname . ip6 saddr . @th,96,24"
					: "iifname . ip saddr . @th,96,24",
				 "");
		kernel_ip_format(&w->source, address);
		text_addf(out, "%s \"%s\" . %s . 0x%06x", any ? "," : "", w->device, address,
			  w->vni);
		any = true;
	}
	if (any)
		text_add(out, " }\n\t}\n");
}

// (bridge, MAC, prefix) of every node of a segment.
static void add_owner_set(struct text *out, const struct guards *g, int family)
{
	char mac[KERNEL_MAC_TEXT_SIZE];
	bool any = false;

	for (size_t i = 0; i < g->len; i++) {
		const struct guard *o = g->items[i];

		for (size_t p = 0; o->part == GUARD_OWNER && p < o->prefixes.len; p++) {
			if (o->prefixes.items[p].ip.family != guard_family_number[family] ||
			    guard_is_covered(&o->prefixes, p))
				continue;
			if (!any)
				open_set(out, family ? "owners6" : "owners4",
					 family ? "iifname . ether saddr . ip6 saddr"
						: "iifname . ether saddr . ip saddr",
					 "\t\tflags interval\n");
			kernel_mac_format(o->mac, mac);
			text_addf(out, "%s \"%s\" . %s . ", any ? "," : "", o->device, mac);
			guard_add_prefix(out, &o->prefixes.items[p]);
			any = true;
		}
	}
	if (any)
		text_add(out, " }\n\t}\n");
}

static bool has_wire(const struct guards *g, int family)
{
	for (size_t i = 0; i < g->len; i++)
		if (g->items[i]->part == GUARD_WIRE &&
		    g->items[i]->source.family == guard_family_number[family])
			return true;
	return false;
}

static bool has_owner(const struct guards *g, int family)
{
	for (size_t i = 0; i < g->len; i++)
		for (size_t p = 0; p < g->items[i]->prefixes.len; p++)
			if (g->items[i]->part == GUARD_OWNER &&
			    g->items[i]->prefixes.items[p].ip.family == guard_family_number[family])
				return true;
	return false;
}

static void add_overlay_chains(struct text *out, const struct guards *g)
{
	char match[96];

	guard_open_chain(out, "overlay_output", "output", GUARD_PRIORITY);
	for (size_t i = 0; i < g->len; i++) {
		const struct guard *b = g->items[i];

		for (int f = 0; b->part == GUARD_BASE && f < 2; f++) {
			struct text set = { 0 };

			if (guard_add_set(&set, &b->prefixes, guard_family_number[f], NULL))
				text_addf(out,
					  "\t\tudp dport %u %s daddr %s oifname != \"%s\" counter "
					  "name vxlan_out drop\n",
					  b->vxlan_port, guard_family_name[f], set.data, b->device);
			out->failed = out->failed || set.failed;
			text_free(&set);
		}
	}
	text_add(out, "\t}\n");
	guard_open_chain(out, "overlay_source", "prerouting", GUARD_PRIORITY);
	for (size_t i = 0; i < g->len; i++) {
		if (g->items[i]->part != GUARD_BASE)
			continue;
		(void)snprintf(match, sizeof match, "iifname \"%s\"", g->items[i]->device);
		guard_add_foreign_source(out, match, &g->items[i]->prefixes, false, "overlay_in");
	}
	text_add(out, "\t}\n");
}

static void add_vnis(struct text *out, const struct guards *g)
{
	const char *separator = "\t\t@th,96,24 { ";

	for (size_t i = 0; i < g->len; i++) {
		if (g->items[i]->part != GUARD_WIRE)
			continue;
		text_addf(out, "%s0x%06x", separator, g->items[i]->vni);
		separator = ", ";
	}
	if (*separator == ',')
		text_add(out, " } counter name vxlan_in drop\n");
}

// A frame that came out of a tunnel must be that wire's; one with a VNI of ours from anywhere else
// is forged. Other people's VXLAN on the same port is theirs.
static void add_vxlan_chains(struct text *out, const struct guards *g)
{
	text_add(out, "\tchain vxlan_arrival {\n");
	if (has_wire(g, 0))
		text_add(out, "\t\tiifname . ip saddr . @th,96,24 @wires4 accept\n");
	if (has_wire(g, 1))
		text_add(out, "\t\tiifname . ip6 saddr . @th,96,24 @wires6 accept\n");
	add_vnis(out, g);
	for (size_t i = 0; i < g->len; i++)
		if (g->items[i]->part == GUARD_BASE)
			text_addf(out, "\t\tiifname \"%s\" counter name vxlan_in drop\n",
				  g->items[i]->device);
	text_add(out, "\t}\n");
	guard_open_chain(out, "vxlan_input", "input", GUARD_PRIORITY);
	for (size_t i = 0; i < g->len; i++)
		if (g->items[i]->part == GUARD_BASE)
			text_addf(out, "\t\tudp dport %u goto vxlan_arrival\n",
				  g->items[i]->vxlan_port);
	text_add(out, "\t}\n");
}

// What this node itself sends into a segment.
static void add_departure_chains(struct text *out, const struct guards *g)
{
	char match[96];

	guard_open_chain(out, "segment_output", "output", GUARD_PRIORITY);
	for (size_t i = 0; i < g->len; i++) {
		if (g->items[i]->part != GUARD_SEGMENT)
			continue;
		(void)snprintf(match, sizeof match, "oifname \"%s\"", g->items[i]->device);
		guard_add_foreign_source(out, match, &g->items[i]->prefixes, true, "spoof_out");
	}
	text_add(out, "\t}\n");
	guard_open_chain(out, "segment_forwarded", "postrouting", GUARD_PRIORITY_POSTNAT);
	for (size_t i = 0; i < g->len; i++) {
		const char *device = g->items[i]->device;

		if (g->items[i]->part != GUARD_SEGMENT)
			continue;
		// Frames that the bridge only passes on come here too where br_netfilter is on
		// (Docker switches it on): without a device of arrival. Whose they are is checked
		// where they leave the segment.
		(void)snprintf(match, sizeof match,
			       "meta iif != 0 iifname != \"%s\" oifname \"%s\"", device, device);
		guard_add_foreign_source(out, match, &g->items[i]->prefixes, true, "spoof_out");
	}
	text_add(out, "\t}\n");
}

// What arrives from a segment for this node or to be routed on. The kernel loops this host's own
// multicasts back without an Ethernet header; for those no match on `ether` holds, and they pass.
static void add_arrival_chains(struct text *out, const struct guards *g)
{
	text_add(out, "\tchain segment_sender {\n\t\tip6 saddr { fe80::/10, :: } accept\n");
	if (has_owner(g, 0))
		text_add(out, "\t\tiifname . ether saddr . ip saddr @owners4 accept\n");
	if (has_owner(g, 1))
		text_add(out, "\t\tiifname . ether saddr . ip6 saddr @owners6 accept\n");
	text_add(out, "\t\tcounter name spoof_in drop\n\t}\n");
	text_add(out, "\tchain segment_arrival {\n"
		      "\t\tether saddr != ff:ff:ff:ff:ff:ff goto segment_sender\n\t}\n");
	guard_open_chain(out, "segment_input", "input", GUARD_PRIORITY);
	for (size_t i = 0; i < g->len; i++)
		if (g->items[i]->part == GUARD_SEGMENT)
			text_addf(out, "\t\tiifname \"%s\" goto segment_arrival\n",
				  g->items[i]->device);
	text_add(out, "\t}\n");
	guard_open_chain(out, "segment_routed", "forward", GUARD_PRIORITY);
	for (size_t i = 0; i < g->len; i++)
		if (g->items[i]->part == GUARD_SEGMENT)
			text_addf(out,
				  "\t\tiifname \"%s\" oifname != \"%s\" goto segment_arrival\n",
				  g->items[i]->device, g->items[i]->device);
	text_add(out, "\t}\n");
}

// No wire may bring more than so much of it; each has a measure of its own.
static void add_limits(struct text *out, const struct guards *g)
{
	for (size_t i = 0; i < g->len; i++)
		if (g->items[i]->part == GUARD_WIRE)
			text_addf(out,
				  "\t\tiifname \"%s\" limit rate over %u/second burst %u packets "
				  "drop\n",
				  g->items[i]->wire, FLOODED_PER_SECOND, FLOODED_PER_SECOND);
	text_add(out, "\t}\n");
}

// What comes by wires and leaves by them.
static void add_wire_chains(struct text *out, const struct guards *g, const char *wires)
{
	text_addf(out,
		  "\tset spoken {\n\t\ttypeof ether saddr\n\t\tsize %u\n\t\tflags dynamic,timeout\n"
		  "\t\ttimeout 5m\n\t}\n",
		  SPOKEN_MAX);
	text_add(out, "\tchain unknown_unicast {\n\t\tether daddr @spoken accept\n");
	add_limits(out, g);
	guard_open_chain(out, "wire_arrival", "prerouting", "filter");
	text_addf(out,
		  "\t\tiifname != %s accept\n\t\tether daddr 01:80:c2:00:00:00 drop\n"
		  "\t\tupdate @spoken { ether saddr }\n"
		  "\t\tether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 goto unknown_unicast\n",
		  wires);
	add_limits(out, g);
	guard_open_chain(out, "wire_departure", "postrouting", "filter");
	text_addf(out,
		  "\t\toifname != %s accept\n\t\tether daddr 01:80:c2:00:00:00 drop\n"
		  "\t\tupdate @spoken { ether saddr }\n\t}\n",
		  wires);
}

// Frames between the ports of a bridge. The kernel, whose own spanning tree is off, would pass
// BPDUs on from wire to wire, and those of a switch behind another port to every wire; the agent
// hears and says its own past this. What is for many, or for somebody
// who is not known, goes to all: no wire may bring more of it than a LAN has in earnest.
//
// nft cannot ask the bridge whom it knows. Whoever has spoken over a wire in as long a time as the
// bridge remembers is known. That is learnt, not made by Weft, so it outlives new rules: the table
// is not deleted, as the other is, but emptied of rules.
static void add_bridge_table(struct text *out, const struct guards *g)
{
	CLEAN(text_free) struct text wires = { 0 };

	for (size_t i = 0; i < g->len; i++)
		if (g->items[i]->part == GUARD_WIRE)
			text_addf(&wires, "%s\"%s\"", wires.len ? ", " : "{ ", g->items[i]->wire);
	text_add(&wires, wires.len ? " }" : "");
	text_add(out, "}\nadd table bridge weft\nflush table bridge weft\ntable bridge weft {\n");
	out->failed = out->failed || wires.failed;
	if (wires.len && !out->failed)
		add_wire_chains(out, g, wires.data);
}

void guard_rules_render(struct text *out, const struct guard *const *guards, size_t len,
			const char *more)
{
	const struct guards g = { guards, len };

	for (int family = 0; family < 2; family++) {
		add_wire_set(out, &g, family);
		add_owner_set(out, &g, family);
		guard_routed_set(out, &g, family);
	}
	add_overlay_chains(out, &g);
	add_vxlan_chains(out, &g);
	add_departure_chains(out, &g);
	add_arrival_chains(out, &g);
	guard_routed_chains(out, &g);
	if (more)
		text_add(out, more);
	add_bridge_table(out, &g);
}

void guard_table_render(struct text *out, const char *rules, const char *comment,
			const struct kernel_counter counters[KERNEL_COUNTERS])
{
	text_add(out, "add table inet weft\ndelete table inet weft\ntable inet weft {\n");
	text_addf(out, "\tcomment \"%s\"\n", comment);
	for (int i = 0; i < KERNEL_COUNTERS; i++)
		text_addf(out, "\tcounter %s { packets %" PRIu64 " bytes %" PRIu64 " }\n",
			  kernel_counter_names[i], counters[i].packets, counters[i].bytes);
	text_add(out, rules);
	text_add(out, "}\n");
}
