#include "report/status.h"

#include <inttypes.h>
#include <string.h>

bool status_line(const struct status_facts *facts, struct text *line)
{
	if (facts->apply_error) {
		text_addf(line, "the kernel's state cannot be read: %s", facts->apply_error);
		return false;
	}
	if (*facts->refused) {
		text_add(line, facts->refused);
		return false;
	}
	if (facts->error_count > 0) {
		text_addf(line, "%s: %s", facts->error_entry, facts->error_text);
		if (facts->error_count > 1)
			text_addf(line, " (and %zu more)", facts->error_count - 1);
		return false;
	}
	if (!facts->is_connected) {
		text_addf(line, "no session with controller %s%s%s", facts->hub,
			  *facts->trouble ? ": " : "", facts->trouble);
		text_addf(line, "; revision %" PRId64 " stays in force", facts->revision);
		return false;
	}
	if (facts->finding_text) {
		text_addf(line, "%s; %s", facts->finding_text,
			  facts->finding_cure ? facts->finding_cure : "see weft-agent doctor");
		return false;
	}
	if (facts->peers_up < facts->peers) {
		text_addf(line, "%zu of %zu peers are not up: %s", facts->peers - facts->peers_up,
			  facts->peers, facts->peer_down);
		if (facts->peers - facts->peers_up > 1)
			text_add(line, " and others");
		return false;
	}
	text_addf(line, "ok: %s, revision %" PRId64 ", %zu entries, %zu peers up, controller %s",
		  facts->name, facts->revision, facts->entries, facts->peers, facts->hub);
	return true;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "-";
}

static void add_errors(const json_t *errors, struct text *t)
{
	size_t i;
	const json_t *error;
	json_array_foreach(errors, i, error)
	{
		text_addf(t, "error       %s: %s\n", text_of(error, "entry"),
			  text_of(error, "text"));
	}
}

static void add_findings(const json_t *findings, struct text *t)
{
	size_t i;
	const json_t *finding;
	json_array_foreach(findings, i, finding)
	{
		text_addf(t, "conflict    %s; %s\n", text_of(finding, "text"),
			  text_of(finding, "cure"));
	}
}

static void add_peers(const json_t *peers, struct text *t)
{
	size_t i;
	const json_t *peer;
	json_array_foreach(peers, i, peer)
	{
		text_addf(t, "peer        %-32s %-6s %s", text_of(peer, "key"),
			  text_of(peer, "state"), text_of(peer, "endpoint"));
		if (json_is_integer(json_object_get(peer, "path_mtu")))
			text_addf(t, "  path mtu %lld",
				  (long long)json_integer_value(json_object_get(peer, "path_mtu")));
		text_add(t, "\n");
	}
}

// Links, and wires, which have no figures.
static void add_links(const char *word, const json_t *links, struct text *t)
{
	size_t i;
	const json_t *link;
	json_array_foreach(links, i, link)
	{
		const json_t *rtt = json_object_get(json_object_get(link, "sample"), "rtt_us");
		text_addf(t, "%-11s %-32s %-6s", word, text_of(link, "key"),
			  text_of(link, "state"));
		if (json_is_integer(rtt))
			text_addf(t, " %.1f ms ", json_number_value(rtt) / 1000);
		text_addf(t, " %s\n", text_of(link, "cause"));
	}
}

static void add_groups(const json_t *groups, struct text *t)
{
	size_t i;
	const json_t *group;
	json_array_foreach(groups, i, group)
	{
		text_addf(t, "ha          %-32s %-8s active: %s, %lld of %lld voters answer; %s\n",
			  text_of(group, "group"), text_of(group, "state"),
			  text_of(group, "holder"),
			  (long long)json_integer_value(json_object_get(group, "heard")),
			  (long long)json_integer_value(json_object_get(group, "voters")),
			  text_of(group, "cause"));
	}
}

static void add_resolvers(const json_t *resolvers, struct text *t)
{
	size_t i;
	const json_t *one;
	json_array_foreach(resolvers, i, one)
	{
		const json_t *counts = json_object_get(one, "counts");
		text_addf(t, "dns         %-32s %-8s %lld questions, %lld blocked; %s\n",
			  text_of(one, "resolver"), text_of(one, "state"),
			  (long long)json_integer_value(json_object_get(counts, "queries")),
			  (long long)json_integer_value(json_object_get(counts, "blocked")),
			  text_of(one, "error"));
	}
}

static void add_splitters(const json_t *splitters, struct text *t)
{
	size_t i;
	const json_t *one;
	json_array_foreach(splitters, i, one)
	{
		const json_t *counts = json_object_get(one, "counts");
		text_addf(t, "splitter    %-32s %-8s %lld connections, %lld open; %s\n", "weft",
			  text_of(one, "state"),
			  (long long)json_integer_value(json_object_get(counts, "connections")),
			  (long long)json_integer_value(json_object_get(counts, "active")),
			  text_of(one, "error"));
	}
}

static void add_gateway_groups(const json_t *groups, struct text *t)
{
	size_t i;
	const json_t *group;
	json_array_foreach(groups, i, group)
	{
		const char *gateway = text_of(group, "gateway");
		text_addf(t, "group       %-32s %s; %s\n", text_of(group, "key"),
			  *gateway ? gateway : "no gateway", text_of(group, "cause"));
	}
}

static void add_policies(const json_t *policies, struct text *t)
{
	size_t i;
	const json_t *policy;
	json_array_foreach(policies, i, policy)
	{
		text_addf(t, "policy      %-32s %lld flows, %lld packets, %lld bytes\n",
			  text_of(policy, "key"),
			  (long long)json_integer_value(json_object_get(policy, "flows")),
			  (long long)json_integer_value(json_object_get(policy, "packets")),
			  (long long)json_integer_value(json_object_get(policy, "bytes")));
	}
}

void status_details(const json_t *status, struct text *t)
{
	text_addf(t, "node        %s\n", text_of(status, "name"));
	text_addf(t, "version     %s\n", text_of(status, "version"));
	text_addf(t, "controller  %s (%s)\n", text_of(status, "controller"),
		  json_is_true(json_object_get(status, "connected")) ? "connected"
								     : "not connected");
	text_addf(t, "revision    %lld, target %lld\n",
		  (long long)json_integer_value(json_object_get(status, "revision")),
		  (long long)json_integer_value(json_object_get(status, "target")));
	text_addf(t, "wireguard   %s\n", text_of(status, "wireguard"));
	text_addf(t, "checksums   offload %s\n", text_of(status, "csum_offload"));
	text_addf(t, "entries     %lld, %lld writes since the start\n",
		  (long long)json_integer_value(json_object_get(status, "entries")),
		  (long long)json_integer_value(json_object_get(status, "writes")));
	add_errors(json_object_get(status, "errors"), t);
	add_findings(json_object_get(status, "findings"), t);
	add_peers(json_object_get(status, "peers"), t);
	add_links("link", json_object_get(status, "links"), t);
	add_links("wire", json_object_get(status, "wires"), t);
	add_groups(json_object_get(status, "ha"), t);
	add_links("gateway", json_object_get(status, "gateways"), t);
	add_gateway_groups(json_object_get(status, "gateway_groups"), t);
	add_policies(json_object_get(status, "policies"), t);
	add_resolvers(json_object_get(status, "dns"), t);
	add_splitters(json_object_get(status, "splitter"), t);
}
