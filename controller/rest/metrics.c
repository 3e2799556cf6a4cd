// GET /metrics: the controller's and every node's figures in the Prometheus text format.
//
// Nodes behind a NAT cannot be scraped, so their samples come through here; asking makes the nodes
// send them for a while, so the first scrape after a pause has only what is observed anyway.
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/version.h"
#include "model/json.h"

#include "hub/hub.h"
#include "intent/intent.h"
#include "lists/lists.h"
#include "live/live.h"
#include "rest/handlers.h"
#include "rest/metrics_dns.h"
#include "rest/metrics_families.h"
#include "rest/metrics_labels.h"
#include "rest/metrics_page.h"
#include "rest/server.h"
#include "webhook/webhook.h"

#define SCRAPE_IDLE_MS 90000
#define HISTOGRAMS_MAX 2000 // eleven lines each: a large mesh must not make pages of 100 MB

struct exposition {
	struct page page;
	bool has_links; // peers, wires and ports one by one
	const struct webhooks *webhooks;
	const struct lists *lists;
	size_t histograms, histograms_left_out;
};

static void put(struct exposition *out, const char *name, const char *labels, double value)
{
	page_put(&out->page, name, labels, value);
}

static bool counts_up(const char *key, const char *field)
{
	static const char *const endings[] = { "bytes", "packets", "drops", "_total" };
	if (text_starts(key, "guard/", NULL))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		size_t len = strlen(endings[i]);
		if (strlen(field) >= len && strcmp(field + strlen(field) - len, endings[i]) == 0)
			return true;
	}
	return false;
}

// "handshake_age_s" of "peer/home/bob" -> weft_peer_handshake_age_seconds.
static void name_of(const char *key, const char *field, char *ret_name, size_t size)
{
	size_t len = strlen(field);
	const char *ending = counts_up(key, field) ? "_total" : "";
	if (len > 6 && strcmp(field + len - 6, "_total") == 0)
		ending = "";
	if (len > 2 && strcmp(field + len - 2, "_s") == 0) {
		len -= 2;
		ending = "_seconds";
	}
	(void)snprintf(ret_name, size, "weft_%.*s_%.*s%s", (int)strcspn(key, "/"), key, (int)len,
		       field, ending);
}

