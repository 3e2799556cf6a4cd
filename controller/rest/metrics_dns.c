#include "rest/metrics_dns.h"

#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#define US 1e-6 // in seconds

// One number of a sample, and what it is called on the page.
struct figure {
	const char *field;
	const char *name;
	const char *label, *value; // NULL: none beside those of its key
	double unit;
};

static const struct figure of_resolver[] = {
	{ "udp", "weft_dns_questions_total", "transport", "udp", 1 },
	{ "tcp", "weft_dns_questions_total", "transport", "tcp", 1 },
	{ "local", "weft_dns_answers_total", "result", "local", 1 },
	{ "cached", "weft_dns_answers_total", "result", "cached", 1 },
	{ "stale", "weft_dns_answers_total", "result", "stale", 1 },
	{ "forwarded", "weft_dns_answers_total", "result", "forwarded", 1 },
	{ "blocked", "weft_dns_answers_total", "result", "blocked", 1 },
	{ "failed", "weft_dns_answers_total", "result", "failed", 1 },
	{ "refused", "weft_dns_answers_total", "result", "refused", 1 },
	{ "limited", "weft_dns_answers_total", "result", "limited", 1 },
	{ "p50_us", "weft_dns_answer_seconds", "quantile", "0.5", US },
	{ "p99_us", "weft_dns_answer_seconds", "quantile", "0.99", US },
	{ "hits", "weft_dns_cache_lookups_total", "result", "hit", 1 },
	{ "misses", "weft_dns_cache_lookups_total", "result", "miss", 1 },
	{ "expired", "weft_dns_cache_lookups_total", "result", "expired", 1 },
	{ "renewals", "weft_dns_cache_renewals_total", NULL, NULL, 1 },
	{ "evicted", "weft_dns_cache_evicted_total", NULL, NULL, 1 },
	{ "entries", "weft_dns_cache_entries", NULL, NULL, 1 },
	{ "bytes", "weft_dns_cache_bytes", NULL, NULL, 1 },
	{ "doh", "weft_dns_doh_blocked_total", NULL, NULL, 1 },
	{ "learned", "weft_dns_learned", NULL, NULL, 1 },
	{ "shared", "weft_dns_shared", NULL, NULL, 1 },
	{ "writes", "weft_dns_set_writes_total", NULL, NULL, 1 },
	{ "write_failures", "weft_dns_set_write_failures_total", NULL, NULL, 1 },
};

static const struct figure of_upstream[] = {
	{ "up", "weft_dns_upstream_up", NULL, NULL, 1 },
	{ "answers", "weft_dns_upstream_answers_total", NULL, NULL, 1 },
	{ "useless", "weft_dns_upstream_useless_total", NULL, NULL, 1 },
	{ "failures", "weft_dns_upstream_failures_total", NULL, NULL, 1 },
	{ "waited_us", "weft_dns_upstream_answer_seconds_total", NULL, NULL, US },
};

static const struct figure of_block[] = {
	{ "hits", "weft_dns_blocked_total", NULL, NULL, 1 },
	{ "names", "weft_dns_blocklist_names", NULL, NULL, 1 },
};

static const struct figure of_list[] = {
	{ "hits", "weft_dns_list_hits_total", NULL, NULL, 1 },
};

// Which labels the parts of a key are, the last one its whole rest.
static const struct {
	const char *prefix;
	const char *labels[4]; // NULL: no more
	const struct figure *figures;
	size_t len;
} kinds[] = {
	{ "dns/", { "resolver" }, of_resolver, ARRAY_LEN(of_resolver) },
	{ "dns-upstream/",
	  { "transport", "upstream", "port" },
	  of_upstream,
	  ARRAY_LEN(of_upstream) },
	{ "dns-block/", { "blocklist", "list" }, of_block, ARRAY_LEN(of_block) },
	{ "names/", { "list" }, of_list, ARRAY_LEN(of_list) },
};

static struct labels labels_of_parts(const struct subject *node, const char *rest,
				     const char *const *names)
{
	struct labels labels = labels_of_node(node);
	for (size_t i = 0; names[i] && *rest; i++) {
		// "tls/192.0.2.1@853"
		size_t len = names[i + 1] ? strcspn(rest, "/@") : strlen(rest);
		labels_add(&labels, names[i], rest, len);
		rest += len + (rest[len] != '\0');
	}
	return labels;
}

static void put_figures(struct page *page, const struct labels *of_key,
			const struct figure *figures, size_t len, const json_t *fields)
{
	for (size_t i = 0; i < len; i++) {
		const struct figure *figure = &figures[i];
		const json_t *value = json_object_get(fields, figure->field);
		struct labels labels = *of_key;
		if (!json_is_number(value))
			continue;
		if (figure->label)
			labels_add(&labels, figure->label, figure->value, strlen(figure->value));
		page_put(page, figure->name, labels.text, json_number_value(value) * figure->unit);
	}
}

bool metrics_put_dns(struct page *page, const struct subject *node, const char *key,
		     const json_t *fields)
{
	const char *rest;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!text_starts(key, kinds[i].prefix, &rest))
			continue;
		const struct labels labels = labels_of_parts(node, rest, kinds[i].labels);
		put_figures(page, &labels, kinds[i].figures, kinds[i].len, fields);
		return true;
	}
	return false;
}
