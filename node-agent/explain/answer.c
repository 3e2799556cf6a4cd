// The whole answer: the verdict, what DNS says, the addresses, the rules and the gateways.
#include <string.h>

#include "base/clean.h"

#include "explain/inside.h"

enum { TCP = 6, MS_PER_S = 1000, S_PER_MIN = 60 };

// ---- addresses ----

static const char *state_of(const struct explain_address *a)
{
	if (!a->has_sets)
		return "none";
	if (a->is_known)
		return "learned";
	return decide_set_is_empty(&a->lists) ? "unknown" : "shared";
}

static void add_left(struct text *out, int64_t left_ms)
{
	const long long s = left_ms / MS_PER_S;
	if (left_ms == INT64_MAX)
		return;
	if (s >= 2 * S_PER_MIN)
		text_addf(out, ", for %lld min more", s / S_PER_MIN);
	else
		text_addf(out, ", for %lld s more", s);
}

static void say_state(struct text *out, const struct explain_facts *facts,
		      const struct explain_address *a)
{
	const bool is_listed = !decide_set_is_empty(&a->lists);
	if (!a->has_sets) {
		text_add(out, "no policy here has lists: addresses are not learned");
	} else if (a->is_known && is_listed) {
		text_add(out, "learned as one of ");
		explain_add_lists(out, facts->decide, &a->lists);
		add_left(out, a->left_ms);
	} else if (a->is_known) {
		text_add(out, "learned; none of its names is in a list");
		add_left(out, a->left_ms);
	} else if (is_listed) {
		text_add(out, "shared: it has names of ");
		explain_add_lists(out, facts->decide, &a->lists);
		text_add(out, " and others");
	} else {
		text_add(out, "not learned: nobody here was told it by weft-dns lately");
	}
}

static void say_by(struct text *out, const struct explain_facts *facts,
		   const struct explain_address *a)
{
	const char *state =
		json_string_value(json_object_get(json_array_get(facts->splitter, 0), "state"));
	if (a->by == EXPLAIN_BY_KERNEL)
		return;
	text_add(out, "; weft-proxy decides by the name that the client says");
	if (a->by == EXPLAIN_BY_SAYING)
		text_add(out, ", and thus if it says none");
	if (!state || strcmp(state, "running") != 0)
		text_add(out, ", but it does not run now: such flows are dropped meanwhile");
}

static void say_route(struct text *out, const struct explain_address *a)
{
	char via[KERNEL_ADDR_TEXT_SIZE];
	if (a->unrouted.code) {
		text_addf(out, "the kernel sends it nowhere: %s", a->unrouted.text);
		return;
	}
	if (a->route.type != KERNEL_ROUTE_UNICAST) {
		text_add(out, "it does not leave this node: the address is its own, or refused");
		return;
	}
	text_addf(out, "by %s", a->route.device);
	if (a->route.via.family) {
		kernel_ip_format(&a->route.via, via);
		text_addf(out, " via %s", via);
	}
	text_addf(out, ", as table %u says", a->route.table);
	if (a->beyond == EXPLAIN_KNOWN)
		text_add(out, ": there is a way to it other than a default route, and policies do "
			      "not hold for such addresses");
}

static json_t *route_json(const struct explain_address *a)
{
	CLEAN(text_free) struct text said = { 0 };
	char via[KERNEL_ADDR_TEXT_SIZE];
	say_route(&said, a);
	json_t *ret = json_pack("{s:s}", "sentence", said.data ? said.data : "");
	if (!ret || a->unrouted.code || a->route.type != KERNEL_ROUTE_UNICAST)
		return ret;
	(void)json_object_set_new(ret, "device", json_string(a->route.device));
	(void)json_object_set_new(ret, "table", json_integer(a->route.table));
	if (a->route.via.family) {
		kernel_ip_format(&a->route.via, via);
		(void)json_object_set_new(ret, "via", json_string(via));
	}
	return ret;
}

