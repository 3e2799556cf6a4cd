// A node that examines itself asks to be tried from outside: its peers send to it, and tell where
// what it sends them comes from.
//
// What is sent where is decided here: a node can have others send a handful of small packets to
// itself (its written address, or where it was seen), never to anybody else.
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "model/json.h"

#include "program.h"

enum { HELPERS_MAX = 3, AGAIN_MS = 3000, HELPER_MS = 9000, TOKEN_LEN = 32, RECENT_MAX = 64 };

struct trial {
	struct program *program;
	int64_t node_id;
	int64_t ask_id;
	json_t *helpers; // answers so far, in the order of asking
	int waiting;     // for helpers
};

struct helper {
	struct trial *trial;
	size_t at; // in trial->helpers
};

// Who asked lately, so that nobody sets others to work without end.
static struct {
	int64_t node_id;
	int64_t at_ms;
} recent[RECENT_MAX];

static bool is_too_soon(int64_t node_id, int64_t now_ms)
{
	size_t oldest = 0;
	for (size_t i = 0; i < RECENT_MAX; i++) {
		if (recent[i].node_id == node_id && now_ms - recent[i].at_ms < AGAIN_MS)
			return true;
		if (recent[i].at_ms < recent[oldest].at_ms)
			oldest = i;
	}
	// So many at once are no examinations any more.
	if (recent[oldest].node_id && now_ms - recent[oldest].at_ms < AGAIN_MS)
		return true;
	recent[oldest].node_id = node_id;
	recent[oldest].at_ms = now_ms;
	return false;
}

static void finish(struct trial *trial)
{
	struct program *program = trial->program;
	const struct intent_resource *node = intent_find_id(program->intent, trial->node_id);
	json_auto_t *answer = json_pack(
		"{s:I, s:b, s:O}", "now_ms", (json_int_t)clock_wall_ms(), "public",
		node && json_object_get(node->spec, "address") != NULL, "helpers", trial->helpers);
	if (!program->is_stopping)
		hub_answer(program->hub, trial->node_id, trial->ask_id, answer,
			   answer ? NULL : "out of memory");
	json_decref(trial->helpers);
	free(trial);
}

static void on_helper(void *ctx, const json_t *result, const char *error)
{
	struct helper *helper = ctx;
	struct trial *trial = helper->trial;
	json_t *line = json_array_get(trial->helpers, helper->at);
	if (json_is_object(result)) {
		(void)json_object_set(line, "to", json_object_get(result, "to"));
		(void)json_object_set(line, "seen", json_object_get(result, "seen"));
	} else {
		(void)json_object_set_new(line, "error",
					  json_string(error ? error : "its answer is malformed"));
	}
	free(helper);
	if (--trial->waiting == 0)
		finish(trial);
}

