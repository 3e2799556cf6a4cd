#include "dns/control_learned.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/octets.h"

#include "dns/learn.h"
#include "dns/learn_addresses.h"

enum { MS_PER_S = 1000 };

static const char *text_of(const json_t *request, const char *field)
{
	return json_string_value(json_object_get(request, field));
}

int dns_control_subject(const json_t *request, struct address *ret_client, struct name *ret_name,
			struct err *err)
{
	const char *client = text_of(request, "client"), *name = text_of(request, "name");
	if (!client || !name)
		return err_set(err, -EINVAL, "a client and a name are missing");
	int r = address_parse(client, ret_client, err);
	return r < 0 ? r : name_parse(name, strlen(name), ret_name, err);
}

static json_t *lists_json(const struct dns_server *server, const struct decide_set *lists)
{
	const struct decide *decide = server->config->rules.decide;
	json_t *list = json_array();
	for (size_t i = 0; decide && i < decide->n_lists; i++)
		if (decide_set_has(lists, i))
			(void)json_array_append_new(list, json_string(decide->lists[i].name));
	return list;
}

// ---- learned ----

struct naming {
	const struct dns_server *server;
	json_t *names;
};

static void add_name(void *context, const struct name *name, const struct decide_set *lists,
		     int64_t left_ms)
{
	struct naming *naming = context;
	char text[NAME_TEXT_SIZE];
	name_text(name, text);
	(void)json_array_append_new(naming->names,
				    json_pack("{s:s, s:o, s:I}", "name", text, "lists",
					      lists_json(naming->server, lists), "expires_s",
					      (json_int_t)(left_ms / MS_PER_S)));
}

json_t *dns_control_learned(struct dns_server *server, const json_t *request, struct err *err)
{
	const char *text = text_of(request, "address");
	struct naming naming = { .server = server };
	struct address address;
	if (!text) {
		(void)err_set(err, -EINVAL, "an address is missing");
		return NULL;
	}
	if (address_parse(text, &address, err) < 0)
		return NULL;
	int64_t now_ms = dns_learn_now(server->learn);
	struct learned *table = dns_learn_table(server->learn);
	const struct learned_about about = learned_get(table, &address, now_ms);
	naming.names = json_array();
	learned_each_name(table, &address, now_ms, add_name, &naming);
	return json_pack("{s:o, s:o, s:b, s:b, s:b}", "lists", lists_json(server, &about.lists),
			 "names", naming.names, "shared", about.is_shared, "known", about.is_known,
			 "written", about.is_there && learned_is_written(table, &address));
}

// ---- names that were seen ----

// What the zones say of a name; 0: it is none of theirs.
static size_t zones_say(const struct dns_server *server, const struct name *name, uint16_t type,
			uint8_t ret[DNS_MESSAGE_MAX])
{
	static const struct dns_edns no_edns;
	const struct dns_query query = {
		.question = { .name = *name, .type = type, .class = DNS_IN, .len = name->len + 4u }
	};
	uint8_t wire[DNS_HEADER_SIZE + NAME_WIRE_MAX + 4] = { 0 };
	struct dns_writer writer;
	memcpy(wire + DNS_HEADER_SIZE, name->wire, name->len);
	octets_put(wire + DNS_HEADER_SIZE + name->len, type, 2);
	octets_put(wire + DNS_HEADER_SIZE + name->len + 2, DNS_IN, 2);
	dns_write_reply(&writer, ret, DNS_MESSAGE_MAX, wire, &query, 0);
	if (dns_zones_answer(server->config->zones, name, type, &writer, NULL) != DNS_ZONE_DONE)
		return 0;
	return dns_write_end(&writer, &no_edns, DNS_NOERROR);
}

// What is known of a name in a view, of a zone or else of the cache.
static size_t peek(const struct dns_server *server, const struct name *name, uint16_t type,
		   const struct dns_way *way, uint8_t ret[DNS_MESSAGE_MAX])
{
	const struct dns_key key = { name, type, DNS_IN, way->space, false };
	size_t len = zones_say(server, name, type, ret);
	return len > 0 ? len
		       : dns_cache_peek(server->cache, &key,
					(int64_t)(uv_now(server->loop) / MS_PER_S), ret,
					DNS_MESSAGE_MAX);
}

