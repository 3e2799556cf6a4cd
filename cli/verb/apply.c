// `plan` and `apply`: a fleet file as one transaction.
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/confirm.h"
#include "cli/diff.h"
#include "cli/fleet.h"
#include "cli/show.h"
#include "cli/verb/verbs.h"

static int read_files(const struct call *call, struct fleet *fleet, struct err *err)
{
	const char *path;
	for (size_t i = 0; (path = call_option_at(call, "file", i)); i++) {
		int r = fleet_read(fleet, path, err);
		if (r)
			return r;
	}
	return 0;
}

// The refusal again with the lines of the files that its fields stand in.
static int say_places(struct client *c, const struct fleet *fleet, int code, struct err *err)
{
	const json_t *errors = json_object_get(client_problem_json(c), "errors");
	if (json_array_size(errors) == 0)
		return code;
	size_t at;
	const json_t *one;
	json_array_foreach(errors, at, one)
	{
		const char *field = json_string_value(json_object_get(one, "field"));
		const char *text = json_string_value(json_object_get(one, "text"));
		char place[400];
		// Some fields come with the body's own root before them.
		if (field)
			(void)text_starts(field, "resources.", &field);
		bool is_found = field && fleet_locate(fleet, field, place, sizeof(place));
		fprintf(stderr, "weft: %s%s%s%s%s\n", is_found ? place : "", is_found ? ": " : "",
			field ? field : "", field && *field ? ": " : "", text ? text : "refused");
	}
	client_problem_clear(c);
	return err_set(err, code, "nothing was changed: %zu field%s refused",
		       json_array_size(errors), json_array_size(errors) == 1 ? " was" : "s were");
}

static int send(struct call *call, const struct fleet *fleet, bool is_dry,
		struct client_reply *reply, struct err *err)
{
	const char *set = call_option(call, "set");
	json_auto_t *body =
		json_pack("{s:O, s:s, s:b, s:b, s:s*}", "resources", fleet->resources, "set",
			  set ? set : "default", "prune", call_has(call, "prune"), "dry_run",
			  is_dry, "confirm", call_option(call, "confirm"));
	if (!body)
		return err_set(err, -ENOMEM, "out of memory");
	struct client *c;
	int r = call_client(call, &c, err);
	if (r)
		return r;
	struct client_request request = { .method = "POST", .path = "/api/v1/apply", .body = body };
	r = client_call(c, &request, reply, err);
	return r && client_problem_json(c) ? say_places(c, fleet, r, err) : r;
}

static int show_once(const struct call *call, const json_t *result)
{
	const char *key;
	json_t *value;
	json_object_foreach(json_object_get(result, "shown_once"), key, value)
	{
		fprintf(call->out, "%s (shown only now): %s\n", key,
			json_is_string(value) ? json_string_value(value) : "?");
	}
	return 0;
}

static int plan_or_apply(struct call *call, bool is_dry, struct err *err)
{
	CLEAN(fleet_done) struct fleet fleet = { 0 };
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	int r = read_files(call, &fleet, err);
	if (!r && !fleet.resources)
		r = err_set(err, -EINVAL, "the files hold no resource");
	if (!r)
		r = send(call, &fleet, is_dry, &reply, err);
	if (r)
		return r;
	if (!reply.json)
		return err_set(err, -EBADMSG, "the controller's answer is not JSON");
	r = confirm_show_result(call, reply.json, is_dry, err);
	if (!r && call->format == FORMAT_TABLE)
		r = show_once(call, reply.json);
	if (r)
		return r;
	return diff_any(reply.json) == is_dry ? CLI_DIFFERENT : CLI_DONE;
}

static int plan(struct call *call, struct err *err)
{
	return plan_or_apply(call, true, err);
}

static int apply(struct call *call, struct err *err)
{
	return plan_or_apply(call, false, err);
}

// What plan and apply share.
#define OPTIONS                                                                                    \
	{ .name = "file",                                                                          \
	  .letter = 'f',                                                                           \
	  .value = "F",                                                                            \
	  .word = WORD_FILE,                                                                       \
	  .is_many = true,                                                                         \
	  .is_required = true,                                                                     \
	  .help = "A YAML file, a directory of them, or - for standard input" },                   \
		{ .name = "prune",                                                                 \
		  .help = "Also delete what this set applied before and no longer holds" },        \
		{ .name = "set",                                                                   \
		  .value = "NAME",                                                                 \
		  .help = "The name of the set, \"default\" if not given" },                       \
	{                                                                                          \
		.name = "verbose", .letter = 'v',                                                  \
		.help = "Name the entries that change on each node"                                \
	}

static const struct verb_option plan_options[] = { OPTIONS, { 0 } };
static const struct verb_option apply_options[] = { OPTIONS, CONFIRM_OPTION, { 0 } };

const struct verb verb_plan = {
	.name = "plan",
	.summary = "Show what apply would change, per resource and per node",
	.text = "Reads the files, asks the controller what applying them would change, and "
		"changes\n"
		"nothing. Exits 0 when there is no difference and 3 when there are some.\n"
		"\n"
		" weft plan -f fleet.yaml\n"
		" weft plan -f sites/ -f networks.yaml --prune -v",
	.options = plan_options,
	.run = plan,
};

const struct verb verb_apply = {
	.name = "apply",
	.summary = "Make the controller's resources as the files say, all or nothing",
	.text = "Reads the files, merges them and applies them as one transaction. What other sets "
		"or\n"
		"people made stays as it is; with --prune, what an earlier apply of the same set "
		"made\n"
		"and the files no longer hold is deleted. Exits 3 when there was nothing to do.\n"
		"\n"
		"With --confirm it undoes itself after that time, unless `weft confirm` comes "
		"before:\n"
		"for changes that may cut you off.\n"
		"\n"
		" weft apply -f fleet.yaml\n"
		" weft apply -f fleet.yaml --confirm 5m\n"
		" generate-fleet | weft apply -f - --set generated --prune",
	.options = apply_options,
	.run = apply,
};