static void put_sample(struct exposition *out, const struct subject *node, const char *key,
		       const char *field, double value)
{
	char name[128];
	// Names and keys come from a node: nothing but plain characters may reach the page.
	if (field[strspn(field, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0' ||
	    strlen(field) > 64 || strspn(key, "abcdefghijklmnopqrstuvwxyz") != strcspn(key, "/") ||
	    strcspn(key, "/") > 32)
		return;
	name_of(key, field, name, sizeof(name));
	if (family_is_ours(name))
		return;
	const struct labels labels = labels_of(node, key);
	put(out, name, labels.text, value);
}

// ---- what probes measure ----

static const struct {
	const char *field; // of the sample
	const char *name;
	double unit;
} link_samples[] = {
	{ "rtt_us", "weft_link_latency_seconds", 1e-6 },
	{ "forward_us", "weft_link_forward_seconds", 1e-6 },
	{ "back_us", "weft_link_back_seconds", 1e-6 },
	{ "jitter_us", "weft_link_jitter_seconds", 1e-6 },
	{ "loss", "weft_link_loss", 1 },
	{ "sent", "weft_link_sent_total", 1 },
	{ "returned", "weft_link_returned_total", 1 },
	{ "lost", "weft_link_lost_total", 1 },
	{ "lost_there", "weft_link_lost_there_total", 1 },
	{ "late", "weft_link_late_total", 1 },
	{ "reordered", "weft_link_reordered_total", 1 },
	{ "duplicate", "weft_link_duplicate_total", 1 },
	{ "rejected", "weft_link_rejected_total", 1 },
};

// Upper bounds of the histogram's buckets in microseconds.
static const int bounds_us[] = { 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000 };

static const struct {
	const char *what; // first word of the sample's fields
	const char *name;
	const char *direction; // as a label; NULL: there is none
} histograms[] = {
	{ "rtt", RTT_FAMILY, NULL },
	{ "forward", ONE_WAY_FAMILY, "forward" },
	{ "back", ONE_WAY_FAMILY, "back" },
};

static const json_t *histogram_field(const json_t *fields, const char *what, const char *rest)
{
	char field[48];
	(void)snprintf(field, sizeof(field), "%s_%s", what, rest);
	return json_object_get(fields, field);
}

// "rtt_le_5000": 42, … , "rtt_count": 60, "rtt_sum": 300000, in microseconds.
static void put_histogram(struct exposition *out, size_t which, const struct labels *of_link,
			  const json_t *fields)
{
	const char *what = histograms[which].what, *name = histograms[which].name;
	const json_t *count = histogram_field(fields, what, "count");
	struct labels labels = *of_link;
	struct text *lines =
		json_is_integer(count) ? page_family(&out->page, name, "histogram") : NULL;
	char rest[32];
	if (!lines)
		return;
	if (histograms[which].direction)
		labels_add(&labels, "direction", histograms[which].direction,
			   strlen(histograms[which].direction));
	for (size_t i = 0; i < ARRAY_LEN(bounds_us); i++) {
		(void)snprintf(rest, sizeof(rest), "le_%d", bounds_us[i]);
		const json_t *below = histogram_field(fields, what, rest);
		if (json_is_integer(below))
			text_addf(lines, "%s_bucket{%s,le=\"%g\"} %.15g\n", name, labels.text,
				  bounds_us[i] / 1e6, json_number_value(below));
	}
	text_addf(lines, "%s_bucket{%s,le=\"+Inf\"} %.15g\n", name, labels.text,
		  json_number_value(count));
	text_addf(lines, "%s_sum{%s} %.15g\n", name, labels.text,
		  json_number_value(histogram_field(fields, what, "sum")) / 1e6);
	text_addf(lines, "%s_count{%s} %.15g\n", name, labels.text, json_number_value(count));
}

static void put_histograms(struct exposition *out, const struct labels *labels,
			   const json_t *fields)
{
	if (out->histograms >= HISTOGRAMS_MAX) {
		out->histograms_left_out++;
		return;
	}
	out->histograms++;
	for (size_t i = 0; i < ARRAY_LEN(histograms); i++)
		put_histogram(out, i, labels, fields);
}

static void put_link_sample(struct exposition *out, const struct subject *node, const char *key,
			    const json_t *fields)
{
	const struct labels labels = labels_of(node, key);
	for (size_t i = 0; i < ARRAY_LEN(link_samples); i++) {
		const json_t *value = json_object_get(fields, link_samples[i].field);
		if (json_is_number(value))
			put(out, link_samples[i].name, labels.text,
			    json_number_value(value) * link_samples[i].unit);
	}
	put_histograms(out, &labels, fields);
}

static void put_link_state(struct exposition *out, const struct labels *labels, const char *state)
{
	const bool is_degraded = strcmp(state, "degraded") == 0;
	if (strcmp(state, "unknown") == 0)
		return;
	put(out, "weft_link_up", labels->text, is_degraded || strcmp(state, "up") == 0);
	put(out, "weft_link_degraded", labels->text, is_degraded);
}

static void put_wire_state(struct exposition *out, const struct labels *labels, const json_t *body)
{
	const char *state = json_string_value(json_object_get(body, "state"));
	put(out, "weft_wire_up", labels->text, json_is_true(json_object_get(body, "up")));
	if (state && strcmp(state, "unknown") != 0)
		put(out, "weft_wire_forwards", labels->text, strcmp(state, "down") != 0);
}

// There is one for each link of a node: of all nodes together they may be too many to be told.
static bool is_per_link(const char *key)
{
	static const char *const kinds[] = {
		"link/", "peer/", "wire/", "port/", "path/", "outside/"
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (text_starts(key, kinds[i], NULL))
			return true;
	return false;
}

// What each rule of a policy has decided and carried: "rule_3_flows_total": 42.
static void put_policy_sample(struct exposition *out, const struct subject *node,
			      const char *policy, const json_t *fields)
{
	static const char *const counts[][2] = {
		{ "flows_total", "weft_policy_rule_flows_total" },
		{ "packets_total", "weft_policy_rule_packets_total" },
		{ "bytes_total", "weft_policy_rule_bytes_total" },
	};
	const char *field;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)fields, field, value)
	{
		char rule[16], what[32];
		if (!json_is_number(value) || sscanf(field, "rule_%15[0-9]_%31s", rule, what) != 2)
			continue;
		struct labels labels = labels_with(node, "policy", policy);
		labels_add(&labels, "rule", rule, strlen(rule));
		for (size_t k = 0; k < ARRAY_LEN(counts); k++)
			if (strcmp(what, counts[k][0]) == 0)
				put(out, counts[k][1], labels.text, json_number_value(value));
	}
}

// False: it is nothing of gateways and policies.
static bool put_egress_sample(struct exposition *out, const struct subject *node, const char *key,
			      const json_t *fields)
{
	const char *name;
	if (text_starts(key, "policy/", &name)) {
		put_policy_sample(out, node, name, fields);
		return true;
	}
	if (!text_starts(key, "gateway-group/", &name))
		return false;
	const struct labels labels = labels_with(node, "group", name);
	put(out, "weft_gateway_group_moves_total", labels.text,
	    json_number_value(json_object_get(fields, "moves_total")));
	return true;
}

static void put_egress_state(struct exposition *out, const struct subject *node, const char *key,
			     const json_t *body)
{
	const char *state = json_string_value(json_object_get(body, "state"));
	const char *gateway = json_string_value(json_object_get(body, "gateway"));
	const char *name;
	if (text_starts(key, "gateway/", &name) && state && strcmp(state, "unknown") != 0) {
		const struct labels labels = labels_with(node, "gateway", name);
		put(out, "weft_gateway_up", labels.text, strcmp(state, "down") != 0);
	} else if (text_starts(key, "gateway-group/", &name)) {
		struct labels labels = labels_with(node, "group", name);
		put(out, "weft_gateway_group_up", labels.text, gateway != NULL);
		if (!gateway || !text_starts(gateway, "gateway/", &name))
			return;
		labels_add(&labels, "gateway", name, strlen(name));
		put(out, "weft_gateway_group_uses", labels.text, 1);
	}
}

static void put_samples(struct exposition *out, const struct subject *node, const json_t *values)
{
	const char *key;
	const char *field;
	json_t *fields;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)values, key, fields)
	{
		if (!out->has_links && is_per_link(key))
			continue;
		if (text_starts(key, "link/", NULL)) {
			put_link_sample(out, node, key, fields);
			continue;
		}
		if (put_egress_sample(out, node, key, fields) ||
		    metrics_put_dns(&out->page, node, key, fields))
			continue;
		json_object_foreach(fields, field, value) if (json_is_number(value))
			put_sample(out, node, key, field, json_number_value(value));
	}
}

