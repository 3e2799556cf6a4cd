// GET /api/v1/explain: why a flow of a client goes where it goes. Finds the node that the client is
// behind, and has it tell.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"
#include "model/net.h"
#include "model/problem.h"
#include "model/schema.h"

#include "intent/intent.h"
#include "live/live.h"
#include "names/name.h"
#include "rest/contract.h"
#include "rest/handlers.h"
#include "rest/question.h"
#include "rest/server.h"

enum { EXPLAIN_MS = 10000, PORT_DEFAULT = 443, SENTENCE_SIZE = 256 };

struct explain_ask {
	struct question question;
	char asked[SENTENCE_SIZE]; // why this node
	json_t *args;
};

static void ask_free(void *state)
{
	struct explain_ask *ask = state;
	json_decref(ask->args);
	free(ask);
}

// ---- whose client it is ----

// How much somebody has to do with the client, the more the better.
enum claim {
	CLAIM_NONE,
	CLAIM_THERE,     // stands before its LAN
	CLAIM_CONNECTED, // and can be asked
	CLAIM_POLICY,    // and has a policy for it
	CLAIM_ACTIVE,    // and is the active one of its site's HA group
};

struct search {
	const struct rest_services *services;
	struct address client;
	struct prefix lan; // that it is in; length 0 and family 0: none
	const char *site;
	const struct intent_resource *node; // the best
	enum claim claim;
	const char *group; // in which that is the active one
	size_t nodes;      // that stand before that LAN
};

static bool see_site(void *arg, const struct intent_resource *site)
{
	struct search *s = arg;
	const json_t *lan = json_object_get(site->spec, "lan"), *item;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)lan, i, item)
	{
		struct prefix prefix;
		if (json_is_string(item) &&
		    prefix_parse(json_string_value(item), &prefix, NULL) == 0 &&
		    prefix_contains(&prefix, &s->client) &&
		    (!s->site || prefix.length > s->lan.length)) {
			s->lan = prefix;
			s->site = site->name;
		}
	}
	return true;
}

struct policy_search {
	const struct address *client;
	bool is_found;
};

static int see_entry(void *arg, const char *key, const char *body)
{
	struct policy_search *s = arg;
	if (!text_starts(key, "policy/", NULL))
		return 0;
	json_auto_t *policy = json_loads(body, 0, NULL);
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(policy, "from"), i, item)
	{
		struct prefix prefix;
		s->is_found = s->is_found ||
			      (prefix_parse_host(json_string_value(item), &prefix, NULL) == 0 &&
			       prefix_contains(&prefix, s->client));
	}
	return s->is_found;
}

// The HA group of the client's site whose active member the node says it is. Borrowed.
static const char *active_in(const struct search *s, const struct intent_resource *node)
{
	const struct entry_set *entries = live_node_entries(s->services->live, node->id);
	struct entry_change e;
	for (size_t at = 0; entries && entry_set_next_under(entries, "ha/", &at, &e);) {
		json_auto_t *body = json_loadb(e.body, e.body_len, 0, NULL);
		const char *state = json_string_value(json_object_get(body, "state"));
		const struct intent_resource *group =
			intent_find(s->services->intent, "ha-groups", e.key + strlen("ha/"));
		const char *site =
			group ? json_string_value(json_object_get(group->spec, "site")) : NULL;
		if (site && state && strcmp(state, "active") == 0 &&
		    strcmp(kind_reference_name(KIND_SITES, site, NULL), s->site) == 0)
			return group->name;
	}
	return NULL;
}

static bool see_node(void *arg, const struct intent_resource *node)
{
	struct search *s = arg;
	struct policy_search policy = { .client = &s->client };
	const char *site = json_string_value(json_object_get(node->spec, "site"));
	const char *group = NULL;
	enum claim claim = CLAIM_THERE;
	if (!site || strcmp(kind_reference_name(KIND_SITES, site, NULL), s->site) != 0)
		return true;
	s->nodes++;
	if (hub_is_connected(s->services->hub, node->id)) {
		(void)intent_node_entries(s->services->intent, node->id, see_entry, &policy);
		group = active_in(s, node);
		claim = policy.is_found ? CLAIM_POLICY : CLAIM_CONNECTED;
		claim = group ? CLAIM_ACTIVE : claim;
	}
	if (claim > s->claim) {
		s->claim = claim;
		s->node = node;
		s->group = group;
	}
	return true;
}

static void say_why(const struct search *s, char ret[SENTENCE_SIZE])
{
	char lan[PREFIX_TEXT_SIZE];
	(void)prefix_format(&s->lan, lan);
	if (s->group)
		(void)snprintf(ret, SENTENCE_SIZE,
			       "%s is before %s of %s, and the active one of ha-groups/%s",
			       s->node->name, lan, s->site, s->group);
	else if (s->nodes == 1)
		(void)snprintf(ret, SENTENCE_SIZE, "%s is before %s of %s", s->node->name, lan,
			       s->site);
	else
		(void)snprintf(ret, SENTENCE_SIZE,
			       "%s is one of %zu nodes before %s of %s; each decides for what it "
			       "forwards itself",
			       s->node->name, s->nodes, lan, s->site);
}

