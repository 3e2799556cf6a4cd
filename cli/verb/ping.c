#include <errno.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/path.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

// The path as the controller tells it, or else as the topology has it.
static void print_path(const struct call *call, struct client *c, const json_t *result)
{
	CLEAN(text_free) struct text t = { 0 };
	const json_t *path = json_object_get(result, "path");
	size_t at;
	const json_t *node;
	json_array_foreach(path, at, node)
	{
		text_add(&t, at ? " → " : "");
		value_add_clean(&t, json_is_string(node) ? json_string_value(node) : "?");
	}
	json_auto_t *topology = NULL;
	if (t.len == 0 && client_get(c, &topology, NULL, "/api/v1/topology") == 0)
		(void)path_describe(&t, topology, call_arg(call, 0), call_arg(call, 1));
	client_problem_clear(c);
	if (t.len)
		fprintf(call->out, "path %s\n", t.data);
}

static int print_result(const struct call *call, const json_t *result, struct err *err)
{
	const json_t *rtts = json_object_get(result, "rtt_ms");
	size_t at;
	const json_t *rtt;
	double sum = 0;
	double least = 0;
	double most = 0;
	size_t n = 0;
	json_array_foreach(rtts, at, rtt)
	{
		if (!json_is_number(rtt)) {
			fprintf(call->out, "%zu: no answer\n", at + 1);
			continue;
		}
		double ms = json_number_value(rtt);
		fprintf(call->out, "%zu: %.2f ms\n", at + 1, ms);
		least = n == 0 || ms < least ? ms : least;
		most = ms > most ? ms : most;
		sum += ms;
		n++;
	}
	const char *error = json_string_value(json_object_get(result, "error"));
	long long sent = json_integer_value(json_object_get(result, "sent"));
	long long received = json_integer_value(json_object_get(result, "received"));
	fprintf(call->out, "%lld sent, %lld received", sent, received);
	if (n)
		fprintf(call->out, ", %.2f/%.2f/%.2f ms least/mean/most", least, sum / (double)n,
			most);
	fprintf(call->out, "\n");
	if (error)
		return err_set(err, -EIO, "%s", error);
	return received > 0 ? CLI_DONE : CLI_FAILED;
}

static json_t *request_body(const struct call *call, long count, long size)
{
	json_t *body = json_pack("{s:s, s:I}", "to", call_arg(call, 1), "count", (json_int_t)count);
	if (body && size)
		(void)json_object_set_new(body, "size", json_integer(size));
	if (body && call_has(call, "df"))
		(void)json_object_set_new(body, "df", json_true());
	if (body && call_has(call, "ipv6"))
		(void)json_object_set_new(body, "family", json_integer(6));
	return body;
}

static int ping(struct call *call, struct err *err)
{
	long count = 3;
	long size = 0;
	int r = call_number(call, "count", 1, 100, &count, err);
	if (!r)
		r = call_number(call, "size", 28, 9000, &size, err);
	if (r)
		return r;
	struct client *c;
	json_auto_t *body = request_body(call, count, size);
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	if (!body)
		return err_set(err, -EINVAL, "%s is not valid UTF-8", call_arg(call, 1));
	r = call_client(call, &c, err);
	if (!r)
		r = resource_call(c, &kinds[KIND_NODES], call_arg(call, 0), "ping",
				  (struct client_request){ .method = "POST", .body = body }, &reply,
				  err);
	if (r || show_as_asked(call, reply.json, err, &r))
		return r;
	const char *address = json_string_value(json_object_get(reply.json, "address"));
	fprintf(call->out, "%s pings %s (%s)\n", call_arg(call, 0), call_arg(call, 1),
		address ? address : "?");
	print_path(call, c, reply.json);
	return print_result(call, reply.json, err);
}

static const struct verb_arg args[] = {
	{ .name = "A", .word = WORD_NODE, .help = "The node that pings" },
	{ .name = "B", .word = WORD_NODE, .help = "The node or address that is pinged" },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "count",
	  .letter = 'c',
	  .value = "N",
	  .help = "How many packets, 3 if not given" },
	{ .name = "size", .letter = 's', .value = "BYTES", .help = "Size of the whole IP packet" },
	{ .name = "df", .help = "Forbid fragments" },
	{ .name = "ipv6", .letter = '6', .help = "Ping the node's IPv6 address" },
	{ 0 },
};

const struct verb verb_ping = {
	.name = "ping",
	.summary = "Ping from one node to another and name the path",
	.text = "Exits 1 when no answer comes back.\n\n weft ping rho pi0 -c 5 -s 1500 --df",
	.args = args,
	.options = options,
	.run = ping,
};
