// What of a node's policies is decided by names: the lists of rules, the ports whose flows are
// looked into, the splitter that does it.
#include <string.h>

#include "model/kinds.h"

#include "plan/egress.h"
#include "plan/generate.h"
#include "plan/numbers.h"

static json_t *json_ports(const struct ports *ports)
{
	return json_pack("{s:s, s:i, s:i}", "proto", ports->protocol == 6 ? "tcp" : "udp", "first",
			 ports->first, "last", ports->last);
}

static const struct ports split_default[] = { { 6, 80, 80 }, { 6, 443, 443 }, { 17, 443, 443 } };

json_t *generate_ports(const json_t *texts)
{
	json_t *list = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)texts, i, item)
	{
		struct ports p;

		if (ports_parse(json_string_value(item), &p, NULL) == 0)
			(void)json_array_append_new(list, json_ports(&p));
	}
	return list;
}

static json_t *lists_json(const struct fleet *fleet, const json_t *rule)
{
	const json_t *to = json_object_get(rule, "to"), *item;
	json_t *list = json_array();
	size_t i;

	json_array_foreach((json_t *)to, i, item)
	{
		struct destination d;

		if (destination_parse(json_string_value(item), &d, NULL) < 0 ||
		    d.kind != DESTINATION_LIST)
			continue;
		const struct fleet_object *o = fleet_find(fleet, FLEET_DOMAIN_LIST, d.name);
		if (o)
			(void)json_array_append_new(
				list,
				json_pack("{s:I, s:s}", "id", (json_int_t)o->id, "name", o->name));
	}
	return list;
}

void generate_names_of_rule(const struct generation *g, const json_t *rule, json_t *body)
{
	const char *block = json_string_value(json_object_get(rule, "block"));

	if (!kind_rule_has_list(rule))
		return;
	(void)json_object_set_new(body, "lists", lists_json(g->fleet, rule));
	if (json_is_true(json_object_get(rule, "unknown")))
		(void)json_object_set_new(body, "unknown", json_true());
	if (block && strcmp(block, "nxdomain") == 0)
		(void)json_object_set_new(body, "nxdomain", json_true());
}

json_t *generate_split(const struct fleet_object *policy)
{
	const json_t *split = json_object_get(policy->spec, "split");
	json_t *list;

	if (split)
		return generate_ports(split);
	list = json_array();
	for (size_t i = 0; i < ARRAY_LEN(split_default); i++)
		(void)json_array_append_new(list, json_ports(&split_default[i]));
	return list;
}

static void add_rule(struct generation *g, int family, int64_t table, int priority)
{
	const bool is_sent = priority == PRIORITY_SPLIT_SENT;
	json_t *body = json_pack("{s:i, s:I, s:I, s:I, s:I, s:[]}", "family", family, "table",
				 (json_int_t)table, "priority",
				 (json_int_t)fleet_priority(g->fleet, priority), "mark",
				 (json_int_t)fleet_mark(g->fleet, MARK_SPLIT), "mask",
				 (json_int_t)fleet_mark_mask(g->fleet), "needs");

	if (body && is_sent)
		(void)json_object_set_new(body, "from_device", json_string("lo"));
	generate_add(g, body, "rule/splitter/%sv%d", is_sent ? "sent-" : "", family);
}

// What is looked into is delivered to this host, whomever it is for.
static void add_delivery(struct generation *g, int family)
{
	const int64_t table = fleet_table(g->fleet, TABLE_SPLIT);

	generate_add(g,
		     json_pack("{s:s, s:s, s:I, s:i, s:[]}", "destination",
			       family == 4 ? "0.0.0.0/0" : "::/0", "type", "local", "table",
			       (json_int_t)table, "metric", METRIC_LAN, "needs"),
		     "route/splitter/v%d", family);
	add_rule(g, family, TABLE_MAIN, PRIORITY_SPLIT_SENT);
	add_rule(g, family, table, PRIORITY_SPLIT);
}

void generate_splitter(struct generation *g)
{
	for (int family = 4; family <= 6; family += 2)
		add_delivery(g, family);
	generate_add(g, json_pack("{s:i, s:[]}", "port", SPLITTER_PORT, "needs"), "splitter/weft");
}