static json_t *address_json(const struct explain_facts *facts, const struct explain_address *a)
{
	CLEAN(text_free) struct text said = { 0 };
	char text[ADDRESS_TEXT_SIZE];
	say_state(&said, facts, a);
	say_by(&said, facts, a);
	json_t *ret = json_pack(
		"{s:s, s:s, s:s, s:o, s:s, s:o}", "address", address_format(&a->address, text),
		"state", state_of(a), "sentence", said.data ? said.data : "", "lists",
		explain_list_names(facts->decide, &a->lists), "decided_by",
		a->by == EXPLAIN_BY_KERNEL ? "kernel" : "weft-proxy", "route", route_json(a));
	if (ret && a->rule)
		(void)json_object_set_new(ret, "rule", json_integer(a->rule->number));
	if (ret && a->names)
		(void)json_object_set(ret, "names", a->names);
	return ret;
}

// ---- DNS ----

static json_t *dns_json(const struct explain_facts *facts, const struct explain_question *question)
{
	static const char *const copied[] = { "outcome", "upstreams", "lists" };
	if (!question->dns)
		return json_pack("{s:s}", "sentence", question->dns_why ? question->dns_why : "");
	const char *sentence = json_string_value(json_object_get(question->dns, "sentence"));
	const json_int_t view = json_integer_value(json_object_get(question->dns, "view"));
	const struct explain_group group = explain_group_of(facts, (uint32_t)view);
	json_t *ret = json_pack("{s:s, s:s?}", "sentence", sentence ? sentence : "", "view",
				group.key ? group.name : NULL);
	for (size_t i = 0; ret && i < ARRAY_LEN(copied); i++)
		(void)json_object_set(ret, copied[i], json_object_get(question->dns, copied[i]));
	return ret;
}

// ---- the verdict ----

static const char *outcome_of(const struct explain_facts *facts, const struct explain_address *a)
{
	const struct policy_marks *marks = &facts->decide->marks;
	const uint32_t mark = explain_mark(a);
	if (!a->rule)
		return "none";
	if (mark == marks->direct)
		return "direct";
	return mark == marks->reject || mark == marks->drop ? "block" : "via";
}

static void say_group(struct text *out, const struct explain_facts *facts,
		      const struct explain_address *a)
{
	const struct explain_group group = explain_group_of(facts, explain_mark(a));
	const char *gateway = explain_group_gateway(facts, &group);
	if (!group.key)
		text_add(out, "sends it by a gateway-group that is not there");
	else if (gateway)
		text_addf(out, "sends it by gateway-group %s, which leaves by %s", group.name,
			  gateway);
	else
		text_addf(out, "sends it by gateway-group %s, of which no gateway is well: %s",
			  group.name,
			  group.is_direct ? "it goes the host's own way" : "it is refused");
}

static const char *unless_named(const struct explain_address *a)
{
	return a->by == EXPLAIN_BY_SAYING ? ", unless the client says a name that another rule "
					    "is for"
					  : "";
}

static void say_beyond(struct text *out, const struct explain_address *a)
{
	char text[ADDRESS_TEXT_SIZE];
	if (a->beyond == EXPLAIN_ITSELF) {
		text_add(out, "policies do not hold for what this node sends by itself, and the "
			      "client's address is its own");
		return;
	}
	text_addf(out, "policies do not hold for %s, ", address_format(&a->address, text));
	if (a->beyond == EXPLAIN_OWN)
		text_add(out, "an address of this node");
	else if (a->beyond == EXPLAIN_MANY)
		text_add(out, "which is not one host's");
	else
		text_addf(out, "to which there is a way other than a default route: it goes by %s",
			  a->route.device);
}

