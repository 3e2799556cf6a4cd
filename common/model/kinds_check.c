#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/kinds.h"
#include "model/kinds_parts.h"
#include "model/match.h"
#include "model/net.h"

void check_add(const struct check *c, const char *field, const char *fmt, ...)
{
	struct text path = { 0 }, sentence = { 0 };
	va_list args;
	va_start(args, fmt);
	text_vaddf(&sentence, fmt, args);
	va_end(args);
	text_addf(&path, "%s%s%s", c->prefix, c->prefix[0] && field[0] ? "." : "", field);
	CLEAN(free_ptr) char *path_text = text_take(&path);
	CLEAN(free_ptr) char *sentence_text = text_take(&sentence);
	problem_add(c->problems, path_text ? path_text : field, "%s",
		    sentence_text ? sentence_text : "it is not valid");
}

// The plain name at object[field], NULL when absent or of a wrong kind.
static const char *reference_in(const json_t *object, const char *field, enum kind_id to)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text ? kind_reference_name(to, text, NULL) : NULL;
}

static const char *reference_at(const json_t *array, size_t i)
{
	const char *text = json_string_value(json_array_get(array, i));
	return text ? kind_reference_name(KIND_NODES, text, NULL) : NULL;
}

// Two prefixes of one list that overlap would hand the same address out twice.
static void check_prefixes(const struct check *c, const json_t *spec, const char *field)
{
	const json_t *list = json_object_get(spec, field);
	struct prefix a, b;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *a_text = json_string_value(json_array_get(list, i));
		if (!a_text || prefix_parse(a_text, &a, NULL) < 0)
			continue;
		for (size_t j = 0; j < i; j++) {
			const char *b_text = json_string_value(json_array_get(list, j));
			if (!b_text || prefix_parse(b_text, &b, NULL) < 0 ||
			    !prefix_overlaps(&a, &b))
				continue;
			CLEAN(free_ptr) char *path = text_format("%s[%zu]", field, i);
			check_add(c, path ? path : field, "%s overlaps %s in the same list", a_text,
				  b_text);
		}
	}
}

// A link or pair whose ends are one node, written in two ways.
static void check_ends(const struct check *c, const char *field, const json_t *ends)
{
	const char *a = reference_at(ends, 0), *b = reference_at(ends, 1);
	if (a && b && strcmp(a, b) == 0)
		check_add(c, field, "a link needs two different nodes, not %s twice", a);
}

// One address of each family in a list.
static void check_families(const struct check *c, const char *at, const json_t *list)
{
	bool is_seen[2] = { false, false };
	struct address a;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		CLEAN(free_ptr) char *path = text_format("%s[%zu]", at, i);
		if (!text || address_parse(text, &a, NULL) < 0)
			continue;
		if (!address_is_unicast(&a))
			check_add(c, path ? path : at, "%s is no address of one host", text);
		else if (is_seen[a.family == 6])
			check_add(c, path ? path : at, "%s is a second address of its family",
				  text);
		is_seen[a.family == 6] = true;
	}
}

enum { UPLINKS_MAX = 16 };

static void check_node(const struct check *c, const json_t *spec)
{
	const json_t *uplinks = json_object_get(spec, "uplinks");
	const char *name, *other;
	json_t *uplink, *before;
	struct err err;
	if (json_object_size(uplinks) > UPLINKS_MAX)
		check_add(c, "uplinks", "%zu are too many, %d are possible",
			  json_object_size(uplinks), UPLINKS_MAX);
	json_object_foreach((json_t *)uplinks, name, uplink)
	{
		const char *interface = json_string_value(json_object_get(uplink, "interface"));
		CLEAN(free_ptr) char *path = text_format("uplinks.%.80s", name);
		CLEAN(free_ptr) char *via = text_format("uplinks.%.80s.via", name);
		if (!path || !via)
			continue;
		if (name_check(name, &err) < 0)
			check_add(c, path, "%s", err.text);
		check_families(c, via, json_object_get(uplink, "via"));
		json_object_foreach((json_t *)uplinks, other, before)
		{
			const char *same = json_string_value(json_object_get(before, "interface"));
			if (strcmp(other, name) < 0 && interface && same &&
			    strcmp(interface, same) == 0)
				check_add(c, path, "%s is already uplink %s", interface, other);
		}
	}
}

