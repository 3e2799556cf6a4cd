// `node add`, `node approve`, `node revoke`: how hosts get in and out.
#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/verb/verbs.h"

static int ensure_node(struct client *c, const char *name, bool *ret_created, struct err *err)
{
	int r = resource_get(c, &kinds[KIND_NODES], name, false, NULL, err);
	if (r != -ENOENT)
		return r;
	client_problem_clear(c);
	json_auto_t *spec = json_object();
	struct client_request put = { .method = "PUT", .body = spec };
	r = resource_call(c, &kinds[KIND_NODES], name, NULL, put, NULL, err);
	if (!r)
		*ret_created = true;
	return r;
}

// "join-<node>-<random>", cut to a resource name's length.
static char *key_name(const char *node)
{
	unsigned char random[3];
	if (RAND_bytes(random, sizeof(random)) != 1)
		return NULL;
	return text_format("join-%.50s-%02x%02x%02x", node, random[0], random[1], random[2]);
}

static int make_key(struct call *call, struct client *c, const char *node,
		    struct client_reply *reply, struct err *err)
{
	CLEAN(free_ptr) char *name = key_name(node);
	const char *expires = call_option(call, "expires");
	json_auto_t *spec =
		json_pack("{s:s, s:i, s:s, s:b}", "node", node, "uses", 1, "expires",
			  expires ? expires : "24h", "approval", call_has(call, "approval"));
	if (!name || !spec)
		return err_set(err, -EINVAL, "--expires is not valid UTF-8");
	struct client_request put = { .method = "PUT", .body = spec };
	return resource_call(c, &kinds[KIND_ENROLMENT_KEYS], name, NULL, put, reply, err);
}

// The controller tells the line, since only it knows under which names hosts reach it. An older one
// leaves it out: then it is made of the URL used here and the pin of the key seen there.
static char *join_line(struct client *c, const json_t *created, const char *key)
{
	const char *line = json_string_value(json_object_get(created, "join"));
	if (line)
		return strdup(line);
	bool is_trusted;
	CLEAN(free_ptr) char *pin = NULL;
	if (client_probe(client_url(c), NULL, &is_trusted, &pin, NULL))
		return NULL;
	return text_format("curl -fsSk --pinnedpubkey '%s' %s/join | sudo sh -s -- %s", pin,
			   client_url(c), key);
}

static int node_add(struct call *call, struct err *err)
{
	const char *node = call_arg(call, 0);
	struct client *c;
	bool is_created = false;
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	int r = call_client(call, &c, err);
	if (!r)
		r = ensure_node(c, node, &is_created, err);
	if (!r)
		r = make_key(call, c, node, &reply, err);
	if (r)
		return r;
	if (show_as_asked(call, reply.json, err, &r))
		return r;
	const char *key = json_string_value(json_object_get(reply.json, "key"));
	if (!key)
		return err_set(err, -EBADMSG, "the controller made a key but did not show it");
	CLEAN(free_ptr) char *line = join_line(c, reply.json, key);
	fprintf(call->out, "Node %s %s. This key admits one host%s; it is shown only now.\n\n",
		node, is_created ? "is created" : "was there already",
		call_has(call, "approval") ? ", once you run `weft node approve`" : "");
	if (line)
		fprintf(call->out, "Run this on the host (Debian or Ubuntu):\n\n  %s\n\n", line);
	fprintf(call->out, "Or, where weft-agent is installed:\n\n  sudo weft-agent join %s\n",
		key);
	return CLI_DONE;
}

static int act(struct call *call, const char *action, const char *done, struct err *err)
{
	struct client *c;
	int r = call_client(call, &c, err);
	if (!r)
		r = resource_call(c, &kinds[KIND_NODES], call_arg(call, 0), action,
				  (struct client_request){ .method = "POST" }, NULL, err);
	if (r)
		return r;
	fprintf(call->out, "Node %s %s.\n", call_arg(call, 0), done);
	return CLI_DONE;
}

static int node_approve(struct call *call, struct err *err)
{
	return act(call, "approve", "may join", err);
}

static int node_revoke(struct call *call, struct err *err)
{
	return act(call, "revoke", "is shut out; it can only join again with a new key", err);
}

static int node_retry(struct call *call, struct err *err)
{
	return act(call, "retry", "tries the revision again", err);
}

static const struct verb_arg add_args[] = {
	{ .name = "NAME", .word = WORD_NODE, .help = "The node; it is created if there is none" },
	{ 0 },
};

static const struct verb_option add_options[] = {
	{ .name = "expires",
	  .value = "WHEN",
	  .help = "Until when the key admits: a duration (\"24h\" if not given) or a time" },
	{ .name = "approval", .help = "Let the host wait until you approve it" },
	{ 0 },
};

static const struct verb_arg node_args[] = {
	{ .name = "NAME", .word = WORD_NODE, .help = "The node" },
	{ 0 },
};

const struct verb verb_node_add = {
	.name = "node add",
	.summary = "Make a one-use key and print the line to run on the host",
	.text = "The line fetches the join script over a connection pinned to the controller's "
		"key, so\n"
		"nothing unverified is run; it installs the agent and joins the host as this "
		"node.\n"
		"\n"
		" weft node add rho\n"
		" weft node add rho --expires 30m --approval",
	.args = add_args,
	.options = add_options,
	.run = node_add,
};

const struct verb verb_node_approve = {
	.name = "node approve",
	.summary = "Let in a host that joined with a key that asks for approval",
	.args = node_args,
	.run = node_approve,
};

const struct verb verb_node_revoke = {
	.name = "node revoke",
	.summary = "Revoke a node's certificates and end its session at once",
	.text = "The host keeps its last good state until it leaves, but no other node accepts it "
		"and\n"
		"it can only come back with a new key. `weft delete node NAME` removes it "
		"entirely.",
	.args = node_args,
	.run = node_revoke,
};

const struct verb verb_node_retry = {
	.name = "node retry",
	.summary = "Let a node try the revision again that cut it off its controller",
	.text = "A node that loses its controller by a revision goes back to the state before and "
		"refuses\n"
		"the revision until it changes. When the cause was elsewhere, this asks it to try "
		"again.",
	.args = node_args,
	.run = node_retry,
};
