#include "run/explaining.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "decide/marks.h"
#include "explain/explain.h"
#include "kernel/question.h"
#include "names/name.h"
#include "run/policies_config.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

enum { TCP = 6, UDP = 17, SET_NAME_SIZE = 24 };

struct explaining {
	struct agent *agent;
	uv_idle_t soon; // an answer never comes before explaining_start() has returned
	struct service_question *talk;
	struct decide *decide;
	json_t *dns; // weft-dns' decision
	char dns_why[ERR_TEXT_SIZE];
	char name[NAME_TEXT_SIZE]; // "": by address
	struct explain_question question;
	struct explain_address addresses[EXPLAIN_ADDRESSES_MAX];
	size_t count, asked; // of addresses; how many weft-dns was asked about
	explaining_done_fn *done;
	void *context;
};

// ---- what is in force ----

static struct decide *decide_of(const struct agent *agent, struct err *err)
{
	CLEAN(json_decref_ptr) json_t *policies = policies_config(agent);
	return decide_new(policies, err);
}

// ---- the kernel ----

static struct kernel_ip kernel_address(const struct address *a)
{
	struct kernel_ip ip = { .family = a->family == 4 ? AF_INET : AF_INET6 };
	memcpy(ip.bytes, a->bytes, sizeof ip.bytes);
	return ip;
}

static bool set_has(const char *list, const struct address *a, int64_t *ret_ms)
{
	const struct kernel_ip ip = kernel_address(a);
	char set[SET_NAME_SIZE];
	(void)snprintf(set, sizeof set, "%s_%d", list, a->family);
	return kernel_policy_has(set, &ip, ret_ms, NULL) == 0;
}

static void look_into_sets(const struct explaining *x, struct explain_address *a)
{
	char list[SET_NAME_SIZE];
	int64_t left_ms;
	for (size_t i = 0; i < x->decide->n_policies; i++)
		a->has_sets = a->has_sets || x->decide->policies[i].has_lists;
	if (!a->has_sets || !a->address.family)
		return;
	a->is_known = set_has("known", &a->address, &a->left_ms);
	for (size_t i = 0; i < x->decide->n_lists; i++) {
		(void)snprintf(list, sizeof list, "l%u", x->decide->lists[i].id);
		if (set_has(list, &a->address, &left_ms))
			decide_set_put(&a->lists, i);
	}
}

// As a packet of the client's comes in: by the device that leads back to it.
static void look_up_route(const struct explaining *x, struct explain_address *a)
{
	struct kernel_packet packet = { .to = kernel_address(&x->question.client) };
	struct kernel_route back = { 0 };
	int r = kernel_route_to(&packet, &back, &a->unrouted);
	a->is_from_node = r == 0 && back.type == KERNEL_ROUTE_LOCAL;
	if (!a->address.family) {
		a->unrouted = (struct err){ 0 };
		return;
	}
	if (r < 0) {
		(void)err_prefix(&a->unrouted, "it has no way back to the client");
		return;
	}
	packet = (struct kernel_packet){ .to = kernel_address(&a->address),
					 .from = packet.to,
					 .mark = explain_mark(a) };
	memcpy(packet.device, back.device, sizeof packet.device);
	(void)kernel_route_to(&packet, &a->route, &a->unrouted);
}

// ---- the answer ----

static json_t *compose(struct explaining *x)
{
	static const char *const prefixes[] = { "gateway/", "gateway-group/", "rule/gateway-group/",
						NULL };
	struct agent *agent = x->agent;
	CLEAN(json_decref_ptr) json_t *entries = policies_bodies(agent, prefixes);
	CLEAN(json_decref_ptr) json_t *gateways = gateways_status(agent);
	CLEAN(json_decref_ptr) json_t *groups = gateways_groups_status(agent);
	CLEAN(json_decref_ptr) json_t *counts = reconcile_policy_counts(agent->reconcile);
	CLEAN(json_decref_ptr) json_t *splitter = splitter_status(agent->splitter);
	const struct explain_facts facts = { .decide = x->decide,
					     .entries = entries,
					     .gateways = gateways,
					     .groups = groups,
					     .counts = counts,
					     .splitter = splitter };
	x->question.dns = x->dns;
	x->question.dns_why = x->dns_why;
	if (x->count == 0)
		x->count = 1; // of a name without addresses: what its names alone decide
	for (size_t i = 0; i < x->count; i++) {
		look_into_sets(x, &x->addresses[i]);
		explain_decide(&facts, &x->question, &x->addresses[i]);
		look_up_route(x, &x->addresses[i]);
		explain_settle(&facts, &x->addresses[i]);
	}
	return explain_answer(&facts, &x->question, x->addresses, x->count);
}

static void on_closed(uv_handle_t *handle)
{
	struct explaining *x = handle->data;
	for (size_t i = 0; i < EXPLAIN_ADDRESSES_MAX; i++)
		json_decref(x->addresses[i].names);
	json_decref(x->dns);
	decide_free(x->decide);
	free(x);
}