static void put_path_state(struct exposition *out, struct labels labels, const json_t *body)
{
	const json_t *lan = json_object_get(body, "lan");
	const char *group = json_string_value(json_object_get(lan, "group"));
	if (json_is_integer(json_object_get(body, "way")))
		put(out, "weft_path_direct", labels.text,
		    json_is_null(json_object_get(body, "by")));
	if (!group)
		return;
	labels_add(&labels, "group", group, strlen(group));
	put(out, "weft_path_lan_followed", labels.text,
	    json_is_true(json_object_get(lan, "followed")));
}

// Which of the links that lead to a prefix outside carries its traffic.
static void put_outside(struct exposition *out, const struct subject *node, const char *prefix,
			const json_t *body)
{
	const json_t *way;
	size_t i;
	json_array_foreach(json_object_get(body, "ways"), i, way)
	{
		const char *link = json_string_value(json_object_get(way, "by"));
		struct labels labels = labels_of_node(node);
		if (!link)
			continue;
		labels_add(&labels, "link", link, strlen(link));
		labels_add(&labels, "prefix", prefix, strlen(prefix));
		put(out, "weft_link_active", labels.text,
		    json_equal(json_object_get(way, "number"), json_object_get(body, "way")));
	}
}

// What the observed entries tell without samples.
static void put_observed(struct exposition *out, const struct subject *node, const json_t *entries)
{
	const char *key, *prefix;
	json_t *body;
	json_object_foreach((json_t *)(uintptr_t)entries, key, body)
	{
		const char *state = json_string_value(json_object_get(body, "state"));
		const struct labels labels = labels_of(node, key);
		if (text_starts(key, "peer/", NULL) && state)
			put(out, "weft_peer_up", labels.text, strcmp(state, "up") == 0);
		else if (text_starts(key, "link/", NULL) && state)
			put_link_state(out, &labels, state);
		else if (text_starts(key, "port/", NULL) && state)
			put(out, "weft_port_forwarding", labels.text,
			    strcmp(state, "forwarding") == 0);
		else if (text_starts(key, "path/", NULL))
			put_path_state(out, labels, body);
		else if (text_starts(key, "outside/", &prefix))
			put_outside(out, node, prefix, body);
		else if (text_starts(key, "wire/", NULL))
			put_wire_state(out, &labels, body);
		else
			put_egress_state(out, node, key, body);
	}
}