static void check_gateway(const struct check *c, const json_t *spec)
{
	static const char *const of_checks[] = { "probe", "sla" };
	if (!json_object_get(spec, "uplink") && !json_object_get(spec, "node"))
		check_add(c, "", "an uplink is needed, or the node whose own way is taken");
	check_families(c, "check", json_object_get(spec, "check"));
	if (json_object_get(spec, "check") && !json_object_get(spec, "uplink"))
		check_add(c, "check", "it is asked through an uplink, which is not named");
	for (size_t i = 0; i < ARRAY_LEN(of_checks); i++)
		if (json_object_get(spec, of_checks[i]) && !json_object_get(spec, "check"))
			check_add(c, of_checks[i], "nothing is measured without a check");
}

bool kind_rule_fits_all(const json_t *rule)
{
	const json_t *to = json_object_get(rule, "to");
	for (size_t i = 0; i < json_array_size(to); i++) {
		const char *text = json_string_value(json_array_get(to, i));
		if (text && strcmp(text, "any") == 0)
			return !json_object_get(rule, "ports");
	}
	return false;
}

bool kind_rule_has_list(const json_t *rule)
{
	const json_t *to = json_object_get(rule, "to");
	struct destination d;
	bool has = false;
	for (size_t i = 0; i < json_array_size(to); i++) {
		const char *text = json_string_value(json_array_get(to, i));
		if (!text || destination_parse(text, &d, NULL) < 0)
			continue;
		if (d.kind == DESTINATION_ANY)
			return false;
		has = has || d.kind == DESTINATION_LIST;
	}
	return has;
}

static void check_names_of_rule(const struct check *c, const json_t *spec, size_t i)
{
	const json_t *rule = json_array_get(json_object_get(spec, "rules"), i);
	const json_t *split = json_object_get(spec, "split");
	const char *block = json_string_value(json_object_get(rule, "block"));
	const bool is_unknown = json_is_true(json_object_get(rule, "unknown"));
	CLEAN(free_ptr) char *unknown = text_format("rules[%zu].unknown", i);
	CLEAN(free_ptr) char *answer = text_format("rules[%zu].block", i);
	if (!unknown || !answer)
		return;
	if (is_unknown && !kind_rule_has_list(rule))
		check_add(c, unknown, "it is for rules by name: to has no list/NAME, or has any");
	else if (is_unknown && split && json_array_size(split) == 0)
		check_add(c, unknown, "no flow is looked into for its name, as split is empty");
	if (block && strcmp(block, "nxdomain") == 0 && !kind_rule_has_list(rule))
		check_add(c, answer,
			  "there is no name to answer so: to has no list/NAME, or has any");
}

// A rule behind one that fits all is never reached: surely not what was meant.
static void check_policy(const struct check *c, const json_t *spec)
{
	const json_t *rules = json_object_get(spec, "rules");
	for (size_t i = 0; i < json_array_size(rules); i++)
		check_names_of_rule(c, spec, i);
	for (size_t i = 0; i + 1 < json_array_size(rules); i++) {
		CLEAN(free_ptr) char *path = text_format("rules[%zu]", i + 1);
		if (!kind_rule_fits_all(json_array_get(rules, i)))
			continue;
		check_add(c, path ? path : "rules",
			  "it is never reached: rule %zu before it fits all", i + 1);
		return;
	}
}

static void check_site(const struct check *c, const json_t *spec)
{
	check_prefixes(c, spec, "lan");
}

static void check_sla(const struct check *c, const json_t *spec)
{
	if (!json_object_get(spec, "latency") && !json_object_get(spec, "jitter") &&
	    !json_object_get(spec, "loss"))
		check_add(c, "", "it limits nothing: a latency, a jitter or a loss is needed");
}

