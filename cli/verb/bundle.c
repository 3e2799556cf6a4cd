// `bundle`: packs what a bug report about a network needs.
#include "base/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/context.h"
#include "cli/verb/verbs.h"

enum { NODES_MAX = 200 };

static const struct {
	const char *file;
	const char *path;
} pages[] = {
	{ "state.json", "/api/v1/state" },
	{ "topology.json", "/api/v1/topology" },
	{ "history.json", "/api/v1/history?limit=500" },
	{ "log.json", "/api/v1/log?limit=500" },
	{ "metrics.txt", "/metrics" },
	{ "ready.json", "/readyz" },
};

// What the controller answers; where it refuses, that.
static int add_page(struct bundle *bundle, struct client *c, const char *file, const char *path,
		    struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	const struct client_request request = { .method = "GET", .path = path };
	struct err why = { 0 };
	int r = client_call(c, &request, &reply, &why);
	const char *text = r < 0 ? why.text : reply.body ? reply.body : "";
	client_problem_clear(c);
	return bundle_add(bundle, file, text, err);
}

static int add_kinds(struct bundle *bundle, struct client *c, struct err *err)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < KIND_COUNT; i++) {
		CLEAN(free_ptr) char *file = text_format("%s.json", kinds[i].name);
		CLEAN(free_ptr)
		char *path = text_format("/api/v1/%s?effective=true&limit=500", kinds[i].name);
		r = file && path ? add_page(bundle, c, file, path, err)
				 : err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

static int add_nodes(struct bundle *bundle, struct client *c, struct err *err)
{
	json_auto_t *state = NULL;
	size_t at;
	const json_t *node;
	int r = client_get(c, &state, err, "/api/v1/state");
	json_array_foreach(json_object_get(state, "nodes"), at, node)
	{
		const char *name = json_string_value(json_object_get(node, "name"));
		CLEAN(free_ptr) char *file = text_format("node-%s.json", name);
		CLEAN(free_ptr) char *path = text_format("/api/v1/nodes/%s/observed", name);
		if (r < 0 || at == NODES_MAX)
			break;
		r = file && path ? add_page(bundle, c, file, path, err)
				 : err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

static int gather(struct bundle *bundle, struct client *c, struct err *err)
{
	int r = bundle_add_version(bundle, "weft", err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(pages); i++)
		r = add_page(bundle, c, pages[i].file, pages[i].path, err);
	if (r == 0)
		r = add_kinds(bundle, c, err);
	return r < 0 ? r : add_nodes(bundle, c, err);
}

static int bundle(struct call *call, struct err *err)
{
	CLEAN(bundle_free_ptr) struct bundle *packed = NULL;
	struct client *c;
	char name[64], path[80];
	time_t now = time(NULL);
	struct tm tm;
	(void)strftime(name, sizeof(name), "weft-%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	(void)snprintf(path, sizeof(path), "%s.tar.gz", name);
	const char *file = call_arg(call, 0) ? call_arg(call, 0) : path;
	int r = call_client(call, &c, err);
	if (r == 0)
		r = bundle_new(name, &packed, err);
	if (r == 0)
		r = gather(packed, c, err);
	if (r == 0)
		r = bundle_write(packed, file, err);
	if (r == 0)
		fprintf(call->out, "%s\n", file);
	return r;
}

static const struct verb_arg args[] = {
	{ .name = "FILE",
	  .word = WORD_FILE,
	  .help = "The archive to write, weft-DATE-TIME.tar.gz if not given",
	  .is_optional = true },
	{ 0 },
};

const struct verb verb_bundle = {
	.name = "bundle",
	.summary = "Pack what a bug report needs, without secrets",
	.text = "Holds the state of controller and nodes, the resources, the last changes and "
		"events, and the metrics. Passwords, tokens, keys and secrets are taken out. A "
		"host's own part comes from weft-agent bundle on that host.\n\n weft bundle "
		"report.tar.gz",
	.args = args,
	.run = bundle,
};