static void put_groups(struct exposition *out, const struct subject *node,
		       const struct entry_set *entries)
{
	static const char *const numbers[][2] = { { "weft_ha_epoch", "epoch" },
						  { "weft_ha_voters", "voters" },
						  { "weft_ha_voters_heard", "heard" } };
	struct entry_change entry;
	for (size_t at = 0; entries && entry_set_next_under(entries, "ha/", &at, &entry);) {
		const char *group = entry.key + strlen("ha/");
		json_auto_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
		const char *state = json_string_value(json_object_get(body, "state"));
		struct labels labels = labels_of_node(node);
		labels_add(&labels, "group", group, strlen(group));
		if (state && strcmp(state, "witness") != 0)
			put(out, "weft_ha_active", labels.text, strcmp(state, "active") == 0);
		for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
			put(out, numbers[i][0], labels.text,
			    json_number_value(json_object_get(body, numbers[i][1])));
	}
}

static void put_node(struct exposition *out, const struct live *live, const json_t *node,
		     const struct map *sites)
{
	const struct subject subject = { json_string_value(json_object_get(node, "name")),
					 json_string_value(json_object_get(node, "site")), sites };
	static const char *const numbers[][2] = {
		{ "weft_node_target_revision", "target" },
		{ "weft_node_applied_revision", "applied" },
		{ "weft_node_lag_revisions", "lag" },
		{ "weft_node_entry_errors", "errors_total" },
	};
	if (!subject.name)
		return;
	const struct labels labels = labels_of_node(&subject);
	put(out, "weft_node_refused_revision", labels.text,
	    json_number_value(json_object_get(json_object_get(node, "refused"), "revision")));
	put(out, "weft_node_connected", labels.text,
	    json_is_true(json_object_get(node, "connected")));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		put(out, numbers[i][0], labels.text,
		    json_number_value(json_object_get(node, numbers[i][1])));
	int64_t id = json_integer_value(json_object_get(node, "id"));
	const struct live_links links = live_node_links(live, id);
	put(out, "weft_node_peers", labels.text, (double)links.peers);
	put(out, "weft_node_peers_up", labels.text, (double)links.peers_up);
	put_groups(out, &subject, live_node_entries(live, id));
	json_auto_t *observed =
		out->has_links ? live_observed_json(live, id) : live_samples_json(live, id);
	put_observed(out, &subject, json_object_get(observed, "entries"));
	put_samples(out, &subject, json_object_get(json_object_get(observed, "samples"), "values"));
}

static size_t links_of(const struct live *live, const json_t *nodes)
{
	size_t count = 0, i;
	json_t *node;
	json_array_foreach((json_t *)(uintptr_t)nodes, i, node) count +=
		live_node_links(live, json_integer_value(json_object_get(node, "id"))).reported;
	return count;
}

static void put_nodes(struct exposition *out, const struct live *live, size_t links_max)
{
	char labels[128];
	json_auto_t *state = live_state_json(live, clock_wall_ms());
	size_t links = links_of(live, json_object_get(state, "nodes"));
	out->has_links = links <= links_max;
	put(out, "weft_metrics_links_left_out", "", out->has_links ? 0 : (double)links);
	static const char *const healths[] = { "ok", "lagging", "error", "offline", "never" };
	const json_t *counts = json_object_get(state, "counts");
	for (size_t i = 0; i < ARRAY_LEN(healths); i++) {
		(void)snprintf(labels, sizeof(labels), "health=\"%s\"", healths[i]);
		put(out, "weft_nodes", labels,
		    json_number_value(json_object_get(counts, healths[i])));
	}
	size_t i;
	json_t *node;
	struct map *sites = labels_sites(json_object_get(state, "nodes"));
	json_array_foreach(json_object_get(state, "nodes"), i, node)
		put_node(out, live, node, sites);
	map_free(sites);
	put(out, "weft_link_histograms_left_out", "", (double)out->histograms_left_out);
}

static void put_one(struct exposition *out, const struct live *live, const json_t *node)
{
	json_auto_t *state = live_state_json(live, clock_wall_ms());
	struct map *sites = labels_sites(json_object_get(state, "nodes"));
	put_node(out, live, node, sites);
	map_free(sites);
}

static bool put_webhook(void *arg, const struct intent_resource *webhook)
{
	static const char *const numbers[][2] = { { "weft_webhook_delivered_total", "delivered" },
						  { "weft_webhook_failed_total", "failed" },
						  { "weft_webhook_waiting", "waiting" } };
	struct exposition *out = arg;
	json_auto_t *status = webhooks_status(out->webhooks, webhook->id);
	struct labels labels = { 0 };
	labels_add(&labels, "webhook", webhook->name, strlen(webhook->name));
	for (size_t i = 0; status && i < ARRAY_LEN(numbers); i++)
		put(out, numbers[i][0], labels.text,
		    json_number_value(json_object_get(status, numbers[i][1])));
	return true;
}