static void check_network(const struct check *c, const json_t *spec)
{
	check_prefixes(c, spec, "pool");
	const char *hub = reference_in(spec, "hub", KIND_NODES);
	const json_t *spokes = json_object_get(spec, "spokes");
	for (size_t i = 0; hub && i < json_array_size(spokes); i++) {
		const char *spoke = reference_at(spokes, i);
		CLEAN(free_ptr) char *path = text_format("spokes[%zu]", i);
		if (spoke && strcmp(spoke, hub) == 0)
			check_add(c, path ? path : "spokes",
				  "%s is the hub and cannot be its own spoke", hub);
	}
	const json_t *links = json_object_get(spec, "links");
	for (size_t i = 0; i < json_array_size(links); i++) {
		CLEAN(free_ptr) char *path = text_format("links[%zu]", i);
		check_ends(c, path ? path : "links", json_array_get(links, i));
	}
}

static void check_target(const struct check *c, const json_t *spec)
{
	const char *text = json_string_value(json_object_get(spec, "target"));
	struct address a;
	if (text && address_parse(text, &a, NULL) == 0 && !address_is_unicast(&a))
		check_add(c, "target", "%s is no address of one host", text);
}

static void check_via(const struct check *c, const json_t *spec)
{
	const json_t *list = json_object_get(spec, "via");
	bool is_seen[2] = { false, false };
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		CLEAN(free_ptr) char *path = text_format("via[%zu]", i);
		struct address a;
		if (!text || address_parse(text, &a, NULL) < 0)
			continue;
		if (!address_is_unicast(&a))
			check_add(c, path ? path : "via", "%s is no address of one host", text);
		if (is_seen[a.family == 6])
			check_add(c, path ? path : "via", "%s is a second router of its family",
				  text);
		is_seen[a.family == 6] = true;
	}
}

static void check_external_link(const struct check *c, const json_t *spec)
{
	static const char *const not_for_these[] = { "cost", "mtu" };
	if (strchr(c->name, '.'))
		check_add(c, "", "an external link has a name without dots");
	for (size_t i = 0; i < ARRAY_LEN(not_for_these); i++)
		if (json_object_get(spec, not_for_these[i]))
			check_add(c, not_for_these[i], "an external link carries no wires");
	check_target(c, spec);
	check_via(c, spec);
}

static void check_link(const struct check *c, const json_t *spec)
{
	if (json_object_get(spec, "node")) {
		check_external_link(c, spec);
		return;
	}
	if (!json_object_get(spec, "network")) {
		check_add(
			c, "",
			"a network and its ends are missing, or, for an external link, a node, an "
			"interface and a target");
		return;
	}
	const json_t *ends = json_object_get(spec, "ends");
	const char *network = reference_in(spec, "network", KIND_NETWORKS);
	const char *a = reference_at(ends, 0), *b = reference_at(ends, 1);
	check_ends(c, "ends", ends);
	if (!network || !a || !b)
		return;
	CLEAN(free_ptr) char *name = kind_link_name(network, a, b);
	if (name && strcmp(name, c->name) != 0)
		check_add(c, "", "the link between these ends is named %s", name);
}

// A duration of the spec or its default, in milliseconds.
static int64_t timer(const json_t *stp, const char *field, int64_t fallback)
{
	const char *text = json_string_value(json_object_get(stp, field));
	int64_t ms = fallback;
	if (text)
		(void)duration_parse(text, &ms, NULL);
	return ms;
}

// IEEE 802.1D-2004, 17.14: 2 x (forward_delay - 1 s) >= max_age >= 2 x (hello_time + 1 s).
static void check_segment(const struct check *c, const json_t *spec)
{
	check_prefixes(c, spec, "pool");
	const json_t *stp = json_object_get(spec, "stp");
	const char *mode = json_string_value(json_object_get(spec, "mode"));
	if (!stp)
		return;
	if (mode && strcmp(mode, "routed") == 0)
		check_add(c, "stp", "a routed segment has no spanning tree");
	int64_t hello = timer(stp, "hello_time", 1000), age = timer(stp, "max_age", 10000);
	int64_t delay = timer(stp, "forward_delay", 6000);
	char longest[DURATION_TEXT_SIZE], least[DURATION_TEXT_SIZE];
	(void)duration_format(2 * (delay - 1000), longest);
	(void)duration_format(2 * (hello + 1000), least);
	if (age > 2 * (delay - 1000))
		check_add(c, "stp.max_age", "it may be at most twice (forward_delay - 1s), here %s",
			  longest);
	if (age < 2 * (hello + 1000))
		check_add(c, "stp.max_age", "it must be at least twice (hello_time + 1s), here %s",
			  least);
}

