// `drain`: takes traffic away from a node or link, and says when none is left.
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/drain_tree.h"
#include "cli/kind.h"
#include "cli/resource.h"
#include "cli/verb/verbs.h"

enum { WAIT_S = 60, WAIT_MAX_S = 3600, PAUSE_MS = 300 };

struct drain {
	const struct call *call;
	struct client *client;
	const char *node;    // what is drained: a node,
	const char *ends[2]; // or the link between these
	const char *network;
	const char *link, *at; // or this external link of that node
	// What the nodes tell.
	size_t safe, moving, stuck, away;
	struct drain_tree tree;
	struct text left; // what still uses it, a line each
};

static const char *text_of(const json_t *body, const char *field)
{
	return json_string_value(json_object_get(body, field));
}

// The override of a link that has none yet, by the name it will have: "home.bob.rho". NULL: that is
// no such name.
static json_t *new_link(const char *name)
{
	const char *first = strchr(name, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;
	if (!second)
		return NULL;
	return json_pack("{s:s%, s:[s%,s]}", "network", name, (size_t)(first - name), "ends",
			 first + 1, (size_t)(second - first - 1), second + 1);
}

// Writes the resource with or without `drain`; its spec in *ret_spec.
static int put_drain(const struct drain *d, const struct kind *kind, bool is_on, json_t **ret_spec,
		     struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	const char *name = call_arg(d->call, 1);
	json_auto_t *spec = NULL;
	int r = resource_get(d->client, kind, name, false, &reply, err);
	if (r == -ENOENT && is_on && kind == &kinds[KIND_LINKS])
		spec = new_link(name);
	else if (r == 0)
		spec = json_deep_copy(json_object_get(reply.json, "spec"));
	if (!spec)
		return r ? r : err_set(err, -ENOMEM, "out of memory");
	if (is_on)
		(void)json_object_set_new(spec, "drain", json_true());
	else
		(void)json_object_del(spec, "drain");
	const struct client_request put = { .method = "PUT",
					    .body = spec,
					    .if_match = reply.etag[0] ? reply.etag : NULL };
	client_problem_clear(d->client);
	r = resource_call(d->client, kind, name, NULL, put, NULL, err);
	if (r == 0)
		*ret_spec = json_incref(spec);
	return r;
}

static bool is_link(const struct drain *d, const char *a, const char *b)
{
	return (strcmp(a, d->ends[0]) == 0 && strcmp(b, d->ends[1]) == 0) ||
	       (strcmp(a, d->ends[1]) == 0 && strcmp(b, d->ends[0]) == 0);
}

// Whether a way from `self` to `other` leads over what is drained.
static bool concerns(const struct drain *d, const char *self, const char *by, const char *other)
{
	if (d->link)
		return by && strcmp(by, d->link) == 0 && strcmp(self, d->at) == 0;
	if (d->node)
		return by && strcmp(by, d->node) == 0;
	return by ? is_link(d, self, by) || is_link(d, by, other) : is_link(d, self, other);
}

static void count_way(struct drain *d, const char *self, const char *key, const json_t *way)
{
	const char *by = text_of(way, "by"), *state = text_of(way, "drain");
	const char *other = NULL;
	if (!text_starts(key, "outside/", &other))
		other = strrchr(key, '/') + 1;
	if (!concerns(d, self, by, other))
		return;
	if (state && strcmp(state, "safe") == 0) {
		d->safe++;
		return;
	}
	const bool is_stuck = state && strcmp(state, "stuck") == 0;
	d->stuck += is_stuck;
	d->moving += !is_stuck; // or its agent has not taken it in yet
	text_addf(&d->left, "%s to %s%s%s: %s\n", self, other, by ? " by " : "", by ? by : "",
		  is_stuck ? "there is no other way" : "still moving");
}

static void count_node(struct drain *d, const json_t *node, const json_t *entries)
{
	const char *self = text_of(node, "name"), *key;
	json_t *body;
	json_object_foreach((json_t *)entries, key, body)
	{
		const char *network = text_of(body, "network");
		size_t at;
		const json_t *way;
		if (!text_starts(key, d->link ? "outside/" : "path/", NULL) ||
		    (d->network && (!network || strcmp(network, d->network) != 0)))
			continue;
		json_array_foreach(json_object_get(body, "ways"), at, way)
			count_way(d, self, key, way);
	}
}

// Bridge segments: an external link is part of none.
static int look_at_trees(struct drain *d, struct err *err)
{
	json_auto_t *topology = NULL;
	if (d->link)
		return 0;
	int r = client_get(d->client, &topology, err, "/api/v1/topology");
	if (r)
		return r;
	d->tree = (struct drain_tree){ .node = d->node,
				       .network = d->network,
				       .ends = { d->ends[0], d->ends[1] } };
	drain_tree_look(&d->tree, topology, &d->left);
	return 0;
}

static int look(struct drain *d, struct err *err)
{
	json_auto_t *state = NULL;
	size_t at;
	const json_t *node;
	d->safe = d->moving = d->stuck = d->away = 0;
	text_free(&d->left);
	d->left = (struct text){ 0 };
	int r = client_get(d->client, &state, err, "/api/v1/state");
	json_array_foreach(json_object_get(state, "nodes"), at, node)
	{
		json_auto_t *observed = NULL;
		if (!json_is_true(json_object_get(node, "connected"))) {
			d->away++;
			continue;
		}
		if (r == 0)
			r = client_get(d->client, &observed, err, "/api/v1/nodes/%s/observed",
				       text_of(node, "name"));
		if (r == 0)
			count_node(d, node, json_object_get(observed, "entries"));
	}
	return r ? r : look_at_trees(d, err);
}

static int tell(const struct drain *d, struct err *err)
{
	const char *name = call_arg(d->call, 1);
	if (d->left.len)
		fprintf(d->call->out, "%s", d->left.data);
	if (d->away)
		fprintf(d->call->out, "%zu %s not connected: what they send is not known.\n",
			d->away, d->away == 1 ? "node is" : "nodes are");
	if (d->moving || d->stuck)
		return err_set(err, -EBUSY,
			       "%s is not safe yet: %zu paths are moving, %zu have nothing to move "
			       "to; it stays drained",
			       name, d->moving, d->stuck);
	if (d->tree.moving || d->tree.stuck)
		return err_set(
			err, -EBUSY,
			"%s is not safe yet: the trees of %zu bridge segments are moving, %zu "
			"have no other way; it stays drained",
			name, d->tree.moving, d->tree.stuck);
	if (d->safe)
		fprintf(d->call->out, "%s is safe: no routed traffic uses it (%zu paths looked at)",
			name, d->safe);
	else
		fprintf(d->call->out, "%s is safe: no path %s leads over it", name,
			d->link ? "to a prefix outside" : "of a routed segment");
	if (d->tree.safe)
		fprintf(d->call->out, ", nor does the tree of a bridge segment (%zu looked at)",
			d->tree.safe);
	fprintf(d->call->out, ".\n");
	return CLI_DONE;
}

static int wait_until_safe(struct drain *d, long wait_s, struct err *err)
{
	const int64_t until = clock_mono_ms() + wait_s * 1000;
	for (;;) {
		int r = look(d, err);
		if (r)
			return r;
		if ((!d->moving && !d->tree.moving) || clock_mono_ms() >= until)
			return tell(d, err);
		(void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
	}
}

static int begin(struct drain *d, bool is_on, json_t **ret_spec, struct err *err)
{
	const struct kind *kind;
	int r = kind_find(call_arg(d->call, 0), &kind, err);
	if (r == 0 && kind != &kinds[KIND_NODES] && kind != &kinds[KIND_LINKS])
		r = err_set(err, -EINVAL, "only a node or a link can be drained");
	if (r)
		return CLI_USAGE;
	r = put_drain(d, kind, is_on, ret_spec, err);
	if (r)
		return r;
	if (kind == &kinds[KIND_NODES]) {
		d->node = call_arg(d->call, 1);
		return 0;
	}
	if (text_of(*ret_spec, "node")) {
		d->at = kind_reference_name(KIND_NODES, text_of(*ret_spec, "node"), NULL);
		d->link = call_arg(d->call, 1);
		return json_object_get(*ret_spec, "routes")
			       ? 0
			       : err_set(err, -EINVAL,
					 "%s has no routes: it carries nothing to be moved",
					 d->link);
	}
	const json_t *ends = json_object_get(*ret_spec, "ends");
	for (size_t i = 0; i < 2; i++)
		d->ends[i] = json_string_value(json_array_get(ends, i));
	d->network = text_of(*ret_spec, "network");
	return d->ends[0] && d->ends[1]
		       ? 0
		       : err_set(err, -EINVAL, "%s has no ends", call_arg(d->call, 1));
}

static int drain(struct call *call, struct err *err)
{
	struct drain d = { .call = call };
	json_auto_t *spec = NULL;
	long wait_s = WAIT_S;
	const bool is_on = !call_has(call, "off");
	int r = call_number(call, "wait", 0, WAIT_MAX_S, &wait_s, err);
	if (r == 0)
		r = call_client(call, &d.client, err);
	if (r == 0)
		r = begin(&d, is_on, &spec, err);
	if (r)
		return r;
	if (!is_on) {
		fprintf(call->out, "%s may carry traffic again.\n", call_arg(call, 1));
		return CLI_DONE;
	}
	r = wait_until_safe(&d, wait_s, err);
	text_free(&d.left);
	return r;
}

static const struct verb_arg args[] = {
	{ .name = "KIND", .word = WORD_CHOICE, .choices = "node|link", .help = "node or link" },
	{ .name = "NAME", .word = WORD_NAME, .help = "Its name" },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "off", .help = "Let it carry traffic again" },
	{ .name = "wait",
	  .value = "SECONDS",
	  .help = "How long to wait until no traffic is left (60)" },
	{ 0 },
};

const struct verb verb_drain = {
	.name = "drain",
	.summary = "Take traffic away from a node or link, and say when it is safe",
	.text = "What passes through it moves to other paths while there are any, and the trees "
		"of\n"
		"bridge segments leave it; what ends at a drained node stays. It stays drained, "
		"over restarts too, until `--off`. A link "
		"that\n"
		"has no resource of its own yet gets one (`weft get links`).\n"
		"\n"
		" weft drain node epsilon\n"
		" weft drain node epsilon --off\n"
		" weft drain link home.bob.rho\n"
		" weft drain link upstairs",
	.args = args,
	.options = options,
	.run = drain,
};