static bool put_list(void *arg, const struct intent_resource *list)
{
	struct exposition *out = arg;
	struct labels labels = { 0 };
	struct list_status s;
	labels_add(&labels, "list", list->name, strlen(list->name));
	if (!lists_status(out->lists, list->id, &s) || !s.source)
		return true;
	put(out, "weft_list_rules", labels.text, (double)s.rules);
	put(out, "weft_list_failures", labels.text, s.failures);
	if (s.checked_ms > 0)
		put(out, "weft_list_age_seconds", labels.text,
		    (double)(clock_wall_ms() - s.checked_ms) / 1000);
	return true;
}

static void put_controller(struct exposition *out, const struct rest *rest)
{
	struct hub_counters hub;
	char version[64];
	size_t rss = 0;
	hub_counters_read(rest->services.hub, &hub);
	(void)uv_resident_set_memory(&rss);
	(void)snprintf(version, sizeof(version), "version=\"%s\"", weft_version());
	put(out, "weft_controller_info", version, 1);
	put(out, "weft_revision", "", (double)intent_revision(rest->services.intent));
	struct intent_confirmation waiting = { 0 };
	bool waits = intent_confirmation(rest->services.intent, &waiting);
	int64_t left_ms = waits ? waiting.due_ms - clock_wall_ms() : 0;
	put(out, "weft_revision_waiting", "", (double)waiting.revision);
	put(out, "weft_revision_waiting_seconds", "", left_ms > 0 ? (double)left_ms / 1000 : 0);
	put(out, "weft_controller_resident_bytes", "", (double)rss);
	put(out, "weft_event_streams", "", (double)rest->stream_count);
	put(out, "weft_hub_connected", "", (double)hub_count(rest->services.hub));
	put(out, "weft_hub_sessions_total", "", (double)hub.sessions_total);
	put(out, "weft_hub_refused_total", "", (double)hub.refused_total);
	put(out, "weft_hub_dropped_total", "", (double)hub.dropped_total);
	put(out, "weft_hub_messages_in_total", "", (double)hub.messages_in);
	put(out, "weft_hub_messages_out_total", "", (double)hub.messages_out);
	put(out, "weft_hub_bytes_in_total", "", (double)hub.bytes_in);
	put(out, "weft_hub_bytes_out_total", "", (double)hub.bytes_out);
	put(out, "weft_hub_queued_bytes", "", (double)hub.queued_bytes);
	intent_list(rest->services.intent, "webhooks", NULL, put_webhook, out);
	intent_list(rest->services.intent, "domain-lists", NULL, put_list, out);
}

void metrics_idle(struct rest *rest)
{
	if (rest->is_scraped)
		hub_samples_want(rest->services.hub, HUB_ALL_NODES, -1);
	rest->is_scraped = false;
}

static void scrape_over(uv_timer_t *timer)
{
	metrics_idle(timer->data);
}

void metrics_want(struct rest *rest)
{
	if (!rest->is_scraped)
		hub_samples_want(rest->services.hub, HUB_ALL_NODES, 1);
	rest->is_scraped = true;
	(void)uv_timer_start(&rest->scrape, scrape_over, SCRAPE_IDLE_MS, 0);
}

void metrics_get(struct request *request)
{
	struct rest *rest = request->rest;
	bool is_free = rest->config.metrics_open && request_is_loopback(request);
	if (!is_free && !connection_authorise(request))
		return;
	const struct live *live = rest->services.live;
	const char *name = request_query(request, "node");
	json_auto_t *of_one =
		name ? live_node_json(live, live_node_id(live, name), clock_wall_ms()) : NULL;
	if (name && !of_one) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "there is no node %s", name);
		return;
	}
	metrics_want(rest);
	struct exposition out = { .page = page_new(),
				  .webhooks = rest->services.webhooks,
				  .lists = rest->services.lists };
	if (of_one) {
		out.has_links = true;
		put_one(&out, live, of_one);
	} else {
		put_controller(&out, rest);
		put_nodes(&out, live, rest->config.metrics_links);
	}
	CLEAN(free_ptr) char *text = page_take(&out.page);
	if (text)
		request_answer_text(request, MHD_HTTP_OK,
				    "text/plain; version=0.0.4; charset=utf-8", text);
	else
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
}