static void say_verdict(struct text *out, const struct explain_facts *facts,
			const struct decide_policy *policy, const struct explain_question *question,
			const struct explain_address *a)
{
	const struct policy_marks *marks = &facts->decide->marks;
	const uint32_t mark = explain_mark(a);
	char client[ADDRESS_TEXT_SIZE];
	if (!policy) {
		text_addf(out, "no policy names %s: it goes the host's own way",
			  address_format(&question->client, client));
		return;
	}
	if (a->beyond != EXPLAIN_WITHIN) {
		say_beyond(out, a);
		return;
	}
	if (!a->rule) {
		text_addf(out, "no rule of policy %s is for it: it goes the host's own way%s",
			  policy->name, unless_named(a));
		return;
	}
	text_addf(out, "rule %u of policy %s ", a->rule->number, policy->name);
	if (a->rule->is_nxdomain)
		text_add(out, "has its name not exist, and refuses it");
	else if (mark == marks->direct)
		text_add(out, "lets it go the host's own way");
	else if (mark == marks->reject)
		text_add(out, "refuses it, and tells the sender so");
	else if (mark == marks->drop)
		text_add(out, "drops it without a word");
	else
		say_group(out, facts, a);
	text_add(out, unless_named(a));
}

// Not all addresses of a name need go the same way.
static size_t count_others(const struct explain_address *addresses, size_t count)
{
	size_t others = 0;
	for (size_t i = 1; i < count; i++)
		others += addresses[i].rule != addresses[0].rule;
	return others;
}

static char *verdict(const struct explain_facts *facts, const struct explain_question *question,
		     const struct explain_address *addresses, size_t count)
{
	const char *dns = json_string_value(json_object_get(question->dns, "outcome"));
	const char *why = json_string_value(json_object_get(question->dns, "sentence"));
	const size_t others = count_others(addresses, count);
	struct text out = { 0 };
	if (dns && why && (strcmp(dns, "blocked") == 0 || strcmp(dns, "refused") == 0))
		text_addf(&out, "%s; a flow all the same: ", why);
	say_verdict(&out, facts, explain_policy(facts, question), question, &addresses[0]);
	if (others)
		text_addf(&out, "; %zu of its %zu addresses %s otherwise", others, count,
			  others == 1 ? "goes" : "go");
	return out.data;
}

static json_t *policy_json(const struct explain_facts *facts,
			   const struct explain_question *question)
{
	const struct decide_policy *policy = explain_policy(facts, question);
	const struct prefix *from = NULL;
	char text[PREFIX_TEXT_SIZE];
	for (size_t i = 0; policy && i < policy->n_from; i++)
		if (prefix_contains(&policy->from[i], &question->client) &&
		    (!from || policy->from[i].length > from->length))
			from = &policy->from[i];
	return from ? json_pack("{s:s, s:s}", "name", policy->name, "from",
				prefix_format(from, text))
		    : json_null();
}

json_t *explain_answer(const struct explain_facts *facts, const struct explain_question *question,
		       const struct explain_address *addresses, size_t count)
{
	const struct explain_group group = explain_group_of(facts, explain_mark(&addresses[0]));
	CLEAN(free_ptr) char *sentence = verdict(facts, question, addresses, count);
	char client[ADDRESS_TEXT_SIZE];
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		if (addresses[i].address.family)
			(void)json_array_append_new(list, address_json(facts, &addresses[i]));
	json_t *ret = json_pack(
		"{s:s, s:s?, s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "client",
		address_format(&question->client, client), "name", question->name, "protocol",
		question->protocol == TCP ? "tcp" : "udp", "port", question->port, "outcome",
		outcome_of(facts, &addresses[0]), "sentence", sentence ? sentence : "", "policy",
		policy_json(facts, question), "rules",
		explain_rules_json(facts, question, &addresses[0]), "dns",
		question->name ? dns_json(facts, question) : json_null(), "addresses", list,
		"group", group.key ? explain_group_json(facts, &group) : json_null());
	if (ret && addresses[0].rule)
		(void)json_object_set_new(ret, "rule", json_integer(addresses[0].rule->number));
	return ret;
}