// Whether a zone has the name, or an upstream would be asked for it.
static bool is_asked_for(const struct dns_server *server, const struct address *client,
			 const struct name *name)
{
	const struct dns_rules *rules = &server->config->rules;
	struct dns_blocked blocked;
	struct name target;
	if (dns_prefixes_match(&rules->clients, client) < 0)
		return false;
	enum dns_zone_answer known =
		dns_zones_answer(server->config->zones, name, DNS_A, NULL, &target);
	return known == DNS_ZONE_DONE ||
	       (known == DNS_ZONE_NONE && !dns_rules_blocked(rules, client, name, &blocked));
}

json_t *dns_control_saw(struct dns_server *server, const json_t *request, struct err *err)
{
	static uint8_t message[DNS_MESSAGE_MAX]; // of the loop thread
	const char *seen = text_of(request, "address");
	struct address client, address = { .family = 4 };
	struct name name;
	if (dns_control_subject(request, &client, &name, err) < 0 ||
	    (seen && address_parse(seen, &address, err) < 0))
		return NULL;
	const struct dns_rules *rules = &server->config->rules;
	const struct dns_decided decided = dns_rules_decide(rules, &client, &name);
	const struct dns_way way = dns_rules_way(rules, &client, &name, decided.mark);
	const struct dns_wanted wanted = { .name = &name,
					   .type = address.family == 4 ? DNS_A : DNS_AAAA,
					   .way = &way };
	if (!dns_learn_is_on(server->learn) || !is_asked_for(server, &client, &name) ||
	    (decided.rule && decided.rule->is_nxdomain))
		return json_pack("{s:b}", "asked", false);
	size_t len = peek(server, &name, wanted.type, &way, message);
	if (len > 0)
		(void)dns_learn_answer(server->learn, &name, &decided.lists, message, len);
	else if (dns_ask(server, &wanted, NULL) < 0)
		return json_pack("{s:b}", "asked", false);
	return json_pack("{s:b}", "asked", true);
}

// ---- look-ups ----

static json_t *known_addresses(const struct dns_server *server, const struct name *name,
			       const struct dns_way *way)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA };
	static uint8_t message[DNS_MESSAGE_MAX]; // of the loop thread
	char text[ADDRESS_TEXT_SIZE];
	json_t *list = json_array();
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct dns_addresses addresses;
		struct address address;
		uint32_t ttl_s;
		size_t len = peek(server, name, types[i], way, message);
		if (len == 0 || !dns_addresses_init(&addresses, message, len))
			continue;
		while (dns_addresses_next(&addresses, &address, &ttl_s))
			(void)json_array_append_new(list,
						    json_string(address_format(&address, text)));
	}
	return list;
}

void dns_control_decide(struct dns_server *server, const struct address *client,
			const struct name *name, json_t *answer)
{
	const struct dns_rules *rules = &server->config->rules;
	const struct dns_decided decided = dns_rules_decide(rules, client, name);
	struct name target;
	// Where a zone's aliases lead elsewhere, that is what is asked for.
	if (dns_zones_answer(server->config->zones, name, DNS_A, NULL, &target) ==
	    DNS_ZONE_ELSEWHERE)
		name = &target;
	const struct dns_way way = dns_rules_way(rules, client, name, decided.mark);
	json_t *upstreams = json_array();
	for (size_t i = 0; i < way.group->len; i++)
		(void)json_array_append_new(upstreams, json_string(way.group->items[i].text));
	if (decided.policy)
		(void)json_object_set_new(answer, "policy", json_string(decided.policy->name));
	if (decided.rule)
		(void)json_object_set_new(answer, "policy_rule",
					  json_integer(decided.rule->number));
	(void)json_object_set_new(answer, "lists", lists_json(server, &decided.lists));
	(void)json_object_set_new(answer, "view", json_integer(decided.mark));
	(void)json_object_set_new(answer, "upstreams", upstreams);
	(void)json_object_set_new(answer, "addresses", known_addresses(server, name, &way));
}