// NULL after having answered.
static const struct intent_resource *
find_node(struct request *request, const struct address *client, char ret_why[SENTENCE_SIZE])
{
	struct search s = { .services = &request->rest->services, .client = *client };
	char text[ADDRESS_TEXT_SIZE], why[SENTENCE_SIZE];
	intent_list(s.services->intent, "sites", NULL, see_site, &s);
	if (!s.site) {
		(void)snprintf(why, sizeof why,
			       "%s is in no site's lan: no node has it for a client",
			       address_format(client, text));
		request_problem_field(request, "from", why);
		return NULL;
	}
	intent_list(s.services->intent, "nodes", NULL, see_node, &s);
	if (!s.node) {
		request_problem(request, MHD_HTTP_CONFLICT,
				"no node stands at sites/%s, whose lan has %s", s.site,
				address_format(client, text));
		return NULL;
	}
	say_why(&s, ret_why);
	return s.node;
}

// ---- the answer ----

// The node may lie: what is not as the document promises is no answer.
static bool is_whole(const struct request *request, const json_t *explanation)
{
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	schema_check(request->rest->services.contract->schema, "Explanation", explanation, "",
		     &problems);
	return problem_list_err(&problems, NULL) == 0;
}

static void answered(void *ctx, const json_t *result, const char *error)
{
	struct request *request = ctx;
	struct explain_ask *ask = request->state;
	if (question_failed(request, &ask->question, result, error))
		return;
	json_auto_t *told = json_is_object(result) ? json_deep_copy(result) : NULL;
	if (told) {
		request_time_field(json_object_get(told, "group"), "since");
		(void)json_object_set_new(told, "node", json_string(request->params.name));
		(void)json_object_set_new(told, "asked", json_string(ask->asked));
	}
	if (told && is_whole(request, told))
		request_answer_json(request, MHD_HTTP_OK, json_incref(told));
	else
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s: %s", request->params.name,
				error ? error : "its answer is malformed");
}

// ---- the question ----

static int refuse(struct request *request, const char *field, const char *why)
{
	request_problem(request, MHD_HTTP_BAD_REQUEST, "%s: %s", field, why);
	return -1;
}

// A name may be written as dig does, with a dot at its end; of what is none it is said why.
static int parse_place(const char *to, struct endpoint *ret, struct err *err)
{
	const size_t len = strlen(to);
	const size_t end = len > 1 && to[len - 1] == '.' ? len - 1 : len;
	struct name name;
	CLEAN(free_ptr) char *plain = text_format("%.*s", (int)end, to);
	if (!plain)
		return err_set(err, -ENOMEM, "out of memory");
	int r = endpoint_parse(plain, ret, err);
	if (r < 0 && !strpbrk(plain, ":["))
		(void)name_parse(plain, end, &name, err);
	return r;
}

// `to` is a name or an address, perhaps with a port, which `port` may say as well.
static int parse_to(struct request *request, struct endpoint *ret)
{
	const char *to = request_query(request, "to");
	struct name name;
	struct err err = { 0 };
	int64_t port = 0;
	if (!to)
		return refuse(request, "to", "a name or an address is missing");
	if (parse_place(to, ret, &err) < 0)
		return refuse(request, "to", err.text);
	if (!ret->is_address && name_parse(ret->host, strlen(ret->host), &name, &err) < 0)
		return refuse(request, "to", err.text);
	if (request_query_number(request, "port", 1, UINT16_MAX, &port) < 0)
		return -1;
	if (port && ret->port && port != ret->port)
		return refuse(request, "port", "`to` says another one");
	ret->port = port ? (uint16_t)port : ret->port ? ret->port : PORT_DEFAULT;
	return 0;
}

static int parse(struct request *request, struct address *ret_client, json_t **ret_args)
{
	const char *from = request_query(request, "from");
	const char *protocol = request_query(request, "proto");
	struct endpoint to = { 0 };
	struct err err = { 0 };
	char text[ADDRESS_TEXT_SIZE];
	if (!from)
		return refuse(request, "from", "the client's address is missing");
	if (address_parse(from, ret_client, &err) < 0)
		return refuse(request, "from", err.text);
	if (protocol && strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0)
		return refuse(request, "proto", "it is tcp or udp");
	if (parse_to(request, &to) < 0)
		return -1;
	if (to.is_address && to.address.family != ret_client->family)
		return refuse(request, "to", "it is of another family than the client's address");
	*ret_args = json_pack("{s:s, s:s, s:i, s:s}", "client", address_format(ret_client, text),
			      "to", to.host, "port", to.port, "proto", protocol ? protocol : "tcp");
	return 0;
}

void explain_get(struct request *request)
{
	struct address client;
	json_auto_t *args = NULL;
	char why[SENTENCE_SIZE];
	if (parse(request, &client, &args) < 0)
		return;
	const struct intent_resource *node = find_node(request, &client, why);
	struct explain_ask *ask = node ? calloc(1, sizeof(*ask)) : NULL;
	if (node && (!ask || !args)) {
		free(ask);
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	if (!node)
		return;
	ask->question = (struct question){ .node_id = node->id, .timeout_ms = EXPLAIN_MS };
	ask->args = json_incref(args);
	(void)snprintf(ask->asked, sizeof ask->asked, "%s", why);
	(void)snprintf(request->params.name, sizeof request->params.name, "%s", node->name);
	request->state = ask;
	request->state_free = ask_free;
	question_ask(request, &ask->question, "explain", args, answered);
}