static void check_enrolment_key(const struct check *c, const json_t *spec)
{
	const json_t *uses = json_object_get(spec, "uses");
	if (json_object_get(spec, "node") && json_integer_value(uses) > 1)
		check_add(c, "uses", "a key for one node can be used only once");
}

static void check_webhook(const struct check *c, const json_t *spec)
{
	if (!json_object_get(spec, "url") && !json_object_get(spec, "url_from"))
		check_add(c, "url",
			  "an address is needed, here or in the secret that url_from names");
}

enum { HA_VOTERS_MAX = 16 };

// One node, written in two ways or in both lists, would have two votes.
static void check_voters(const struct check *c, const json_t *spec)
{
	static const char *const fields[] = { "members", "witness" };
	const char *seen[2 * HA_VOTERS_MAX];
	size_t n = 0;
	for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
		const json_t *list = json_object_get(spec, fields[f]);
		for (size_t i = 0; i < json_array_size(list) && n < ARRAY_LEN(seen); i++) {
			CLEAN(free_ptr) char *path = text_format("%s[%zu]", fields[f], i);
			const char *name = reference_at(list, i);
			for (size_t k = 0; name && k < n; k++) {
				if (strcmp(seen[k], name) == 0)
					check_add(c, path ? path : fields[f],
						  "%s votes already: it stands there twice", name);
			}
			if (name)
				seen[n++] = name;
		}
	}
	// An even number of them is made odd by the controller.
	if (n + (n % 2 == 0) > HA_VOTERS_MAX)
		check_add(c, "witness", "%zu voters are too many, %d are possible", n,
			  HA_VOTERS_MAX);
}

static void check_ha_group(const struct check *c, const json_t *spec)
{
	const json_t *vips = json_object_get(spec, "vip");
	struct address a, b;
	check_voters(c, spec);
	for (size_t i = 0; i < json_array_size(vips); i++) {
		const char *text = json_string_value(json_array_get(vips, i));
		CLEAN(free_ptr) char *path = text_format("vip[%zu]", i);
		if (!text || !path || address_parse(text, &a, NULL) < 0)
			continue;
		if (!address_is_usable(&a))
			check_add(c, path, "%s is no address that a host of a LAN can have", text);
		for (size_t k = 0; k < i; k++) {
			const char *other = json_string_value(json_array_get(vips, k));
			if (other && address_parse(other, &b, NULL) == 0 && address_equal(&a, &b))
				check_add(c, path, "%s stands there twice", text);
		}
	}
	if (json_is_false(json_object_get(spec, "preempt")) && json_object_get(spec, "hold_down"))
		check_add(c, "hold_down", "nothing waits for it, as preempt is false");
}

// NULL: the schema says it all.
static void (*const checks[KIND_COUNT])(const struct check *, const json_t *) = {
	[KIND_NODES] = check_node,
	[KIND_SITES] = check_site,
	[KIND_SLAS] = check_sla,
	[KIND_NETWORKS] = check_network,
	[KIND_LINKS] = check_link,
	[KIND_SEGMENTS] = check_segment,
	[KIND_ENROLMENT_KEYS] = check_enrolment_key,
	[KIND_WEBHOOKS] = check_webhook,
	[KIND_HA_GROUPS] = check_ha_group,
	[KIND_DOMAIN_LISTS] = check_domain_list,
	[KIND_BLOCKLISTS] = check_blocklist,
	[KIND_DNS_ZONES] = check_dns_zone,
	[KIND_DNS_FORWARDS] = check_dns_forward,
	[KIND_RESOLVERS] = check_resolver,
	[KIND_GATEWAYS] = check_gateway,
	[KIND_POLICIES] = check_policy,
};

void kind_check_spec(const struct kind *k, const char *name, const json_t *spec, const char *prefix,
		     struct problem_list *problems)
{
	struct check c = { .name = name, .prefix = prefix, .problems = problems };
	if (checks[kind_id_of(k)])
		checks[kind_id_of(k)](&c, spec);
}
