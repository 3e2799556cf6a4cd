// `webhook test` and `webhook status`: whether an address takes what is sent to it.
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

enum { TEST_MS = 15000, LOOK_MS = 200 };

static json_int_t number_of(const json_t *status, const char *field)
{
	return json_integer_value(json_object_get(status, field));
}

static int print_status(const struct call *call, const json_t *status, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	char when[32];
	const char *error = json_string_value(json_object_get(status, "error"));
	const char *at = json_string_value(json_object_get(status, "delivered_at"));
	const char *next = json_string_value(json_object_get(status, "next_at"));
	text_addf(&t, "delivered  %lld since the controller's start, the last %s\n",
		  (long long)number_of(status, "delivered"),
		  at ? show_time(at, when, sizeof(when)) : "never");
	text_addf(&t, "waiting    %lld\n", (long long)number_of(status, "waiting"));
	if (error) {
		text_addf(&t, "failing    %lld tries in a row: ",
			  (long long)number_of(status, "failures"));
		value_add_clean(&t, error);
		text_add(&t, "\n");
	}
	if (next)
		text_addf(&t, "next try   %s\n", show_time(next, when, sizeof(when)));
	return show_text(call, &t, err);
}

static int ask(struct client *c, const char *name, const char *method, const char *action,
	       struct client_reply *reply, struct err *err)
{
	const struct client_request request = { .method = method };
	return resource_call(c, &kinds[KIND_WEBHOOKS], name, action, request, reply, err);
}

static int webhook_status(struct call *call, struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	struct client *c;
	int r = call_client(call, &c, err);
	if (!r)
		r = ask(c, call_arg(call, 0), "GET", "status", &reply, err);
	if (r)
		return r;
	bool is_well = number_of(reply.json, "failures") == 0;
	if (!show_as_asked(call, reply.json, err, &r))
		r = print_status(call, reply.json, err);
	return r ? r : is_well ? CLI_DONE : CLI_FAILED;
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = LOOK_MS * 1000000L };
	(void)nanosleep(&t, NULL);
}

static int webhook_test(struct call *call, struct err *err)
{
	const char *name = call_arg(call, 0);
	CLEAN(client_reply_done) struct client_reply before = { 0 };
	struct client *c;
	int r = call_client(call, &c, err);
	if (!r)
		r = ask(c, name, "POST", "test", &before, err);
	int64_t end = clock_mono_ms() + TEST_MS;
	while (!r && clock_mono_ms() < end) {
		CLEAN(client_reply_done) struct client_reply now = { 0 };
		nap();
		r = ask(c, name, "GET", "status", &now, err);
		const char *error = json_string_value(json_object_get(now.json, "error"));
		if (!r && error && number_of(now.json, "failed") > number_of(before.json, "failed"))
			return err_set(err, -EIO, "webhook %s: %s; it is tried again", name, error);
		if (!r && number_of(now.json, "waiting") == 0 &&
		    number_of(now.json, "delivered") > number_of(before.json, "delivered")) {
			fprintf(call->out, "webhook %s took it.\n", name);
			return CLI_DONE;
		}
	}
	return r ? r
		 : err_set(err, -ETIMEDOUT, "webhook %s did not take it within %d s", name,
			   TEST_MS / 1000);
}

static const struct verb_arg args[] = {
	{ .name = "NAME", .word = WORD_WEBHOOK, .help = "The webhook" },
	{ 0 },
};

const struct verb verb_webhook_status = {
	.name = "webhook status",
	.summary = "Say how far a webhook has come, and what keeps it",
	.text = "Exits 1 while its address does not take what is sent.",
	.args = args,
	.run = webhook_status,
};

const struct verb verb_webhook_test = {
	.name = "webhook test",
	.summary = "Send an event that only this webhook gets, and wait until it is taken",
	.text = "It goes the way of every event, behind those that wait already.",
	.args = args,
	.run = webhook_test,
};
