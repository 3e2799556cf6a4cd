// `dns except`: names that a blocklist does not hold for.
#include <errno.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

static json_t *names_of(const struct call *call)
{
	json_t *names = json_array();
	for (size_t i = 1; i < call->n_args; i++)
		if (json_array_append_new(names, json_string(call_arg(call, i))) < 0) {
			json_decref(names);
			return NULL;
		}
	return names;
}

// Changes them where something is to change; else reads them.
static int ask(struct call *call, struct client *c, struct client_reply *ret, struct err *err)
{
	const bool is_clearing = call_has(call, "clear"), is_removing = call_has(call, "remove");
	struct client_request request = { .method = "GET" };
	json_auto_t *body = json_object();
	json_t *names = names_of(call);
	if (!names)
		return err_set(err, -EINVAL, "a name is not valid UTF-8");
	if (is_clearing)
		(void)json_object_set_new(body, "clear", json_true());
	(void)json_object_set_new(body, is_removing ? "remove" : "add", names);
	const bool is_changing = is_clearing || json_array_size(names) > 0;
	if (is_removing && json_array_size(names) == 0)
		return err_set(err, -EINVAL, "--remove: which names?");
	if (is_changing)
		request = (struct client_request){ .method = "POST", .body = body };
	return resource_call(c, &kinds[KIND_BLOCKLISTS], call_arg(call, 0),
			     is_changing ? "except" : NULL, request, ret, err);
}

static int dns_except(struct call *call, struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	CLEAN(text_free) struct text t = { 0 };
	struct client *c;
	const json_t *name;
	size_t i;
	int r = call_client(call, &c, err);
	if (!r)
		r = ask(call, c, &reply, err);
	const json_t *list = json_object_get(json_object_get(reply.json, "spec"), "except");
	json_auto_t *whole = list ? json_deep_copy(list) : json_array();
	if (r || show_as_asked(call, whole, err, &r))
		return r;
	json_array_foreach(whole, i, name)
	{
		value_add_clean(&t, json_is_string(name) ? json_string_value(name) : "?");
		text_add(&t, "\n");
	}
	if (json_array_size(whole) == 0)
		text_addf(&t, "blocklists/%s has no exceptions.\n", call_arg(call, 0));
	return show_text(call, &t, err);
}

static const struct verb_arg args[] = {
	{ .name = "BLOCKLIST", .word = WORD_ANY, .help = "The blocklist" },
	{ .name = "NAME",
	  .word = WORD_ANY,
	  .help = "A name and everything below it, `=x` for exactly x",
	  .is_optional = true,
	  .is_many = true },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "remove", .help = "It holds for these names again" },
	{ .name = "clear", .help = "It holds for all names again, but for those given" },
	{ 0 },
};

const struct verb verb_dns_except = {
	.name = "dns except",
	.summary = "Let names pass a blocklist, or say which may",
	.text = "Exceptions are part of the blocklist and stay over restarts. Without a name they "
		"are "
		"shown.\n\n weft dns except ads good.example\n weft dns except ads --remove "
		"good.example",
	.args = args,
	.options = options,
	.run = dns_except,
};
