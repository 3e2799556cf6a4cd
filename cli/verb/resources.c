// `delete` and `rename`: one request each.
#include <errno.h>

#include "base/clean.h"
#include "model/json.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/kind.h"
#include "cli/resource.h"
#include "cli/verb/verbs.h"

static int request(struct call *call, const char *action, struct client_request request_of,
		   const struct kind **ret_kind, struct err *err)
{
	struct client *c;
	int r = kind_find(call_arg(call, 0), ret_kind, err);
	if (r)
		return CLI_USAGE;
	r = call_client(call, &c, err);
	if (r)
		return r;
	return resource_call(c, *ret_kind, call_arg(call, 1), action, request_of, NULL, err);
}

static int delete_one(struct call *call, struct err *err)
{
	const struct kind *kind;
	int r = request(call, NULL, (struct client_request){ .method = "DELETE" }, &kind, err);
	if (r)
		return r;
	fprintf(call->out, "%s/%s deleted.\n", kind->name, call_arg(call, 1));
	return CLI_DONE;
}

static int rename_one(struct call *call, struct err *err)
{
	json_auto_t *body = json_pack("{s:s}", "name", call_arg(call, 2));
	if (!body)
		return err_set(err, -EINVAL, "the new name is not valid UTF-8");
	const struct kind *kind;
	struct client_request post = { .method = "POST", .body = body };
	int r = request(call, "rename", post, &kind, err);
	if (r)
		return r;
	fprintf(call->out, "%s/%s is now called %s.\n", kind->name, call_arg(call, 1),
		call_arg(call, 2));
	return CLI_DONE;
}

static const struct verb_arg delete_args[] = {
	{ .name = "KIND", .word = WORD_KIND, .help = "Its kind, in the singular or plural" },
	{ .name = "NAME", .word = WORD_NAME, .help = "Its name" },
	{ 0 },
};

static const struct verb_arg rename_args[] = {
	{ .name = "KIND", .word = WORD_KIND, .help = "Its kind, in the singular or plural" },
	{ .name = "NAME", .word = WORD_NAME, .help = "Its present name" },
	{ .name = "NEW", .word = WORD_ANY, .help = "Its new name" },
	{ 0 },
};

const struct verb verb_delete = {
	.name = "delete",
	.summary = "Delete a resource",
	.text = "Refused while another resource refers to it; the answer says which.",
	.args = delete_args,
	.run = delete_one,
};

const struct verb verb_rename = {
	.name = "rename",
	.summary = "Give a resource another name; its identity, addresses and references stay",
	.args = rename_args,
	.run = rename_one,
};
