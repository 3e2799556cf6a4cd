// POST /api/v1/nodes/{name}/ping: a node pings another one, and the way of the frames between them.
#include <errno.h>
#include <string.h>

#include "model/json.h"
#include "model/net.h"

#include "intent/intent.h"
#include "live/live.h"
#include "rest/handlers.h"
#include "rest/question.h"
#include "rest/server.h"

#define PING_EACH_MS  1000
#define PING_SLACK_MS 5000

struct ping {
	char to[ROUTE_PARAM_SIZE];      // the target node's name, "" for an address of nobody's
	char segment[ROUTE_PARAM_SIZE]; // that carries it, "" when it is no segment's address
	char address[ADDRESS_TEXT_SIZE];
	json_t *args;
	struct question question;
};

static void ping_free(void *state)
{
	struct ping *ping = state;
	json_decref(ping->args);
	free(ping);
}

// Looks through a node's desired addresses ("address/OWNER/ADDRESS").
struct address_search {
	int family;         // 4, 6 or 0 for either
	const char *wanted; // this very address; NULL: any of a segment's, else of a network's
	bool is_found;
	bool is_segment;
	struct ping *ping;
	json_t *bridges; // names of segments the asking node has; NULL: all will do
};

static int see_address(void *arg, const char *key, const char *body)
{
	struct address_search *search = arg;
	const char *owner;
	(void)body;
	if (!text_starts(key, "address/", &owner))
		return 0;
	const char *slash = strchr(owner, '/');
	struct address address;
	if (!slash || address_parse(slash + 1, &address, NULL) < 0)
		return 0;
	if (search->family && address.family != search->family)
		return 0;
	if (search->wanted && strcmp(search->wanted, slash + 1) != 0)
		return 0;
	char name[ROUTE_PARAM_SIZE];
	(void)snprintf(name, sizeof(name), "%.*s", (int)(slash - owner), owner);
	bool is_segment = json_object_get(search->bridges, name) != NULL;
	if (search->is_found && (!is_segment || search->is_segment))
		return 0;
	search->is_found = true;
	search->is_segment = is_segment;
	(void)address_format(&address, search->ping->address);
	(void)snprintf(search->ping->segment, sizeof(search->ping->segment), "%s",
		       is_segment ? name : "");
	return 0;
}

static int see_bridge(void *arg, const char *key, const char *body)
{
	const char *segment;
	(void)body;
	if (text_starts(key, "bridge/", &segment))
		json_object_set_new(arg, segment, json_true());
	return 0;
}

struct owner_search {
	struct intent *intent;
	struct address_search *search;
};

static bool see_owner(void *arg, const struct intent_resource *node)
{
	struct owner_search *owner = arg;
	(void)intent_node_entries(owner->intent, node->id, see_address, owner->search);
	if (!owner->search->is_found)
		return true;
	(void)snprintf(owner->search->ping->to, sizeof(owner->search->ping->to), "%s", node->name);
	return false;
}

// Finds the address to ping. 0, or a negative errno after having answered.
static int resolve(struct request *request, struct ping *ping, const char *to, int family)
{
	struct intent *intent = request->rest->services.intent;
	json_auto_t *bridges = json_object();
	(void)intent_node_entries(intent, ping->question.node_id, see_bridge, bridges);
	struct address_search search = { .family = family, .ping = ping, .bridges = bridges };
	struct address address;
	if (address_parse(to, &address, NULL) == 0) {
		char text[ADDRESS_TEXT_SIZE];
		search.wanted = address_format(&address, text);
		struct owner_search owner = { intent, &search };
		intent_list(intent, "nodes", NULL, see_owner, &owner);
		(void)address_format(&address, ping->address);
		return 0;
	}
	(void)text_starts(to, "node/", &to);
	const struct intent_resource *node = intent_find(intent, "nodes", to);
	if (!node) {
		request_problem_field(request, "to",
				      "is neither an address nor the name of a node");
		return -ENOENT;
	}
	(void)intent_node_entries(intent, node->id, see_address, &search);
	(void)snprintf(ping->to, sizeof(ping->to), "%s", node->name);
	if (search.is_found)
		return 0;
	request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s has no overlay address%s", to,
			family ? " of that family" : "");
	return -EADDRNOTAVAIL;
}

static json_t *path_of(const struct request *request, const struct ping *ping)
{
	json_t *found = NULL;
	if (!ping->to[0])
		return json_array();
	if (ping->segment[0] &&
	    live_segment_path(request->rest->services.live, ping->segment, request->params.name,
			      ping->to, &found, NULL) == 0) {
		json_t *path = json_incref(json_object_get(found, "path"));
		json_decref(found);
		if (path)
			return path;
	}
	return json_pack("[s, s]", request->params.name, ping->to);
}

static void answered(void *ctx, const json_t *result, const char *error)
{
	struct request *request = ctx;
	struct ping *ping = request->state;
	if (question_failed(request, &ping->question, result, error))
		return;
	// What the node says, and above it what only the controller knows.
	json_t *answer = json_is_object(result)
				 ? json_copy((json_t *)(uintptr_t)result)
				 : json_pack("{s:O, s:i}", "sent",
					     json_object_get(ping->args, "count"), "received", 0);
	const char *to = ping->to[0] ? ping->to : ping->address;
	json_object_set_new(answer, "to", json_string(to));
	json_object_set_new(answer, "address", json_string(ping->address));
	json_object_set_new(answer, "error", error ? json_string(error) : json_null());
	json_object_set_new(answer, "path", path_of(request, ping));
	request_answer_json(request, MHD_HTTP_OK, answer);
}

static json_t *ping_args(const json_t *body, const char *address)
{
	const json_t *count = json_object_get(body, "count");
	const json_t *size = json_object_get(body, "size");
	return json_pack("{s:s, s:I, s:I, s:b}", "to", address, "count",
			 count ? json_integer_value(count) : 3, "size",
			 size ? json_integer_value(size) : 84, "df",
			 json_is_true(json_object_get(body, "df")));
}

void ping_post(struct request *request)
{
	json_auto_t *body = NULL;
	const struct intent_resource *node = question_node(request);
	if (!node)
		return;
	if (request_json(request, "application/json", &body) < 0 ||
	    request_check(request, "PingRequest", body) < 0)
		return;
	struct ping *ping = calloc(1, sizeof(*ping));
	if (!ping) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	request->state = ping;
	request->state_free = ping_free;
	ping->question.node_id = node->id;
	int family = (int)json_integer_value(json_object_get(body, "family"));
	if (resolve(request, ping, json_string_value(json_object_get(body, "to")), family) < 0)
		return;
	ping->args = ping_args(body, ping->address);
	long long count = json_integer_value(json_object_get(ping->args, "count"));
	ping->question.timeout_ms = (unsigned)count * PING_EACH_MS + PING_SLACK_MS;
	question_ask(request, &ping->question, "ping", ping->args, answered);
}