static void finish(struct explaining *x)
{
	CLEAN(json_decref_ptr) json_t *answer = compose(x);
	uv_close((uv_handle_t *)&x->soon, on_closed);
	x->done(x->context, answer, answer ? NULL : "out of memory");
}

// ---- weft-dns ----

static void ask_next(struct explaining *x);

static void on_learned(void *context, const json_t *answer, const char *why)
{
	struct explaining *x = context;
	json_t *names = json_object_get(answer, "names");
	(void)why;
	x->talk = NULL;
	if (json_is_array(names))
		x->addresses[x->asked].names = json_incref(names);
	x->asked++;
	ask_next(x);
}

// What names each address was learned by.
static void ask_next(struct explaining *x)
{
	char text[ADDRESS_TEXT_SIZE];
	const struct explain_address *a = &x->addresses[x->asked];
	if (x->asked >= x->count || !a->address.family) {
		finish(x);
		return;
	}
	CLEAN(json_decref_ptr)
	json_t *args = json_pack("{s:s}", "address", address_format(&a->address, text));
	x->talk = resolver_ask(x->agent->resolver, "learned", args, on_learned, x);
	if (!x->talk)
		finish(x);
}

// Those that the client can go to from the address that it has.
static void take_addresses(struct explaining *x)
{
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(x->dns, "addresses"), i, item)
	{
		const char *text = json_string_value(item);
		struct address address;
		if (text && x->count < EXPLAIN_ADDRESSES_MAX &&
		    address_parse(text, &address, NULL) == 0 &&
		    address.family == x->question.client.family)
			x->addresses[x->count++].address = address;
	}
}

static void on_lookup(void *context, const json_t *answer, const char *why)
{
	struct explaining *x = context;
	const char *error = json_string_value(json_object_get(answer, "error"));
	x->talk = NULL;
	if (!answer || error) {
		(void)snprintf(x->dns_why, sizeof x->dns_why, "%s", error ? error : why);
		finish(x);
		return;
	}
	x->dns = json_incref((json_t *)(uintptr_t)answer);
	take_addresses(x);
	ask_next(x);
}

static void begin(struct explaining *x)
{
	char client[ADDRESS_TEXT_SIZE];
	if (!x->name[0]) {
		ask_next(x);
		return;
	}
	CLEAN(json_decref_ptr)
	json_t *args = json_pack("{s:s, s:s}", "client",
				 address_format(&x->question.client, client), "name", x->name);
	x->talk = resolver_ask(x->agent->resolver, "lookup", args, on_lookup, x);
	if (!x->talk)
		finish(x);
}

static void on_soon(uv_idle_t *idle)
{
	struct explaining *x = idle->data;
	(void)uv_idle_stop(idle);
	if (x->agent->resolver && resolver_runs(x->agent->resolver)) {
		begin(x);
		return;
	}
	(void)snprintf(
		x->dns_why, sizeof x->dns_why,
		"no resolver runs on this node: it knows the name's lists, not its addresses");
	finish(x);
}

// ---- the question ----

static int parse(struct explaining *x, const json_t *args, struct err *err)
{
	const char *client = json_string_value(json_object_get(args, "client"));
	const char *to = json_string_value(json_object_get(args, "to"));
	const char *protocol = json_string_value(json_object_get(args, "proto"));
	const json_int_t port = json_integer_value(json_object_get(args, "port"));
	struct name name;
	if (!client || !to || !protocol || port < 0 || port > UINT16_MAX)
		return err_set(err, -EINVAL, "explain: client, to, port or proto is missing");
	if (address_parse(client, &x->question.client, err) < 0)
		return err_prefix(err, "client");
	x->question.protocol = strcmp(protocol, "udp") == 0 ? UDP : TCP;
	x->question.port = (uint16_t)port;
	if (address_parse(to, &x->addresses[0].address, NULL) == 0) {
		x->count = 1;
		return 0;
	}
	if (name_parse(to, strlen(to), &name, err) < 0)
		return err_prefix(err, "to");
	name_text(&name, x->name);
	x->question.name = x->name;
	return 0;
}

struct explaining *explaining_start(struct agent *agent, const json_t *args,
				    explaining_done_fn *done, void *context, struct err *err)
{
	struct explaining *x = calloc(1, sizeof *x);
	if (!x) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	x->agent = agent;
	x->done = done;
	x->context = context;
	if (parse(x, args, err) == 0)
		x->decide = decide_of(agent, err);
	if (!x->decide) {
		free(x);
		return NULL;
	}
	x->soon.data = x;
	(void)uv_idle_init(agent->loop, &x->soon);
	(void)uv_idle_start(&x->soon, on_soon);
	return x;
}

void explaining_cancel(struct explaining *x)
{
	if (!x)
		return;
	service_question_cancel(x->talk);
	uv_close((uv_handle_t *)&x->soon, on_closed);
}
