// `confirm` and `rollback`: keeping a change that is on trial, and going back.
#include "cli/confirm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/diff.h"
#include "cli/verb/verbs.h"

static int revision_of(const char *word, long long *ret, struct err *err)
{
	char *end;
	errno = 0;
	long long n = strtoll(word, &end, 10);
	if (errno || *end || n < 1) {
		(void)err_set(err, -EINVAL, "\"%.40s\" is no revision: `weft history` lists them",
			      word);
		return CLI_USAGE;
	}
	*ret = n;
	return 0;
}

static int post(struct call *call, const char *path, json_t *body, struct client_reply *reply,
		struct err *err)
{
	struct client *c;
	if (!body)
		return err_set(err, -ENOMEM, "out of memory");
	int r = call_client(call, &c, err);
	if (r)
		return r;
	const struct client_request request = { .method = "POST", .path = path, .body = body };
	r = client_call(c, &request, reply, err);
	if (!r && !reply->json)
		r = err_set(err, -EBADMSG, "the controller's answer is not JSON");
	return r;
}

static int confirm(struct call *call, struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	bool is_undo = call_has(call, "undo");
	long long revision = 0;
	int r = call_arg(call, 0) ? revision_of(call_arg(call, 0), &revision, err) : 0;
	if (r)
		return r;
	json_auto_t *body = json_pack("{s:b, s:o*}", "undo", is_undo, "revision",
				      revision ? json_integer(revision) : NULL);
	r = post(call, "/api/v1/confirm", body, &reply, err);
	if (r)
		return r;
	if (is_undo || call->format != FORMAT_TABLE)
		return confirm_show_result(call, reply.json, false, err);
	fprintf(call->out, "Confirmed: it stays.\n");
	return CLI_DONE;
}

static int rollback(struct call *call, struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	bool is_dry = call_has(call, "dry-run");
	long long revision = 0;
	int r = revision_of(call_arg(call, 0), &revision, err);
	if (r)
		return r;
	json_auto_t *body = json_pack("{s:I, s:b, s:s*}", "revision", (json_int_t)revision,
				      "dry_run", is_dry, "confirm", call_option(call, "confirm"));
	r = post(call, "/api/v1/rollback", body, &reply, err);
	if (!r)
		r = confirm_show_result(call, reply.json, is_dry, err);
	if (r)
		return r;
	return diff_any(reply.json) == is_dry ? CLI_DIFFERENT : CLI_DONE;
}

static const struct verb_arg confirm_args[] = {
	{ .name = "REV", .is_optional = true, .help = "Only if it is this revision that waits" },
	{ 0 },
};

static const struct verb_option confirm_options[] = {
	{ .name = "undo", .help = "Undo it now instead of keeping it" },
	{ 0 },
};

static const struct verb_arg rollback_args[] = {
	{ .name = "REV", .help = "The network becomes as it was right after this revision" },
	{ 0 },
};

static const struct verb_option rollback_options[] = {
	{ .name = "dry-run", .help = "Only show what would change" },
	{ .name = "verbose", .letter = 'v', .help = "Name the entries that change on each node" },
	CONFIRM_OPTION,
	{ 0 },
};

const struct verb verb_confirm = {
	.name = "confirm",
	.summary = "Keep the change that was applied with --confirm",
	.text = "Without it the change undoes itself when its time is over. Undoing brings back "
		"what\n"
		"it changed, and nothing else.\n"
		"\n"
		" weft apply -f fleet.yaml --confirm 5m && weft ping rho bob && weft confirm\n"
		" weft confirm --undo",
	.args = confirm_args,
	.options = confirm_options,
	.run = confirm,
};

const struct verb verb_rollback = {
	.name = "rollback",
	.summary = "Bring the network back as it was after a past revision",
	.text = "Makes a new revision; `weft history` lists the past ones. Users, tokens, "
		"enrolment\n"
		"keys and secrets stay as they are. Exits as plan and apply do: 3 with --dry-run "
		"when\n"
		"there are differences, and without when there was nothing to do.\n"
		"\n"
		" weft rollback 40 --dry-run\n"
		" weft rollback 40 --confirm 5m",
	.args = rollback_args,
	.options = rollback_options,
	.run = rollback,
};