static void add_endpoint(json_t *to, const char *host, int port)
{
	const json_t *item;
	size_t i;
	CLEAN(free_ptr)
	char *text = text_format(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
	json_array_foreach(to, i, item)
	{
		if (text && strcmp(json_string_value(item), text) == 0)
			return;
	}
	if (text)
		(void)json_array_append_new(to, json_string(text));
}

// Where the node may be reached in a network: as written, else as public peers and the controller
// see it.
static json_t *targets(struct program *program, const struct intent_resource *node,
		       const char *network, int port)
{
	json_t *to = json_array();
	const char *address = json_string_value(json_object_get(node->spec, "address"));
	const json_t *facts = intent_facts(program->intent, node->id);
	const char *seen = json_string_value(json_object_get(facts, "seen_address"));
	const char *endpoint =
		json_string_value(json_object_get(json_object_get(facts, "endpoints"), network));
	// "host:61000" has its own port; an IPv6 address has more colons than one.
	const char *colon = address ? strchr(address, ':') : NULL;
	if (address && colon && (!strchr(colon + 1, ':') || address[0] == '['))
		(void)json_array_append_new(to, json_string(address));
	else if (address)
		add_endpoint(to, address, port);
	else if (endpoint)
		(void)json_array_append_new(to, json_string(endpoint));
	else if (seen)
		add_endpoint(to, seen, port);
	return to;
}

// The listening ports of a node by network: {"home": 51820}.
static int see_port(void *arg, const char *key, const char *body)
{
	const char *network;
	if (!text_starts(key, "wireguard/", &network))
		return 0;
	json_auto_t *json = json_loads(body, 0, NULL);
	return json_object_set(arg, network, json_object_get(json, "port"));
}

// "peer/home/bob": {"bob": "home"}; of several networks the first.
static int see_peer(void *arg, const char *key, const char *body)
{
	const char *rest;
	(void)body;
	const char *slash = text_starts(key, "peer/", &rest) ? strchr(rest, '/') : NULL;
	if (slash && !json_object_get(arg, slash + 1))
		return json_object_set_new(arg, slash + 1,
					   json_stringn(rest, (size_t)(slash - rest)));
	return 0;
}

// Sets one peer to work; false when it cannot help.
static bool ask_helper(struct trial *trial, const struct intent_resource *peer, const char *network,
		       const char *token, json_t *to)
{
	struct program *program = trial->program;
	json_auto_t *ports = json_object();
	struct err err = { 0 };
	(void)intent_node_entries(program->intent, peer->id, see_port, ports);
	json_auto_t *args = json_pack("{s:s, s:s, s:O?, s:O}", "token", token, "from", peer->name,
				      "port", json_object_get(ports, network), "to", to);
	struct helper *helper = args ? calloc(1, sizeof(*helper)) : NULL;
	if (!helper)
		return false;
	*helper = (struct helper){ trial, json_array_size(trial->helpers) };
	const struct hub_question question = { "reach", args, HELPER_MS, on_helper, helper };
	if (hub_request(program->hub, peer->id, &question, NULL, &err) < 0) {
		free(helper);
		return false;
	}
	trial->waiting++;
	(void)json_array_append_new(trial->helpers,
				    json_pack("{s:s, s:s, s:[], s:[]}", "node", peer->name,
					      "network", network, "to", "seen"));
	return true;
}

// Public peers that are connected: what they see is what the world sees.
static void ask_helpers(struct trial *trial, const struct intent_resource *node, const char *token)
{
	struct program *program = trial->program;
	json_auto_t *peers = json_object();
	json_auto_t *ports = json_object();
	const char *name;
	json_t *network;
	(void)intent_node_entries(program->intent, node->id, see_peer, peers);
	(void)intent_node_entries(program->intent, node->id, see_port, ports);
	json_object_foreach(peers, name, network)
	{
		const char *in = json_string_value(network);
		const struct intent_resource *peer = intent_find(program->intent, "nodes", name);
		if (!peer || !json_object_get(peer->spec, "address") ||
		    !hub_is_connected(program->hub, peer->id) || trial->waiting == HELPERS_MAX)
			continue;
		json_auto_t *to = targets(program, node, in,
					  (int)json_integer_value(json_object_get(ports, in)));
		(void)ask_helper(trial, peer, in, token, to);
	}
}

static bool is_token(const char *token)
{
	return token && strlen(token) == TOKEN_LEN &&
	       strspn(token, "0123456789abcdef") == TOKEN_LEN;
}

static void start(struct program *program, int64_t node_id, const struct msg_request *ask)
{
	const char *token = json_string_value(json_object_get(ask->args, "token"));
	const struct intent_resource *node = intent_find_id(program->intent, node_id);
	const char *refusal = NULL;
	if (!node || !is_token(token))
		refusal = "reach: the token is not 32 hexadecimal digits";
	else if (is_too_soon(node_id, clock_mono_ms()))
		refusal = "it was tried a moment ago: ask again in some seconds";
	struct trial *trial = refusal ? NULL : calloc(1, sizeof(*trial));
	if (!trial) {
		hub_answer(program->hub, node_id, ask->id, NULL,
			   refusal ? refusal : "out of memory");
		return;
	}
	*trial = (struct trial){ program, node_id, ask->id, json_array(), 0 };
	ask_helpers(trial, node, token);
	if (trial->waiting == 0)
		finish(trial);
}

// What a node may ask.
static const struct {
	const char *verb;
	void (*start)(struct program *program, int64_t node_id, const struct msg_request *ask);
} verbs[] = {
	{ "reach", start },
};

void program_asked(void *ctx, int64_t node_id, const struct msg_request *ask)
{
	struct program *program = ctx;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].verb, ask->verb) == 0) {
			verbs[i].start(program, node_id, ask);
			return;
		}
	}
	hub_answer(program->hub, node_id, ask->id, NULL,
		   "this version of the controller does not know that question");
}
